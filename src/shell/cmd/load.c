/* `assay load`: a file into a table of PostgreSQL, by COPY, or of an SQLite file; in one
 * transaction. */
#include <inttypes.h>
#include <stdio.h>

#include "core/base/calendar.h"
#include "core/base/number.h"
#include "core/data/json.h"
#include "shell/cmd/cmd.h"
#include "shell/cmd/load_sqlite.h"
#include "shell/link/sqlite.h"
#include "shell/os/clock.h"
#include "shell/source/source.h"

enum { COPY_BYTES = 1 << 20, COPY_BYTES_MAX = 1 << 30, COPY_SQL_MAX = 1 << 20 };

struct loading {
    struct invocation *v;
    struct source *source;
    struct postgres *db;
    struct load_table table;
    char at[TIME_TEXT_MAX]; /* one time of the whole command */
    struct buffer rows;
    uint64_t loaded;
};

static void add_cell(const struct value *v, struct buffer *out)
{
    char digits[NUMBER_TEXT_MAX], time[TIME_TEXT_MAX];

    switch (v->type) {
    case TYPE_BOOL:
        buffer_add_char(out, v->integer != 0 ? 't' : 'f');
        break;
    case TYPE_INT:
        buffer_add(out, digits, number_format_int(v->integer, digits));
        break;
    case TYPE_DECIMAL:
        buffer_add(out, digits, number_format_decimal(v->integer, digits));
        break;
    case TYPE_REAL:
        buffer_add(out, digits, number_format_real(v->real, digits));
        break;
    case TYPE_TIME:
        buffer_add(out, time, time_format(v->integer, time));
        break;
    case TYPE_DURATION:
        buffer_format(out, "%" PRId64 " microseconds", v->integer);
        break;
    case TYPE_TEXT:
        postgres_copy_cell(out, v->text);
        break;
    default:
        buffer_add_text(out, "\\N");
    }
}

static void add_row(struct loading *l, const struct frame *f, uint32_t row)
{
    for (uint32_t i = 0; i < l->table.columns; i++) {
        const struct load_column *c = &l->table.column[i];
        struct value v = {.is_null = true};

        if (c->field != FIELD_NONE)
            v = column_get(&f->column[c->field], row);
        if (!v.is_null)
            add_cell(&v, &l->rows);
        else if (c->is_id) /* AA001, AA002, ... AA999, AA1000 */
            buffer_format(&l->rows, "AA%03" PRId64, l->table.next_id++);
        else if (c->is_time)
            buffer_add_text(&l->rows, l->at);
        else
            buffer_add_text(&l->rows, "\\N");
        buffer_add_char(&l->rows, i + 1 < l->table.columns ? '\t' : '\n');
    }
}

static bool send_rows(struct loading *l, struct error *e)
{
    bool ok = !l->rows.overflow &&
              postgres_copy_put(l->db, (struct text){l->rows.bytes, l->rows.length}, e);

    if (l->rows.overflow)
        error_set(e, ERROR_FULL, "rows of over %d bytes", COPY_BYTES_MAX);
    buffer_clear(&l->rows);
    return ok;
}

static bool copy_frames(struct loading *l, struct frame *f, struct error *e)
{
    struct source_counts counts;

    for (;;) {
        if (!source_read(l->source, f, e))
            break;
        if (f->rows == 0) {
            if (!send_rows(l, e))
                return false;
            return postgres_copy_end(l->db, &l->loaded, e);
        }
        for (uint32_t i = 0; i < f->rows; i++) {
            add_row(l, f, i);
            if (l->rows.length >= COPY_BYTES && !send_rows(l, e))
                return false;
        }
        source_counts(l->source, &counts);
        if (counts.bytes_total > 0 &&
            !progress_report(term_progress(&l->v->term), "loading",
                             (double)counts.bytes_done / (double)counts.bytes_total)) {
            error_set(e, ERROR_CANCELLED, "stopped: nothing is loaded");
            break;
        }
    }
    postgres_copy_cancel(l->db, "assay load has stopped");
    return false;
}

static bool copy_all(struct loading *l, struct error *e)
{
    const struct schema *schema = source_schema(l->source);
    struct buffer sql;
    struct frame f;
    bool ok;

    if (!load_table_prepare(l->v, schema, l->db, &l->table, e))
        return false;
    buffer_init(&sql, COPY_SQL_MAX);
    frame_init(&f, schema, SOURCE_FRAME_ROWS, SOURCE_TEXT_BYTES);
    load_table_copy(&l->table, &sql);
    ok = postgres_copy_in(l->db, buffer_text(&sql), e) && copy_frames(l, &f, e) &&
         postgres_exec(l->db, "COMMIT", e);
    frame_fini(&f);
    buffer_fini(&sql);
    term_clear(&l->v->term);
    return ok;
}

static bool print_counts(const struct loading *l, struct error *e)
{
    struct source_counts c;
    struct buffer out;
    bool ok;

    source_counts(l->source, &c);
    buffer_init(&out, OUTPUT_MAX);
    if (l->v->json) {
        buffer_add_text(&out, "{\"table\":");
        json_add_text(&out, text_of(l->table.name));
        buffer_format(&out,
                      ",\"read\":%" PRIu64 ",\"loaded\":%" PRIu64 ",\"rejected\":%" PRIu64
                      ",\"at\":\"%s\"}\n",
                      c.rows + c.rejects, l->loaded, c.rejects, l->at);
    } else {
        buffer_format(&out, "%s: %" PRIu64 " rows read, %" PRIu64 " loaded, %" PRIu64 " rejected\n",
                      l->table.name, c.rows + c.rejects, l->loaded, c.rejects);
    }
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

static bool find_time(struct loading *l, struct error *e)
{
    const char *said = option_get(l->v, "at");
    int64_t us = clock_now_us();

    if (said != NULL && !time_parse(text_of(said), TIME_ISO, &us))
        return error_set(e, ERROR_USAGE,
                         "--at: expected a time such as 2026-01-31T08:00:00Z, found \"%.80s\"",
                         said);
    time_format(us, l->at);
    return true;
}

/* Where the table is: --url, else `store.url` of the settings that -c names, else DATABASE_URL. */
static bool load_into(struct loading *l, struct error *e)
{
    const char *url = option_get(l->v, "url");
    struct settings *s = NULL;
    bool ok;

    if (url == NULL && option_has(l->v, "config")) {
        if (!invocation_settings(l->v, &s, e))
            return false;
        url = s->store.url;
    }
    if (sqlite_link_is(url))
        ok = load_sqlite(l->v, url, l->source, &l->table, l->at, &l->loaded, e);
    else
        ok = postgres_open(url, &l->db, e) && copy_all(l, e);
    settings_free(s);
    return ok;
}

static bool load_run(struct invocation *v, struct error *e)
{
    struct loading l = {.v = v};
    struct source_options o;
    bool ok;

    source_options_init(&o, v->argument[0]);
    o.rejects_path = option_get(v, "rejects");
    if (!find_time(&l, e) || !source_open(&o, &l.source, e))
        return false;
    buffer_init(&l.rows, COPY_BYTES_MAX);
    ok = load_table_plan(v, source_schema(l.source), &l.table, e) && load_into(&l, e) &&
         print_counts(&l, e);
    postgres_close(l.db); /* what is not committed is gone */
    load_table_fini(&l.table);
    buffer_fini(&l.rows);
    source_close(l.source);
    return ok;
}

static const struct option options[] = {
    {"table", 0, "NAME", "the table, such as raw.payments"},
    {"map", 0, "NAME=COLUMN",
     "the table's column NAME is the file's COLUMN; may be repeated; then only these are loaded"},
    {"create", 0, NULL, "make the table where there is none, by the types found in the file"},
    {"replace", 0, NULL, "empty it first: the same command twice leaves the same rows"},
    {"id", 0, "NAME", "fill this column with AA001, AA002, ... where the file has no value"},
    {"at", 0, "TIME", "the time of this load, for all its rows (default: now)"},
    {"time-column", 0, "NAME",
     "the column that takes it where the file has none such (default: created_at)"},
    {"rejects", 0, "FILE", "keep the rows that could not be read, with line and reason"},
    {"url", 0, "URL",
     "of the database, or sqlite:PATH (default: store.url of -c, or DATABASE_URL)"},
    {0},
};

const struct command command_load = {
    .name = "load",
    .group = GROUP_DECIDE,
    .summary = "loads a file into a table of PostgreSQL or SQLite",
    .arguments = "FILE",
    .least = 1,
    .most = 1,
    .words =
        "Format and types are found by looking, as for `assay init`; a row that cannot be "
        "read is\nrejected and counted. All rows come in one transaction: all or none. In an SQLite "
        "file, which has no\nschemas, raw.x is the table raw_x.",
    .options = options,
    .examples =
        "  assay load transactions.csv --table raw.transactions --create --replace\n"
        "  assay load finance.csv --table raw.finance --map transaction_amount=\"Total Loan\" \\\n"
        "      --map account_balance=\"LCY Deposit\" --at 2026-01-31T08:00:00Z\n"
        "  assay load bank.csv.zst --table raw.marketing --id customer_id --create\n",
    .run = load_run,
};
