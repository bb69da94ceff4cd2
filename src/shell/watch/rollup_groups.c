#include "shell/watch/rollup_groups.h"

#include <stdio.h>

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
    uint64_t *hash; /* by group */
    struct buffer key;
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
    for (uint32_t i = 0; i < g->measures; i++)
        mem_free(g->measure[i].seen.slot);
    registers_fini(&g->registers);
    program_free(g->program);
    rollup_rows_fini(&g->keys);
    buffer_fini(&g->key);
    mem_free(g->measure);
    mem_free(g->sum);
    mem_free(g->slot);
    mem_free(g->hash);
    mem_free(g);
}

static bool is_full(const struct rollup_groups *g)
{
    size_t bytes = (size_t)g->room * (g->measures * sizeof *g->sum + 16);

    for (uint32_t i = 0; i < g->measures; i++)
        bytes += g->measure[i].seen.slots * sizeof(struct hash128);
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

static bool add_group(struct rollup_groups *g, const struct frame *f, uint32_t row, int64_t period,
                      uint64_t hash, struct error *e)
{
    const struct value start = {.type = TYPE_TIME, .integer = period};
    uint32_t group = g->keys.frame.rows;

    if (!make_room(g, e) || !rollup_rows_grow(&g->keys, e) ||
        !rollup_rows_set(&g->keys, 0, group, &start, e))
        return false;
    for (uint32_t i = 0; i < g->keys.keys; i++) {
        if (!rollup_rows_copy(&g->keys, (int)(1 + i), group, &f->column[g->by[i]], row, 1, e))
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
    uint64_t hash;

    buffer_clear(&g->key);
    buffer_add_u64(&g->key, (uint64_t)period);
    for (uint32_t i = 0; i < g->keys.keys; i++)
        rollup_cell_bytes(&f->column[g->by[i]], row, &g->key);
    hash = hash_bytes(g->key.bytes, g->key.length, 0);
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
    return add_group(g, f, row, period, hash, e);
}

static void put_seen(struct seen *s, struct hash128 token)
{
    uint64_t i = token.low & (s->slots - 1);

    while (s->slot[i].low != 0 || s->slot[i].high != 0)
        i = (i + 1) & (s->slots - 1);
    s->slot[i] = token;
}

/* Whether the group has not had the value before: its token is kept, as velocity keeps texts. */
static bool is_new(struct rollup_groups *g, struct measure *m, uint32_t group,
                   const struct column *c, uint32_t row, bool *is_first, struct error *e)
{
    static const struct hash_key key = {0x61737361792d726f, 0x6c6c757073000001};
    struct seen *s = &m->seen, old = *s;
    struct hash128 token;
    uint64_t i;

    buffer_clear(&g->key);
    buffer_add_u32(&g->key, group);
    rollup_cell_bytes(c, row, &g->key);
    token = hash_token(g->key.bytes, g->key.length, &key);
    token.low |= token.low == 0 && token.high == 0;
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
    for (i = token.low & (s->slots - 1); s->slot[i].low != 0 || s->slot[i].high != 0;
         i = (i + 1) & (s->slots - 1)) {
        *is_first = s->slot[i].low != token.low || s->slot[i].high != token.high;
        if (!*is_first)
            return true;
    }
    *is_first = true;
    s->slot[i] = token;
    s->count++;
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

static bool add_value(struct rollup_groups *g, struct measure *m, struct sum *sum, uint32_t group,
                      const struct column *c, uint32_t row, struct error *e)
{
    const struct aggregate *a = m->aggregate;
    int64_t x = 0;
    bool is_first = true;

    if (c != NULL && c->null[row])
        return true;
    if (a->kind == AGG_DISTINCT) {
        if (!is_new(g, m, group, c, row, &is_first, e))
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
    if (time->null[first + row]) {
        g->counts.timeless++;
        return true;
    }
    g->counts.rows++;
    if (!find_group(g, f, first + row,
                    period_start(g->zone, g->setting->every, time->integer[first + row]), &group,
                    e))
        return false;
    for (uint32_t i = 0; i < g->measures; i++) {
        const struct aggregate *a = g->measure[i].aggregate;
        const struct column *where = a->where >= 0 ? &r->column[a->where] : NULL;

        if (where != NULL && (where->null[row] || where->integer[row] == 0))
            continue;
        if (!add_value(g, &g->measure[i], &g->sum[(size_t)group * g->measures + i], group,
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
