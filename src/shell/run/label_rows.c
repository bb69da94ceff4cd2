#include "shell/run/label_rows.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/memory.h"
#include "core/decide/engine.h"

enum column_part { PART_ID, PART_LABEL, PART_SOURCE, PART_DATE, PART_REVERSAL, PARTS };

static const char *const part_name[PARTS] = {"id", "label", "source", "date", "reversal"};

/* Names in lower case, letters and digits only; the best first. */
static const char *const known_names[PARTS][14] = {
    {"eventid", "transactionid", "txid", "transid", "transnum", "paymentid", "orderid", "id"},
    {"label", "isfraud", "fraud", "fraudlabel", "disposition", "outcome", "verdict", "result",
     "class"},
    {"source", "labelsource", "saidby", "reporter", "origin"},
    {"date", "labeldate", "labelledat", "labeledat", "reportedat", "reportdate", "chargebackdate",
     "reviewdate", "decidedat", "knownat", "time", "timestamp", "createdat"},
    {"reversal", "reversed", "isreversal", "isreversed", "reverted", "withdrawn"},
};

struct reading {
    const struct label_options *options;
    const struct settings *settings;
    struct label_rows *rows;
    int column[PARTS];
    uint32_t capacity;
};

static void plain_name(const char *name, char out[FIELD_NAME_MAX + 1])
{
    size_t n = 0;

    for (; *name != 0 && n < FIELD_NAME_MAX; name++) {
        if (isalnum((unsigned char)*name))
            out[n++] = (char)tolower((unsigned char)*name);
    }
    out[n] = 0;
}

static int find_by_name(const struct schema *s, enum column_part part)
{
    for (size_t k = 0; k < 14 && known_names[part][k] != NULL; k++) {
        for (uint32_t i = 0; i < s->count; i++) {
            char plain[FIELD_NAME_MAX + 1];

            plain_name(s->fields[i].name, plain);
            if (strcmp(plain, known_names[part][k]) == 0)
                return (int)i;
        }
    }
    return FIELD_NONE;
}

/* A column that is given, else the one that the settings name, else one with a usual name. */
static bool find_column(struct reading *r, const struct schema *s, enum column_part part,
                        const char *given, const char *named, struct error *e)
{
    const char *nearest;

    r->column[part] = given != NULL   ? schema_find(s, text_of(given))
                      : named != NULL ? schema_find(s, text_of(named))
                                      : FIELD_NONE;
    if (given != NULL && r->column[part] == FIELD_NONE) {
        nearest = schema_nearest(s, text_of(given));
        return error_set(e, ERROR_INVALID, "\"%s\" has no column \"%s\"%s%s%s", r->options->path,
                         given, nearest != NULL ? "; did you mean \"" : "",
                         nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
    }
    if (r->column[part] == FIELD_NONE)
        r->column[part] = find_by_name(s, part);
    return true;
}

static bool find_columns(struct reading *r, const struct schema *s, struct error *e)
{
    const struct label_options *o = r->options;

    if (!find_column(r, s, PART_ID, o->id, r->settings->event.id, e) ||
        !find_column(r, s, PART_LABEL, o->label, r->settings->event.label, e) ||
        !find_column(r, s, PART_SOURCE, o->source, NULL, e) ||
        !find_column(r, s, PART_DATE, o->date, NULL, e) ||
        !find_column(r, s, PART_REVERSAL, o->reversal, NULL, e))
        return false;
    if (r->column[PART_ID] == FIELD_NONE)
        return error_set(e, ERROR_INVALID, "\"%s\": no column is the event's id; name it with --id",
                         o->path);
    if (o->all != NULL)
        r->column[PART_LABEL] = FIELD_NONE;
    else if (r->column[PART_LABEL] == FIELD_NONE)
        return error_set(e, ERROR_INVALID,
                         "\"%s\": no column says what the event was: name it with --label, or say "
                         "--all fraud where each row is one",
                         o->path);
    return true;
}

/* A first look finds the columns; then all are text, so that ids keep their zeros, but the date.
 * That is a time even where a bad cell among few made it look like text: such rows are rejects. */
static bool open_rows(struct reading *r, struct error *e)
{
    struct source_options o;
    struct source_field *fields;
    struct source *look;
    bool ok;

    source_options_init(&o, r->options->path);
    if (!source_open(&o, &look, e))
        return false;
    if (!find_columns(r, source_schema(look), e)) {
        source_close(look);
        return false;
    }
    fields = mem_array(source_schema(look)->count, sizeof *fields);
    for (uint32_t i = 0; i < source_schema(look)->count; i++) {
        const struct field *f = &source_schema(look)->fields[i];

        fields[i] = (struct source_field){f->name, TYPE_TEXT, false, TIME_ISO};
        if ((int)i == r->column[PART_DATE])
            fields[i] = (struct source_field){f->name, TYPE_TIME, true,
                                              f->type == TYPE_TIME ? f->layout : TIME_ISO};
    }
    o.fields = fields;
    o.field_count = source_schema(look)->count;
    o.rejects_path = r->options->rejects;
    o.reject_share = 1;
    ok = source_open(&o, &r->rows->source, e);
    mem_free(fields);
    source_close(look);
    return ok;
}

static bool refuse(struct reading *r, enum column_part part, struct text value, const char *why,
                   struct error *e)
{
    const struct schema *s = source_schema(r->rows->source);
    const char *file;
    uint64_t line;

    source_position(r->rows->source, &file, &line);
    return source_refuse(r->rows->source, file, line, s->fields[r->column[part]].name, value, why,
                         e);
}

/* Beside the words that an event's own label may have. */
static uint8_t label_of(const struct column *c)
{
    static const char *const fraud[] = {"chargeback",      "fraudulent", "confirmed fraud",
                                        "confirmed_fraud", "bad",        "t"};
    static const char *const legit[] = {"not fraud", "not_fraud", "good", "cleared", "ok", "f"};
    struct text t = text_trim(c->text[0]);

    for (size_t i = 0; i < sizeof fraud / sizeof fraud[0]; i++) {
        if (t.length == strlen(fraud[i]) && strncasecmp(t.bytes, fraud[i], t.length) == 0)
            return 1;
    }
    for (size_t i = 0; i < sizeof legit / sizeof legit[0]; i++) {
        if (t.length == strlen(legit[i]) && strncasecmp(t.bytes, legit[i], t.length) == 0)
            return 0;
    }
    return engine_label_of(c, 0);
}

/* The cell of a part; null where there is no such column. */
static struct value cell(const struct reading *r, const struct frame *f, enum column_part part)
{
    if (r->column[part] == FIELD_NONE)
        return (struct value){.type = TYPE_TEXT, .is_null = true};
    return column_get(&f->column[r->column[part]], 0);
}

/* What the row says; false where nothing usable, with the part and why. */
static bool read_label(const struct reading *r, const struct frame *f, struct label_row *row,
                       enum column_part *part, const char **why)
{
    struct value reversal = cell(r, f, PART_REVERSAL), label = cell(r, f, PART_LABEL);
    uint8_t back = reversal.is_null ? 0 : label_of(&f->column[r->column[PART_REVERSAL]]);

    *part = PART_REVERSAL;
    *why = "expected yes or no";
    if (back == LABEL_UNKNOWN)
        return false;
    row->label = LABEL_UNKNOWN;
    if (back == 1)
        return true;
    *part = PART_LABEL;
    *why = "expected fraud or legit, true or false, 1 or 0";
    if (r->options->all != NULL)
        row->label = strcmp(r->options->all, "fraud") == 0;
    else if (!label.is_null)
        row->label = label_of(&f->column[r->column[PART_LABEL]]);
    return row->label != LABEL_UNKNOWN;
}

static bool add_row(struct reading *r, const struct frame *f, struct error *e)
{
    struct label_rows *rows = r->rows;
    struct value id = cell(r, f, PART_ID), source = cell(r, f, PART_SOURCE);
    struct value date = cell(r, f, PART_DATE);
    struct label_row row = {.has_time = !date.is_null, .effective_us = date.integer};
    enum column_part part;
    const char *why;

    if (id.is_null || id.text.length == 0 || id.text.length > LABEL_ID_MAX)
        return refuse(r, PART_ID, id.text, "expected the id of an event, 1 to 256 bytes", e);
    if (!source.is_null && source.text.length > LABEL_SOURCE_MAX)
        return refuse(r, PART_SOURCE, source.text, "is over 64 bytes", e);
    if (!read_label(r, f, &row, &part, &why))
        return refuse(r, part, cell(r, f, part).text, why, e);
    if (date.is_null)
        row.effective_us = 0;
    if (rows->count == LABEL_ROWS_MAX)
        return error_set(e, ERROR_FULL, "\"%s\" has over %d rows: divide it", r->options->path,
                         LABEL_ROWS_MAX);
    if (rows->count == r->capacity) {
        r->capacity = r->capacity > 0 ? 2 * r->capacity : 256;
        rows->row = mem_resize(rows->row, r->capacity, sizeof *rows->row);
    }
    source_position(rows->source, &row.file, &row.line);
    row.id = mem_text(id.text.bytes, id.text.length);
    if (source.is_null || source.text.length == 0)
        source.text = text_of(r->options->said_by);
    row.source = mem_text(source.text.bytes, source.text.length);
    rows->row[rows->count++] = row;
    return true;
}

static void describe(struct reading *r)
{
    const struct schema *s = source_schema(r->rows->source);
    size_t used = 0;

    for (unsigned i = 0; i < PARTS && used < sizeof r->rows->columns; i++) {
        if (r->column[i] != FIELD_NONE)
            used += (size_t)snprintf(r->rows->columns + used, sizeof r->rows->columns - used,
                                     "%s%s: %s", used > 0 ? ", " : "", part_name[i],
                                     s->fields[r->column[i]].name);
    }
}

/* One row at a time: then each has its line. */
bool label_rows_read(const struct label_options *o, const struct settings *s,
                     struct label_rows *rows, struct error *e)
{
    struct reading r = {.options = o, .settings = s, .rows = rows};
    struct source_counts counts;
    struct frame f;
    bool ok;

    *rows = (struct label_rows){0};
    if (!open_rows(&r, e))
        return false;
    describe(&r);
    frame_init(&f, source_schema(rows->source), 1, SOURCE_TEXT_BYTES);
    while ((ok = source_read(rows->source, &f, e)) && f.rows > 0) {
        ok = add_row(&r, &f, e);
        if (!ok)
            break;
    }
    frame_fini(&f);
    source_counts(rows->source, &counts);
    rows->rejects = counts.rejects;
    if (!ok)
        label_rows_free(rows);
    return ok;
}

bool label_rows_keep_rejected(struct label_rows *r, struct error *e)
{
    static const char *const why[LABEL_FATES] = {
        [LABEL_UNMATCHED] = "no event of this id",
        [LABEL_CONTRADICTING] = "the same source said the opposite for the same date",
        [LABEL_REFUSED] = "refused by the service",
    };

    for (uint32_t i = 0; i < r->count; i++) {
        const struct label_row *row = &r->row[i];

        if (why[row->fate] != NULL && !source_refuse(r->source, row->file, row->line, "",
                                                     text_of(row->id), why[row->fate], e))
            return false;
    }
    return true;
}

void label_rows_free(struct label_rows *r)
{
    for (uint32_t i = 0; i < r->count; i++) {
        mem_free(r->row[i].id);
        mem_free(r->row[i].source);
    }
    mem_free(r->row);
    source_close(r->source);
    *r = (struct label_rows){0};
}
