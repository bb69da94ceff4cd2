#include "shell/watch/rollup_groups.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "core/velocity/result.h"
#include "shell/watch/rollup_program.h"

enum { KEY_BYTES_MAX = (LANG_KEYS_MAX + 1) * (TEXT_MAX + 16), FIRST_SLOTS = 256 };

/* One measure of one group. */
struct sum {
    uint64_t count;
    int128 sum;
    struct wide squares;
    int64_t best; /* min, max: the cell's 64 bits */
};

/* Tokens of the values that were seen: open addressing, 0 is free. */
struct seen {
    struct hash128 *slot;
    uint64_t slots, count;
    struct hash128 *fresh; /* of a table that was loaded: those that came since */
    uint64_t fresh_count, fresh_room;
    uint32_t parts; /* that were loaded */
};

struct measure {
    const struct aggregate *aggregate;
    const char *name;
    uint64_t units; /* as in velocity/layout.h */
    struct seen seen;
};

struct rollup_groups {
    const struct rollup_setting *setting;
    const struct schema *schema;
    const struct period_zone *zone;
    struct program *program;
    struct registers registers;
    int time;
    int by[LANG_KEYS_MAX];
    int where; /* node or -1 */
    struct measure *measure;
    uint32_t measures;
    struct rollup_rows keys; /* period and keys of each group */
    struct sum *sum;         /* by group, then measure */
    uint32_t room;           /* groups that `sum` has room for */
    uint32_t *slot;          /* group + 1, by the hash of its key */
    uint32_t slots;
    uint64_t *hash;       /* by group */
    uint8_t *has_changed; /* by group: it got rows since it was loaded, or was not loaded */
    bool is_loaded;
    struct buffer key; /* of the row: its period and the fields of `by` */
    size_t key_length;
    struct rollup_counts counts;
};

static bool add_measure(struct rollup_groups *g, const struct settings *s, uint32_t i,
                        struct error *e)
{
    const struct named_setting *m = &g->setting->measures[i];
    char path[ROLLUP_PATH_MAX], name[FIELD_NAME_MAX];
    int node;

    /* It may be called as a field of the source is: clicks: sum(clicks). */
    snprintf(name, sizeof name, "measures.%.200s", m->name);
    rollup_path(g->setting, "measures", m->name, path);
    if (!program_add_feature(g->program, text_of(name), text_of(m->source), &node, e))
        return rollup_blame(s, path, name, e);
    for (uint32_t k = 0; k < program_aggregate_count(g->program); k++) {
        const struct aggregate *a = program_aggregate(g->program, k);
        bool in_millionths =
            a->operand >= 0 && (a->operand_type == TYPE_DECIMAL || a->operand_type == TYPE_REAL ||
                                a->operand_type == TYPE_DURATION);

        if (a->node != node)
            continue;
        g->measure[g->measures++] = (struct measure){
            .aggregate = a, .name = m->name, .units = in_millionths ? RESULT_MILLION : 1};
        return true;
    }
    error_set(e, ERROR_INVALID,
              "expected one aggregate, such as mean(amount) or count() where (...); what is made "
              "of several belongs under columns");
    return settings_blame(s, path, e);
}

static bool compile(struct rollup_groups *g, const struct settings *s, struct error *e)
{
    const struct rollup_setting *r = g->setting;
    char path[ROLLUP_PATH_MAX];

    if (!rollup_program_new(s, r, g->schema, &g->program, e))
        return false;
    program_set_grouped(g->program);
    g->measure = mem_array(r->measure_count + 1, sizeof *g->measure);
    for (uint32_t i = 0; i < r->measure_count; i++) {
        if (!add_measure(g, s, i, e))
            return false;
    }
    rollup_path(r, "where", NULL, path);
    if (r->where != NULL &&
        !program_add_condition(g->program, text_of("where"), text_of(r->where), &g->where, e))
        return rollup_blame(s, path, "where", e);
    program_finish(g->program);
    registers_init(&g->registers, g->program, ROLLUP_BATCH);
    return true;
}

static bool add_keys(struct rollup_groups *g, const struct settings *s, struct error *e)
{
    const struct rollup_setting *r = g->setting;
    char path[ROLLUP_PATH_MAX];

    g->keys.period =
        rollup_rows_add(&g->keys, text_of(period_column(r->every)), TYPE_TIME, true, e);
    rollup_path(r, "by", NULL, path);
    for (uint32_t i = 0; i < r->by_count; i++) {
        int field = schema_find(g->schema, text_of(r->by[i]));

        if (field == FIELD_NONE)
            return rollup_no_field(s, g->schema, r->by[i], path, e);
        if (g->schema->fields[field].type == TYPE_REAL) {
            error_set(e, ERROR_INVALID, "\"%.80s\" is real: a key must be exact", r->by[i]);
            return settings_blame(s, path, e);
        }
        g->by[i] = field;
        if (rollup_rows_add(&g->keys, text_of(r->by[i]), g->schema->fields[field].type, true, e) <
            0)
            return settings_blame(s, path, e);
    }
    g->keys.keys = r->by_count;
    g->keys.every = r->every;
    g->keys.zone = g->zone;
    return true;
}

bool rollup_groups_open(const struct settings *s, const struct rollup_setting *setting,
                        const struct schema *schema, int time, const struct period_zone *zone,
                        struct rollup_groups **groups, struct error *e)
{
    struct rollup_groups *g = mem_alloc(sizeof *g);

    *g = (struct rollup_groups){
        .setting = setting, .schema = schema, .zone = zone, .time = time, .where = -1};
    rollup_rows_init(&g->keys, setting->name);
    buffer_init(&g->key, KEY_BYTES_MAX);
    if (!compile(g, s, e) || !add_keys(g, s, e)) {
        rollup_groups_free(g);
        return false;
    }
    *groups = g;
    return true;
}

void rollup_groups_free(struct rollup_groups *g)
{
    if (g == NULL)
        return;
    for (uint32_t i = 0; i < g->measures; i++) {
        mem_free(g->measure[i].seen.slot);
        mem_free(g->measure[i].seen.fresh);
    }
    registers_fini(&g->registers);
    program_free(g->program);
    rollup_rows_fini(&g->keys);
    buffer_fini(&g->key);
    mem_free(g->measure);
    mem_free(g->sum);
    mem_free(g->slot);
    mem_free(g->hash);
    mem_free(g->has_changed);
    mem_free(g);
}

static bool is_full(const struct rollup_groups *g)
{
    size_t bytes = (size_t)g->room * (g->measures * sizeof *g->sum + 16);

    for (uint32_t i = 0; i < g->measures; i++)
        bytes +=
            (g->measure[i].seen.slots + g->measure[i].seen.fresh_room) * sizeof(struct hash128);
    return bytes > ROLLUP_BYTES_MAX;
}

static bool refuse_size(const struct rollup_groups *g, struct error *e)
{
    return error_set(e, ERROR_FULL,
                     "rollup %s: what it counts needs over %d MiB: take a longer period, fewer "
                     "fields in `by`, fewer measures with distinct(...), or a `where`",
                     g->setting->name, ROLLUP_BYTES_MAX >> 20);
}

static void place(struct rollup_groups *g, uint32_t group)
{
    uint32_t i = (uint32_t)g->hash[group] & (g->slots - 1);

    while (g->slot[i] != 0)
        i = (i + 1) & (g->slots - 1);
    g->slot[i] = group + 1;
}

static bool make_room(struct rollup_groups *g, struct error *e)
{
    uint32_t groups = g->keys.frame.rows;

    if (groups == g->room) {
        uint32_t room = g->room > 0 ? g->room * 2 : FIRST_SLOTS;

        g->sum = mem_resize(g->sum, (size_t)room * (g->measures + 1), sizeof *g->sum);
        g->hash = mem_resize(g->hash, room, sizeof *g->hash);
        g->has_changed = mem_resize(g->has_changed, room, sizeof *g->has_changed);
        g->room = room;
        if (is_full(g))
            return refuse_size(g, e);
    }
    if (g->slots < 2 * (groups + 1)) {
        mem_free(g->slot);
        g->slots = g->slots > 0 ? g->slots * 2 : FIRST_SLOTS;
        g->slot = mem_array(g->slots, sizeof *g->slot);
        for (uint32_t i = 0; i < groups; i++)
            place(g, i);
    }
    return true;
}

/* Whether the group has the key of the row. */
static bool is_of(const struct rollup_groups *g, uint32_t group, const struct frame *f,
                  uint32_t row, int64_t period)
{
    const struct frame *k = &g->keys.frame;

    if (k->column[0].integer[group] != period)
        return false;
    for (uint32_t i = 0; i < g->keys.keys; i++) {
        if (rollup_cell_compare(&k->column[1 + i], group, &f->column[g->by[i]], row) != 0)
            return false;
    }
    return true;
}

static uint64_t hash_key_of(struct rollup_groups *g, const struct frame *f, const int *by,
                            uint32_t row, int64_t period)
{
    buffer_clear(&g->key);
    buffer_add_u64(&g->key, (uint64_t)period);
    for (uint32_t i = 0; i < g->keys.keys; i++)
        rollup_cell_bytes(&f->column[by[i]], row, &g->key);
    g->key_length = g->key.length;
    return hash_bytes(g->key.bytes, g->key.length, 0);
}

static bool add_group(struct rollup_groups *g, const struct frame *f, const int *by, uint32_t row,
                      int64_t period, uint64_t hash, struct error *e)
{
    const struct value start = {.type = TYPE_TIME, .integer = period};
    uint32_t group = g->keys.frame.rows;

    if (!make_room(g, e) || !rollup_rows_grow(&g->keys, e) ||
        !rollup_rows_set(&g->keys, 0, group, &start, e))
        return false;
    for (uint32_t i = 0; i < g->keys.keys; i++) {
        if (!rollup_rows_copy(&g->keys, (int)(1 + i), group, &f->column[by[i]], row, 1, e))
            return false;
    }
    g->hash[group] = hash;
    memset(&g->sum[(size_t)group * g->measures], 0, g->measures * sizeof *g->sum);
    place(g, group);
    return true;
}

static bool find_group(struct rollup_groups *g, const struct frame *f, uint32_t row, int64_t period,
                       uint32_t *group, struct error *e)
{
    uint64_t hash = hash_key_of(g, f, g->by, row, period);

    for (uint32_t i = (uint32_t)hash; g->slots > 0; i++) {
        uint32_t found = g->slot[i & (g->slots - 1)];

        if (found == 0)
            break;
        if (g->hash[found - 1] == hash && is_of(g, found - 1, f, row, period)) {
            *group = found - 1;
            return true;
        }
    }
    *group = g->keys.frame.rows;
    return add_group(g, f, g->by, row, period, hash, e);
}

static void put_seen(struct seen *s, struct hash128 token)
{
    uint64_t i = token.low & (s->slots - 1);

    while (s->slot[i].low != 0 || s->slot[i].high != 0)
        i = (i + 1) & (s->slots - 1);
    s->slot[i] = token;
}

/* Whether it was not among them before. */
static bool see(struct rollup_groups *g, struct seen *s, struct hash128 token, bool *is_first,
                struct error *e)
{
    struct seen old = *s;

    if (2 * (s->count + 1) > s->slots) {
        s->slots = s->slots > 0 ? s->slots * 2 : FIRST_SLOTS;
        if (is_full(g)) {
            *s = old;
            return refuse_size(g, e);
        }
        s->slot = mem_array(s->slots, sizeof *s->slot);
        for (uint64_t k = 0; k < old.slots; k++) {
            if (old.slot[k].low != 0 || old.slot[k].high != 0)
                put_seen(s, old.slot[k]);
        }
        mem_free(old.slot);
    }
    for (uint64_t i = token.low & (s->slots - 1); s->slot[i].low != 0 || s->slot[i].high != 0;
         i = (i + 1) & (s->slots - 1)) {
        *is_first = s->slot[i].low != token.low || s->slot[i].high != token.high;
        if (!*is_first)
            return true;
    }
    *is_first = true;
    put_seen(s, token);
    s->count++;
    return true;
}

/* Whether the group of the row has not had the value before: its token is kept, as velocity keeps
 * texts. It is one of the group's key, not of its number, so that it holds in a later run. */
static bool is_new(struct rollup_groups *g, struct measure *m, const struct column *c, uint32_t row,
                   bool *is_first, struct error *e)
{
    static const struct hash_key key = {0x61737361792d726f, 0x6c6c757073000001};
    struct seen *s = &m->seen;
    struct hash128 token;

    g->key.length = g->key_length;
    rollup_cell_bytes(c, row, &g->key);
    token = hash_token(g->key.bytes, g->key.length, &key);
    token.low |= token.low == 0 && token.high == 0;
    if (!see(g, s, token, is_first, e))
        return false;
    if (!*is_first || !g->is_loaded)
        return true;
    if (s->fresh_count == s->fresh_room) {
        s->fresh_room = s->fresh_room > 0 ? s->fresh_room * 2 : FIRST_SLOTS;
        if (is_full(g))
            return refuse_size(g, e);
        s->fresh = mem_resize(s->fresh, s->fresh_room, sizeof *s->fresh);
    }
    s->fresh[s->fresh_count++] = token;
    return true;
}

static bool is_better(const struct aggregate *a, int64_t old, int64_t fresh)
{
    double was, is;

    if (a->operand_type != TYPE_REAL)
        return a->kind == AGG_MIN ? fresh < old : fresh > old;
    memcpy(&was, &old, sizeof was);
    memcpy(&is, &fresh, sizeof is);
    return a->kind == AGG_MIN ? is < was : is > was;
}

static bool add_value(struct rollup_groups *g, struct measure *m, struct sum *sum,
                      const struct column *c, uint32_t row, struct error *e)
{
    const struct aggregate *a = m->aggregate;
    int64_t x = 0;
    bool is_first = true;

    if (c != NULL && c->null[row])
        return true;
    if (a->kind == AGG_DISTINCT) {
        if (!is_new(g, m, c, row, &is_first, e))
            return false;
        sum->count += is_first;
        return true;
    }
    if (a->kind == AGG_MIN || a->kind == AGG_MAX) {
        if (sum->count == 0 || is_better(a, sum->best, c->integer[row]))
            sum->best = c->integer[row];
    } else if (c != NULL && a->kind != AGG_COUNT) {
        x = c->integer[row];
        if (c->type == TYPE_REAL && !fixed_from_real(c->real[row], &x))
            return true; /* past the range: null, as in a window */
        sum->sum += x;
        if (a->kind == AGG_STD)
            wide_add_square(&sum->squares, x);
    }
    sum->count++;
    return true;
}

static bool add_row(struct rollup_groups *g, const struct frame *f, uint32_t first, uint32_t row,
                    struct error *e)
{
    const struct registers *r = &g->registers;
    const struct column *time = &f->column[g->time];
    uint32_t group;

    if (g->where >= 0 && (r->column[g->where].null[row] || r->column[g->where].integer[row] == 0))
        return true;
    if (time->null[first + row] || !period_is_dated(g->zone, time->integer[first + row])) {
        g->counts.timeless++;
        return true;
    }
    g->counts.rows++;
    if (!find_group(g, f, first + row,
                    period_start(g->zone, g->setting->every, time->integer[first + row]), &group,
                    e))
        return false;
    g->has_changed[group] = 1;
    for (uint32_t i = 0; i < g->measures; i++) {
        const struct aggregate *a = g->measure[i].aggregate;
        const struct column *where = a->where >= 0 ? &r->column[a->where] : NULL;

        if (where != NULL && (where->null[row] || where->integer[row] == 0))
            continue;
        if (!add_value(g, &g->measure[i], &g->sum[(size_t)group * g->measures + i],
                       a->operand >= 0 ? &r->column[a->operand] : NULL, row, e))
            return false;
    }
    return true;
}

bool rollup_groups_add(struct rollup_groups *g, const struct frame *f, struct error *e)
{
    for (uint32_t first = 0; first < f->rows; first += ROLLUP_BATCH) {
        uint32_t rows = f->rows - first < ROLLUP_BATCH ? f->rows - first : ROLLUP_BATCH;

        registers_begin(&g->registers, f, first, rows);
        program_run(g->program, &g->registers, 0);
        for (uint32_t i = 0; i < rows; i++) {
            if (!add_row(g, f, first, i, e))
                return false;
        }
    }
    return true;
}

static void put_result(const struct measure *m, const struct sum *s, struct column *c, uint32_t row)
{
    switch (m->aggregate->kind) {
    case AGG_COUNT:
    case AGG_DISTINCT:
        put_integer(c, row, (int64_t)s->count);
        return;
    case AGG_SUM:
        put_ratio(c, row, m->units, s->sum, 1);
        return;
    case AGG_STD:
        put_std(c, row, m->units, s->count, s->sum, &s->squares);
        return;
    case AGG_MEAN:
        if (s->count > 0)
            put_ratio(c, row, m->units, s->sum, s->count);
        return;
    default: /* min, max: the same 64 bits of any type */
        if (s->count > 0)
            put_integer(c, row, s->best);
    }
}

bool rollup_groups_read(const struct rollup_groups *g, struct rollup_rows *rows, struct error *e)
{
    const struct frame *keys = &g->keys.frame;

    rows->period = g->keys.period;
    rows->keys = g->keys.keys;
    rows->every = g->keys.every;
    rows->zone = g->zone;
    for (uint32_t i = 0; i < keys->columns; i++) {
        if (rollup_rows_add(rows, text_of(g->keys.schema->fields[i].name), keys->column[i].type,
                            true, e) < 0)
            return false;
    }
    for (uint32_t i = 0; i < g->measures; i++) {
        if (rollup_rows_add(rows, text_of(g->measure[i].name), g->measure[i].aggregate->type, true,
                            e) < 0)
            return false;
    }
    for (uint32_t row = 0; row < keys->rows; row++) {
        if (!rollup_rows_grow(rows, e))
            return false;
        for (uint32_t i = 0; i < keys->columns; i++) {
            if (!rollup_rows_copy(rows, (int)i, row, &keys->column[i], row, 1, e))
                return false;
        }
        for (uint32_t i = 0; i < g->measures; i++)
            put_result(&g->measure[i], &g->sum[(size_t)row * g->measures + i],
                       &rows->frame.column[keys->columns + i], row);
    }
    rollup_rows_sort(rows);
    return true;
}

void rollup_groups_counts(const struct rollup_groups *g, struct rollup_counts *counts)
{
    *counts = g->counts;
}

/* ---- keeping and loading ---- */

static void put_sum(const struct measure *m, const struct sum *s, struct buffer *out)
{
    enum aggregate_kind kind = m->aggregate->kind;

    buffer_add_u64(out, s->count);
    if (kind == AGG_MIN || kind == AGG_MAX)
        buffer_add_u64(out, (uint64_t)s->best);
    if (kind == AGG_SUM || kind == AGG_MEAN || kind == AGG_STD) {
        buffer_add_u64(out, (uint64_t)s->sum);
        buffer_add_u64(out, (uint64_t)((uint128)s->sum >> 64));
    }
    for (int i = 0; i < 3 && kind == AGG_STD; i++)
        buffer_add_u64(out, s->squares.word[i]);
}

static void get_sum(const struct measure *m, struct sum *s, struct reader *in)
{
    enum aggregate_kind kind = m->aggregate->kind;

    *s = (struct sum){.count = reader_u64(in)};
    if (kind == AGG_MIN || kind == AGG_MAX)
        s->best = (int64_t)reader_u64(in);
    if (kind == AGG_SUM || kind == AGG_MEAN || kind == AGG_STD) {
        uint64_t low = reader_u64(in), high = reader_u64(in);

        s->sum = (int128)((uint128)high << 64 | low);
    }
    for (int i = 0; i < 3 && kind == AGG_STD; i++)
        s->squares.word[i] = reader_u64(in);
}

struct ordered {
    int64_t start_us;
    uint32_t group;
};

static int compare_ordered(const void *a, const void *b)
{
    const struct ordered *x = a, *y = b;

    if (x->start_us != y->start_us)
        return x->start_us < y->start_us ? -1 : 1;
    return (x->group > y->group) - (x->group < y->group);
}

static void put_group(const struct rollup_groups *g, uint32_t group, struct buffer *out)
{
    for (uint32_t i = 0; i < g->keys.keys; i++)
        rollup_cell_bytes(&g->keys.frame.column[1 + i], group, out);
    for (uint32_t i = 0; i < g->measures; i++)
        put_sum(&g->measure[i], &g->sum[(size_t)group * g->measures + i], out);
}

static bool keep_groups(const struct rollup_groups *g,
                        bool (*put)(void *context, const struct rollup_piece *p, struct error *e),
                        void *context, struct buffer *out, struct error *e)
{
    uint32_t groups = g->keys.frame.rows;
    struct ordered *order = mem_array(groups + 1, sizeof *order);
    bool ok = true;

    for (uint32_t i = 0; i < groups; i++)
        order[i] = (struct ordered){g->keys.frame.column[0].integer[i], i};
    qsort(order, groups, sizeof *order, compare_ordered);
    for (uint32_t i = 0, end; i < groups && ok; i = end) {
        struct rollup_piece p = {.measure = ROLLUP_OF_GROUPS, .start_us = order[i].start_us};
        bool has_changed = false;

        for (end = i; end < groups && order[end].start_us == p.start_us; end++)
            has_changed |= g->has_changed[order[end].group];
        for (uint32_t k = i; k < end && has_changed && ok; k++) {
            put_group(g, order[k].group, out);
            if (out->length < ROLLUP_PIECE_BYTES && k + 1 < end)
                continue;
            p.state = (struct text){out->bytes, out->length};
            ok = put(context, &p, e);
            p.part++;
            buffer_clear(out);
        }
    }
    mem_free(order);
    return ok;
}

static bool keep_tokens(const struct rollup_groups *g, uint32_t measure,
                        bool (*put)(void *context, const struct rollup_piece *p, struct error *e),
                        void *context, struct buffer *out, struct error *e)
{
    const struct seen *s = &g->measure[measure].seen;
    const struct hash128 *token = g->is_loaded ? s->fresh : s->slot;
    uint64_t count = g->is_loaded ? s->fresh_count : s->slots;
    struct rollup_piece p = {.measure = (int32_t)measure, .part = s->parts};

    for (uint64_t i = 0; i < count; i++) {
        if (token[i].low == 0 && token[i].high == 0)
            continue;
        buffer_add_u64(out, token[i].low);
        buffer_add_u64(out, token[i].high);
        if (out->length < ROLLUP_PIECE_BYTES)
            continue;
        p.state = (struct text){out->bytes, out->length};
        if (!put(context, &p, e))
            return false;
        p.part++;
        buffer_clear(out);
    }
    p.state = (struct text){out->bytes, out->length};
    if (out->length > 0 && !put(context, &p, e))
        return false;
    buffer_clear(out);
    return true;
}

bool rollup_groups_keep(const struct rollup_groups *g,
                        bool (*put)(void *context, const struct rollup_piece *p, struct error *e),
                        void *context, struct error *e)
{
    struct buffer out;
    bool ok;

    /* One group is far below that: a few keys of at most TEXT_MAX bytes, 48 bytes a measure. */
    buffer_init(&out, ROLLUP_PIECE_BYTES + KEY_BYTES_MAX + 64 * (size_t)g->measures);
    ok = keep_groups(g, put, context, &out, e);
    for (uint32_t i = 0; i < g->measures && ok; i++)
        ok = keep_tokens(g, i, put, context, &out, e);
    ASSERT(!out.overflow);
    buffer_fini(&out);
    return ok;
}

static bool load_tokens(struct rollup_groups *g, const struct rollup_piece *p, struct error *e)
{
    struct seen *s = &g->measure[p->measure].seen;
    struct reader in;

    reader_init(&in, p->state.bytes, p->state.length);
    while (reader_left(&in) > 0) {
        struct hash128 token;
        bool is_first;

        token.low = reader_u64(&in);
        token.high = reader_u64(&in);
        if (in.failed || (token.low == 0 && token.high == 0))
            return false;
        if (!see(g, s, token, &is_first, e))
            return false;
    }
    s->parts = p->part >= s->parts ? p->part + 1 : s->parts;
    return true;
}

/* A cell of a key as rollup_cell_bytes wrote it; its text is borrowed. */
static void get_key(struct reader *in, enum type type, struct column *c)
{
    struct value v = {.type = type, .is_null = reader_u8(in) == 0};

    if (!v.is_null && type == TYPE_TEXT)
        v.text = reader_bytes32(in);
    else if (!v.is_null)
        v.integer = (int64_t)reader_u64(in);
    column_set(c, 0, &v);
}

static bool load_group(struct rollup_groups *g, int64_t start_us, struct reader *in,
                       struct frame *key, struct error *e)
{
    uint32_t group = g->keys.frame.rows;
    int by[LANG_KEYS_MAX];
    uint64_t hash;

    for (uint32_t i = 0; i < g->keys.keys; i++) {
        by[i] = (int)i;
        get_key(in, g->keys.frame.column[1 + i].type, &key->column[i]);
    }
    if (in->failed)
        return false;
    hash = hash_key_of(g, key, by, 0, start_us);
    if (!add_group(g, key, by, 0, start_us, hash, e))
        return false;
    g->has_changed[group] = 0;
    for (uint32_t i = 0; i < g->measures; i++)
        get_sum(&g->measure[i], &g->sum[(size_t)group * g->measures + i], in);
    return !in->failed;
}

static bool load_groups(struct rollup_groups *g, const struct rollup_piece *p, struct error *e)
{
    struct frame key = {.rows = 1, .capacity = 1, .columns = g->keys.keys};
    struct reader in;
    bool ok = true;

    key.column = mem_array(g->keys.keys + 1, sizeof *key.column);
    for (uint32_t i = 0; i < g->keys.keys; i++)
        column_init(&key.column[i], g->keys.frame.column[1 + i].type, 1);
    reader_init(&in, p->state.bytes, p->state.length);
    while (ok && reader_left(&in) > 0)
        ok = load_group(g, p->start_us, &in, &key, e);
    for (uint32_t i = 0; i < g->keys.keys; i++)
        column_fini(&key.column[i]);
    mem_free(key.column);
    return ok;
}

bool rollup_groups_load(struct rollup_groups *g, const struct rollup_piece *p, struct error *e)
{
    *e = (struct error){0};
    if (p->measure >= ROLLUP_OF_GROUPS && p->measure < (int32_t)g->measures &&
        (p->measure == ROLLUP_OF_GROUPS ? load_groups(g, p, e) : load_tokens(g, p, e)))
        return true;
    if (e->kind == ERROR_NONE)
        error_set(e, ERROR_INVALID,
                  "rollup %s: what was kept of earlier runs is damaged: `assay rollup --rebuild` "
                  "makes it anew",
                  g->setting->name);
    return false;
}

void rollup_groups_loaded(struct rollup_groups *g, const struct rollup_counts *counts)
{
    g->is_loaded = true;
    g->counts = *counts;
}
