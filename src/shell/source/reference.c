#include "shell/source/reference.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/hash.h"
#include "core/base/number.h"
#include "core/base/panic.h"

enum { CHUNK_ROWS = 4096, CHUNK_SHIFT = 12, FILE_NAME_SHOWN = 300 };

/* Rows stay in the frames into which they were read: row = chunk << CHUNK_SHIFT | row of it. */
struct entry {
    uint64_t hash;
    int64_t valid_from;
    int64_t row;
};

/* All entries of one key, newest last. */
struct slot {
    uint32_t first;
    uint32_t count; /* 0: free */
};

struct reference {
    char *name;
    struct schema *schema;
    int key, valid_from;
    struct frame *chunk;
    size_t chunks;
    struct entry *entry; /* by hash, key, valid_from, row */
    uint32_t entries;
    struct slot *slot; /* open addressing */
    uint64_t mask;
    uint64_t rows, keyless;
    size_t bytes;
};

static const struct column *column_of(const struct reference *r, int64_t row, uint32_t column)
{
    return &r->chunk[row >> CHUNK_SHIFT].column[column];
}

struct value reference_get(const struct reference *r, int64_t row, uint32_t column)
{
    return column_get(column_of(r, row, column), (uint32_t)(row & (CHUNK_ROWS - 1)));
}

static uint64_t hash_value(const struct value *v)
{
    if (v->type == TYPE_TEXT)
        return hash_bytes(v->text.bytes, v->text.length, 0);
    return hash_bytes(&v->integer, sizeof v->integer, 0);
}

/* ---- loading ---- */

static int key_order(const struct value *a, const struct value *b)
{
    if (a->type == TYPE_TEXT)
        return text_compare(a->text, b->text);
    return a->integer < b->integer ? -1 : a->integer > b->integer;
}

static int entry_order(const void *x, const void *y, void *context)
{
    const struct reference *r = context;
    const struct entry *a = x, *b = y;
    struct value key_a, key_b;
    int order;

    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    key_a = reference_get(r, a->row, (uint32_t)r->key);
    key_b = reference_get(r, b->row, (uint32_t)r->key);
    order = key_order(&key_a, &key_b);
    if (order != 0)
        return order;
    if (a->valid_from != b->valid_from)
        return a->valid_from < b->valid_from ? -1 : 1;
    return a->row < b->row ? -1 : a->row > b->row;
}

static bool find_column(const struct source *s, const char *what, const char *name, int *index,
                        struct error *e)
{
    const char *nearest = schema_nearest(source_schema(s), text_of(name));

    *index = schema_find(source_schema(s), text_of(name));
    if (*index != FIELD_NONE)
        return true;
    return error_set(e, ERROR_INVALID, "%s: the table has no column \"%s\"%s%s%s", what, name,
                     nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                     nearest != NULL ? "\"?" : "");
}

static bool find_columns(struct reference *r, const struct reference_options *o,
                         const struct source *s, struct error *e)
{
    r->valid_from = FIELD_NONE;
    if (!find_column(s, "key", o->key, &r->key, e))
        return false;
    if (o->valid_from == NULL)
        return true;
    if (!find_column(s, "valid_from", o->valid_from, &r->valid_from, e))
        return false;
    if (r->schema->fields[r->valid_from].type != TYPE_TIME)
        return error_set(e, ERROR_INVALID, "valid_from: \"%s\" is %s, not a time (%s)",
                         o->valid_from, type_name(r->schema->fields[r->valid_from].type),
                         source_note(s, (uint32_t)r->valid_from));
    return true;
}

static size_t row_bytes(const struct schema *s)
{
    size_t bytes = sizeof(struct entry) + 4 * sizeof(struct slot);

    for (uint32_t i = 0; i < s->count; i++)
        bytes += 1 + (s->fields[i].type == TYPE_TEXT ? sizeof(struct text) : sizeof(int64_t));
    return bytes;
}

static bool read_chunks(struct reference *r, struct source *s, size_t limit, struct error *e)
{
    size_t chunk_bytes = CHUNK_ROWS * row_bytes(r->schema);

    for (;;) {
        struct frame *f;

        if (r->bytes > limit || chunk_bytes > limit - r->bytes)
            return error_set(e, ERROR_FULL,
                             "needs more than %zu MiB of memory after %llu rows: raise its limit, "
                             "or keep fewer columns",
                             limit >> 20, (unsigned long long)r->rows);
        r->chunk = mem_resize(r->chunk, r->chunks + 1, sizeof *r->chunk);
        f = &r->chunk[r->chunks++];
        frame_init(f, r->schema, CHUNK_ROWS, limit - r->bytes);
        if (!source_read(s, f, e))
            return false;
        r->rows += f->rows;
        r->bytes += chunk_bytes + f->text.total_bytes;
        if (f->rows == 0)
            return true;
        if (r->rows > REFERENCE_ROWS_MAX)
            return error_set(e, ERROR_FULL, "more than %d rows", REFERENCE_ROWS_MAX);
    }
}

static void make_entries(struct reference *r)
{
    r->entry = mem_array(r->rows, sizeof *r->entry);
    for (size_t c = 0; c < r->chunks; c++) {
        for (uint32_t i = 0; i < r->chunk[c].rows; i++) {
            int64_t row = (int64_t)(c << CHUNK_SHIFT | i);
            struct value key = reference_get(r, row, (uint32_t)r->key);
            struct entry *at = &r->entry[r->entries];

            if (key.is_null) {
                r->keyless++;
                continue;
            }
            *at = (struct entry){hash_value(&key), INT64_MIN, row};
            if (r->valid_from != FIELD_NONE) {
                struct value from = reference_get(r, row, (uint32_t)r->valid_from);

                at->valid_from = from.is_null ? INT64_MIN : from.integer;
            }
            r->entries++;
        }
    }
    qsort_r(r->entry, r->entries, sizeof *r->entry, entry_order, r);
}

static bool same_key(const struct reference *r, const struct entry *a, const struct entry *b)
{
    struct value key_a, key_b;

    if (a->hash != b->hash)
        return false;
    key_a = reference_get(r, a->row, (uint32_t)r->key);
    key_b = reference_get(r, b->row, (uint32_t)r->key);
    return key_order(&key_a, &key_b) == 0;
}

static void make_slots(struct reference *r)
{
    uint64_t slots = 16;

    while (slots < 2 * (uint64_t)r->entries)
        slots *= 2;
    r->slot = mem_array(slots, sizeof *r->slot);
    r->mask = slots - 1;
    for (uint32_t first = 0, next; first < r->entries; first = next) {
        uint64_t at = r->entry[first].hash & r->mask;

        for (next = first + 1; next < r->entries && same_key(r, &r->entry[first], &r->entry[next]);)
            next++;
        while (r->slot[at].count != 0)
            at = (at + 1) & r->mask;
        r->slot[at] = (struct slot){first, next - first};
    }
}

/* Ordinal of a row among all that the source gave. */
static uint64_t ordinal(const struct reference *r, int64_t row)
{
    uint64_t n = (uint64_t)row & (CHUNK_ROWS - 1);

    for (int64_t c = 0; c < row >> CHUNK_SHIFT; c++)
        n += r->chunk[c].rows;
    return n;
}

/* Reads the source again, row by row, up to the wanted one: only to say its line. */
static void line_of(const struct reference_options *o, const struct source_options *options,
                    uint64_t wanted, char *out, size_t size)
{
    struct source_options again = *options;
    struct source *s;
    struct frame f;
    struct error e;
    const char *file;
    uint64_t line;

    snprintf(out, size, "row %llu", (unsigned long long)wanted + 1);
    again.rejects_path = NULL;
    if (strcmp(o->source.path, "-") == 0 || o->source.database.table != NULL ||
        o->source.database.query != NULL || !source_open(&again, &s, &e))
        return;
    frame_init(&f, source_schema(s), 1, SOURCE_TEXT_BYTES);
    for (uint64_t i = 0; source_read(s, &f, &e) && f.rows > 0; i++) {
        if (i == wanted) {
            source_position(s, &file, &line);
            snprintf(out, size, "%s:%llu", file, (unsigned long long)line);
            break;
        }
    }
    frame_fini(&f);
    source_close(s);
}

static void show_key(const struct value *key, char *out, size_t size)
{
    char digits[NUMBER_TEXT_MAX];

    if (key->type == TYPE_TEXT) {
        snprintf(out, size, "%.*s", (int)(key->text.length < 60 ? key->text.length : 60),
                 key->text.bytes);
        return;
    }
    if (key->type == TYPE_DECIMAL)
        number_format_decimal(key->integer, digits);
    else
        number_format_int(key->integer, digits);
    snprintf(out, size, "%s", digits);
}

static bool check_unique(const struct reference *r, const struct reference_options *o,
                         const struct source_options *options, struct error *e)
{
    for (uint32_t i = 1; i < r->entries && r->valid_from == FIELD_NONE; i++) {
        char one[FILE_NAME_SHOWN], two[FILE_NAME_SHOWN], shown[64];
        struct value key;

        if (!same_key(r, &r->entry[i - 1], &r->entry[i]))
            continue;
        key = reference_get(r, r->entry[i].row, (uint32_t)r->key);
        show_key(&key, shown, sizeof shown);
        line_of(o, options, ordinal(r, r->entry[i - 1].row), one, sizeof one);
        line_of(o, options, ordinal(r, r->entry[i].row), two, sizeof two);
        return error_set(e, ERROR_INVALID,
                         "key: %s = \"%s\" has two rows, %s and %s: drop one, or name the column "
                         "since when a row holds (valid_from)",
                         o->key, shown, one, two);
    }
    return true;
}

/* The key's column is read with the type of the event's field. */
static struct source_options with_key_type(const struct reference_options *o,
                                           struct source_field *fields)
{
    struct source_options out = o->source;
    uint32_t n = 0;

    for (uint32_t i = 0; i < o->source.field_count; i++) {
        if (strcmp(o->source.fields[i].name, o->key) != 0)
            fields[n++] = o->source.fields[i];
    }
    fields[n++] = (struct source_field){.name = o->key, .type = o->key_type};
    out.fields = fields;
    out.field_count = n;
    return out;
}

static bool load(struct reference *r, const struct reference_options *o,
                 const struct source_options *options, struct error *e)
{
    struct source *s;
    bool good;

    if (!source_open(options, &s, e))
        return false;
    r->schema = schema_dup(source_schema(s));
    good = find_columns(r, o, s, e) && read_chunks(r, s, o->memory_bytes, e);
    source_close(s);
    if (!good)
        return false;
    make_entries(r);
    make_slots(r);
    return check_unique(r, o, options, e);
}

bool reference_load(const struct reference_options *o, struct reference **table, struct error *e)
{
    struct reference *r = mem_alloc(sizeof *r);
    struct source_field *fields = mem_array(o->source.field_count + 1, sizeof *fields);
    struct source_options options = with_key_type(o, fields);
    bool good;

    if (o->name != NULL)
        r->name = mem_text(o->name, strlen(o->name));
    good = load(r, o, &options, e);
    mem_free(fields);
    if (!good) {
        reference_free(r);
        return false;
    }
    *table = r;
    return true;
}

void reference_free(struct reference *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->chunks; i++)
        frame_fini(&r->chunk[i]);
    mem_free(r->chunk);
    mem_free(r->entry);
    mem_free(r->slot);
    schema_free(r->schema);
    mem_free(r->name);
    mem_free(r);
}

/* ---- looking up ---- */

int64_t reference_find(const struct reference *r, const struct value *key, int64_t time_us)
{
    uint64_t hash, at;

    ASSERT(key->type == r->schema->fields[r->key].type);
    if (key->is_null)
        return -1;
    hash = hash_value(key);
    for (at = hash & r->mask; r->slot[at].count != 0; at = (at + 1) & r->mask) {
        const struct entry *first = &r->entry[r->slot[at].first];
        uint32_t low = 0, high = r->slot[at].count;
        struct value other;

        if (first->hash != hash)
            continue;
        other = reference_get(r, first->row, (uint32_t)r->key);
        if (key_order(key, &other) != 0)
            continue;
        while (low < high) { /* entries before `low` hold already, those from `high` do not yet */
            uint32_t middle = low + (high - low) / 2;

            if (first[middle].valid_from <= time_us)
                low = middle + 1;
            else
                high = middle;
        }
        return low > 0 ? first[low - 1].row : -1;
    }
    return -1;
}

static bool is_joined(const struct reference *r, uint32_t column)
{
    return (int)column != r->key && (int)column != r->valid_from;
}

bool reference_extend(const struct reference *r, struct schema *s, struct error *e)
{
    for (uint32_t i = 0; i < r->schema->count; i++) {
        const struct field *f = &r->schema->fields[i];
        char name[2 * FIELD_NAME_MAX + 2];

        if (!is_joined(r, i))
            continue;
        if (r->name != NULL)
            snprintf(name, sizeof name, "%.256s.%s", r->name, f->name);
        else
            snprintf(name, sizeof name, "%s", f->name);
        if (!schema_add(s, text_of(name), f->type, e))
            return false;
        s->fields[s->count - 1].layout = f->layout;
        s->fields[s->count - 1].is_looked_up = r->name != NULL;
    }
    return true;
}

void reference_join(const struct reference *r, const struct column *key, const struct column *time,
                    int64_t otherwise_us, struct frame *f, uint32_t columns, uint32_t first,
                    uint32_t rows)
{
    for (uint32_t i = first; i < first + rows; i++) {
        struct value wanted = column_get(key, i);
        int64_t at = time == NULL ? otherwise_us : time->integer[i];
        int64_t row = time != NULL && time->null[i] ? -1 : reference_find(r, &wanted, at);
        uint32_t to = columns;

        for (uint32_t c = 0; c < r->schema->count; c++) {
            if (!is_joined(r, c))
                continue;
            if (row < 0) {
                column_set_null(&f->column[to++], i);
            } else {
                struct value v = reference_get(r, row, c);

                column_set(&f->column[to++], i, &v);
            }
        }
    }
}

/* ---- telling ---- */

const char *reference_name(const struct reference *r)
{
    return r->name;
}

const struct schema *reference_schema(const struct reference *r)
{
    return r->schema;
}

uint64_t reference_rows(const struct reference *r)
{
    return r->rows;
}

uint64_t reference_rows_without_key(const struct reference *r)
{
    return r->keyless;
}

size_t reference_bytes(const struct reference *r)
{
    return r->bytes;
}

bool reference_has_valid_from(const struct reference *r)
{
    return r->valid_from != FIELD_NONE;
}
