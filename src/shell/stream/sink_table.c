/* Decisions into a table of PostgreSQL: one row for each event's id, so rows that come again after
 * a crash change nothing. A batch is one transaction: COPY into a table of its own, and from there
 * what the table does not have. */
#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "core/data/json.h"
#include "shell/link/postgres.h"
#include "shell/stream/sink.h"

enum { ROWS_MAX = 512 << 20, SQL_MAX = 64 << 10 };

struct sink_table {
    struct sink sink;
    struct postgres *db;
    const char *table;  /* of the settings */
    uint64_t session;   /* for which the table was looked for */
    struct buffer name; /* as SQL has it */
    struct buffer make, merge;
    struct buffer rows, cell;
};

static void format_sql(struct sink_table *t, const char *name)
{
    bool ok = postgres_name_add(&t->name, text_of(name));

    buffer_format(&t->make, "CREATE TABLE %s", buffer_text(&t->name));
    buffer_add_text(&t->make,
                    "(event_id text PRIMARY KEY, \"time\" timestamptz NOT NULL, received "
                    "timestamptz NOT NULL, outcome text NOT NULL, level text NOT NULL, score int "
                    "NOT NULL, probability double precision NOT NULL, decision jsonb NOT NULL, "
                    "partition int NOT NULL, \"offset\" bigint NOT NULL)");
    buffer_format(&t->merge, "INSERT INTO %s", buffer_text(&t->name));
    buffer_add_text(&t->merge, " SELECT * FROM assay_stream_batch ON CONFLICT (event_id) DO "
                               "NOTHING; COMMIT");
    if (!ok)
        t->make.overflow = true;
}

static void table_close(struct sink *s)
{
    struct sink_table *t = (struct sink_table *)s;

    postgres_close(t->db);
    buffer_fini(&t->name);
    buffer_fini(&t->make);
    buffer_fini(&t->merge);
    buffer_fini(&t->rows);
    buffer_fini(&t->cell);
    mem_free(t);
}

static bool table_open(const struct sink_setting *s, const struct sink_context *c,
                       struct sink **out, struct error *e)
{
    struct sink_table *t = mem_alloc(sizeof *t);

    buffer_init(&t->name, SQL_MAX);
    buffer_init(&t->make, SQL_MAX);
    buffer_init(&t->merge, SQL_MAX);
    buffer_init(&t->rows, ROWS_MAX);
    buffer_init(&t->cell, 64);
    t->table = s->table;
    format_sql(t, s->table);
    if (t->make.overflow) {
        table_close(&t->sink);
        return error_set(e, ERROR_INVALID, "\"%.80s\" is no name of a table", s->table);
    }
    if (!postgres_open(s->postgres != NULL ? s->postgres : c->settings->store.url, &t->db, e)) {
        table_close(&t->sink);
        return false;
    }
    *out = &t->sink;
    return true;
}

static void add_time(struct buffer *out, int64_t us)
{
    char time[TIME_TEXT_MAX];

    postgres_copy_cell(out, (struct text){time, time_format(us, time)});
    buffer_add_char(out, '\t');
}

static void add_text(struct buffer *out, struct text t)
{
    postgres_copy_cell(out, t);
    buffer_add_char(out, '\t');
}

static bool table_add(struct sink *s, const struct sink_row *r, struct error *e)
{
    struct sink_table *t = (struct sink_table *)s;
    struct buffer *out = &t->rows;

    add_text(out, r->id);
    add_time(out, r->time_us);
    add_time(out, r->received_us);
    add_text(out, text_of(plan_outcome_name(r->plan, r->decision->outcome)));
    add_text(out, text_of(plan_level_name(r->plan, r->decision->level)));
    buffer_format(out, "%d\t", r->decision->score);
    json_add_real(out, r->decision->probability);
    buffer_add_char(out, '\t');
    add_text(out, r->json);
    buffer_format(out, "%d\t%lld\n", r->partition, (long long)r->offset);
    return !out->overflow ||
           error_set(e, ERROR_FULL,
                     "table: over %d MiB in one transaction; make stream.events smaller",
                     ROWS_MAX >> 20);
}

/* Once a session. A table that is there needs no right to make one. */
static bool find_table(struct sink_table *t, struct error *e)
{
    struct text name = {t->name.bytes, t->name.length};
    bool has;

    if (!postgres_has_table(t->db, name, &has, e))
        return false;
    if (has)
        return true;
    return postgres_exec(t->db, "BEGIN", e) && postgres_make_lock(t->db, e) &&
           postgres_make_schema(t->db, text_of(t->table), e) &&
           postgres_has_table(t->db, name, &has, e) &&
           (has || postgres_exec(t->db, buffer_text(&t->make), e)) &&
           postgres_exec(t->db, "COMMIT", e);
}

static bool merge(struct sink_table *t, struct error *e)
{
    uint64_t rows;

    return postgres_exec(t->db,
                         "BEGIN; CREATE TEMPORARY TABLE assay_stream_batch(event_id text, \"time\" "
                         "timestamptz, received timestamptz, outcome text, level text, score int, "
                         "probability double precision, decision jsonb, partition int, \"offset\" "
                         "bigint) ON COMMIT DROP",
                         e) &&
           postgres_copy_in(t->db, "COPY assay_stream_batch FROM STDIN", e) &&
           postgres_copy_put(t->db, (struct text){t->rows.bytes, t->rows.length}, e) &&
           postgres_copy_end(t->db, &rows, e) && postgres_exec(t->db, buffer_text(&t->merge), e);
}

static bool table_deliver(struct sink *s, struct error *e)
{
    struct sink_table *t = (struct sink_table *)s;
    struct error ignored;

    if (t->rows.length == 0)
        return true;
    if (!postgres_ready(t->db, e))
        return false;
    if (t->session != postgres_session(t->db)) {
        if (!find_table(t, e)) {
            if (!postgres_exec(t->db, "ROLLBACK", &ignored))
                t->session = 0;
            return false;
        }
        t->session = postgres_session(t->db);
    }
    if (!merge(t, e)) {
        if (!postgres_exec(t->db, "ROLLBACK", &ignored))
            t->session = 0;
        return false;
    }
    buffer_clear(&t->rows);
    return true;
}

static bool table_committed(struct sink *s, struct error *e)
{
    (void)s, (void)e;
    return true;
}

static void table_forget(struct sink *s)
{
    buffer_clear(&((struct sink_table *)s)->rows);
}

const struct sink_ops sink_table_ops = {.name = "table",
                                        .open = table_open,
                                        .close = table_close,
                                        .add = table_add,
                                        .deliver = table_deliver,
                                        .committed = table_committed,
                                        .forget = table_forget};
