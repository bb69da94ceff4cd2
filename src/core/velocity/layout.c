/* From aggregates to groups. Everything is found by linear search over what is there already: this
 * runs once per plan. */
#include "core/velocity/layout.h"

#include <string.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "core/velocity/entity.h"
#include "core/velocity/table.h"

enum { MILLION = 1000000 };

/* Append a zeroed item and return it. */
static void *push(void **array, uint32_t *count, size_t item_bytes)
{
    char *item;

    *array = mem_resize(*array, *count + 1, item_bytes);
    item = (char *)*array + (*count)++ * item_bytes;
    memset(item, 0, item_bytes);
    return item;
}

#define PUSH(array, count) push((void **)&(array), &(count), sizeof *(array))

static bool same_key(const struct aggregate *a, const struct aggregate *b)
{
    return a->key_count == b->key_count &&
           memcmp(a->keys, b->keys, (size_t)a->key_count * sizeof a->keys[0]) == 0;
}

static struct group *group_of(struct velocity_layout *l, const struct aggregate *a)
{
    struct group *g;

    for (uint32_t i = 0; i < l->group_count; i++) {
        if (l->groups[i].level == a->level && same_key(l->groups[i].key, a))
            return &l->groups[i];
    }
    ASSERT(l->group_count < VELOCITY_GROUPS_MAX);
    g = PUSH(l->groups, l->group_count);
    g->key = a;
    g->level = a->level;
    g->expires = true;
    g->words = 1;
    return g;
}

static int cell_of(struct group *g, int node, enum cell_kind kind)
{
    uint32_t i;

    for (i = 0; i < g->cell_count; i++) {
        if (g->cells[i].node == node && g->cells[i].kind == kind)
            return (int)i;
    }
    *(struct cell *)PUSH(g->cells, g->cell_count) = (struct cell){.node = node, .kind = kind};
    return (int)i;
}

/* Filters get bits after the label's two; the cells' null bits come last. */
static int where_bit_of(struct group *g, int node)
{
    uint32_t i;

    if (node < 0)
        return BIT_NONE;
    for (i = 0; i < g->where_count; i++) {
        if (g->wheres[i].node == node)
            return g->wheres[i].bit;
    }
    *(struct where *)PUSH(g->wheres, g->where_count) =
        (struct where){.node = node, .bit = (int)i + 2};
    return g->wheres[i].bit;
}

static int cursor_find(const struct group *g, int64_t offset_us)
{
    for (uint32_t i = 0; i < g->cursor_count; i++) {
        if (g->cursors[i].offset_us == offset_us)
            return (int)i;
    }
    return CURSOR_NONE;
}

static void cursor_add(struct group *g, int64_t offset_us)
{
    uint32_t i;

    if (cursor_find(g, offset_us) != CURSOR_NONE)
        return;
    (void)PUSH(g->cursors, g->cursor_count);
    for (i = g->cursor_count - 1; i > 0 && g->cursors[i - 1].offset_us > offset_us; i--)
        g->cursors[i] = g->cursors[i - 1];
    g->cursors[i] = (struct cursor){.offset_us = offset_us};
}

static int64_t add_us(int64_t a, int64_t b)
{
    int64_t r;

    return __builtin_add_overflow(a, b, &r) ? INT64_MAX : r;
}

static int64_t delay_of(const struct aggregate *a)
{
    return a->delay_us > 0 ? a->delay_us : 0;
}

static int64_t label_delay(const struct velocity_layout *l)
{
    return l->options.label_delay_us > 0 ? l->options.label_delay_us : 0;
}

static bool is_bounded(const struct aggregate *a)
{
    return a->over_us > 0;
}

/* Whether events without a label become legitimate inside the window of `a`, later than they
 * enter it. */
static bool matures_inside(const struct velocity_layout *l, const struct aggregate *a)
{
    return a->of_label && l->options.absent == LABEL_ABSENT_LEGIT && label_delay(l) > delay_of(a) &&
           (!is_bounded(a) || label_delay(l) < add_us(delay_of(a), a->over_us));
}

static void add_cursors(struct velocity_layout *l, const struct aggregate *a)
{
    struct group *g = group_of(l, a);

    cursor_add(g, 0);
    cursor_add(g, delay_of(a));
    if (is_bounded(a))
        cursor_add(g, add_us(delay_of(a), a->over_us));
    if (matures_inside(l, a))
        cursor_add(g, label_delay(l));
}

static int acc_of(struct group *g, const struct acc *wanted)
{
    uint32_t i;

    for (i = 0; i < g->acc_count; i++) {
        struct acc *a = &g->accs[i];

        if (a->kind == wanted->kind && a->lo == wanted->lo && a->hi == wanted->hi &&
            a->cell == wanted->cell && a->where_bit == wanted->where_bit &&
            a->unique == wanted->unique && a->counts_absent == wanted->counts_absent) {
            a->parts |= wanted->parts;
            return (int)i;
        }
    }
    *(struct acc *)PUSH(g->accs, g->acc_count) = *wanted;
    return (int)i;
}

static int range_of(struct group *g, const struct range *wanted)
{
    uint32_t i;

    for (i = 0; i < g->range_count; i++) {
        struct range *r = &g->ranges[i];

        if (r->op == wanted->op && r->cell == wanted->cell && r->where_bit == wanted->where_bit &&
            r->skip_null == wanted->skip_null) {
            r->has_base |= wanted->has_base;
            return (int)i;
        }
    }
    *(struct range *)PUSH(g->ranges, g->range_count) = *wanted;
    return (int)i;
}

static int unique_of(struct group *g, int cell, int where_bit, bool has_base)
{
    uint32_t i;

    for (i = 0; i < g->unique_count; i++) {
        if (g->uniques[i].cell == cell && g->uniques[i].where_bit == where_bit) {
            g->uniques[i].has_base |= has_base;
            return (int)i;
        }
    }
    *(struct unique *)PUSH(g->uniques, g->unique_count) =
        (struct unique){.cell = cell, .where_bit = where_bit, .has_base = has_base};
    return (int)i;
}

static unsigned parts_of(enum aggregate_kind kind)
{
    switch (kind) {
    case AGG_SUM:
        return PART_SUM;
    case AGG_MEAN:
        return PART_COUNT | PART_SUM;
    case AGG_STD:
        return PART_COUNT | PART_SUM | PART_SQUARES;
    default:
        return PART_COUNT;
    }
}

static void plan_label(struct velocity_layout *l, struct group *g, struct read *r)
{
    const struct aggregate *a = r->aggregate;
    bool legit = l->options.absent == LABEL_ABSENT_LEGIT;
    struct acc acc = {.kind = ACC_LABEL,
                      .lo = r->lo,
                      .hi = r->hi,
                      .cell = -1,
                      .where_bit = r->where_bit,
                      .counts_absent = legit && label_delay(l) <= delay_of(a),
                      .parts = parts_of(a->kind)};

    ASSERT(a->kind == AGG_COUNT || a->kind == AGG_SUM || a->kind == AGG_MEAN);
    g->has_label = true;
    r->acc = acc_of(g, &acc);
    if (!matures_inside(l, a) || a->kind == AGG_SUM)
        return;
    acc.kind = ACC_UNLABELLED;
    acc.hi = cursor_find(g, label_delay(l));
    acc.parts = PART_COUNT;
    r->absent_acc = acc_of(g, &acc);
}

/* Values as they are, for results that are one of the operands. */
static enum cell_kind plain_kind(enum type type)
{
    return type == TYPE_TEXT ? CELL_TEXT : type == TYPE_REAL ? CELL_REAL : CELL_INTEGER;
}

static void plan_sum(struct group *g, struct read *r)
{
    const struct aggregate *a = r->aggregate;
    struct acc acc = {.kind = ACC_CELL,
                      .lo = r->lo,
                      .hi = r->hi,
                      .cell = -1,
                      .where_bit = r->where_bit,
                      .parts = parts_of(a->kind)};

    if (a->operand >= 0) {
        enum cell_kind kind = plain_kind(a->operand_type);

        if (a->kind == AGG_COUNT && kind == CELL_TEXT)
            kind = CELL_TOKEN;
        ASSERT(a->kind == AGG_COUNT || kind != CELL_TEXT); /* no sums of texts */
        if (a->kind != AGG_COUNT && kind == CELL_REAL)
            kind = CELL_FIXED;
        acc.cell = r->cell = cell_of(g, a->operand, kind);
    }
    ASSERT(a->operand >= 0 || a->kind == AGG_COUNT);
    r->acc = acc_of(g, &acc);
}

static void plan_range(struct group *g, struct read *r)
{
    const struct aggregate *a = r->aggregate;
    bool is_extremum = a->kind == AGG_MIN || a->kind == AGG_MAX;
    struct range range = {
        .where_bit = r->where_bit, .skip_null = a->kind != AGG_PREV, .has_base = !is_bounded(a)};

    ASSERT(!is_extremum || a->operand_type != TYPE_TEXT); /* the language refuses it */
    range.op = a->kind == AGG_MIN ? RANGE_MIN : a->kind == AGG_MAX ? RANGE_MAX : RANGE_NEWEST;
    range.cell = r->cell = cell_of(g, a->operand, plain_kind(a->operand_type));
    range.has_tree = is_extremum || range.skip_null || range.where_bit >= 0;
    r->range = range_of(g, &range);
}

static void plan_unique(struct group *g, struct read *r)
{
    const struct aggregate *a = r->aggregate;
    enum cell_kind kind = a->operand_type == TYPE_TEXT ? CELL_TOKEN : plain_kind(a->operand_type);
    struct acc acc = {.kind = ACC_DISTINCT,
                      .lo = r->lo,
                      .hi = r->hi,
                      .where_bit = r->where_bit,
                      .parts = PART_COUNT};

    r->cell = cell_of(g, a->operand, kind);
    r->unique = unique_of(g, r->cell, r->where_bit, !is_bounded(a));
    if (a->kind != AGG_DISTINCT)
        return;
    acc.cell = r->cell;
    acc.unique = r->unique;
    r->acc = acc_of(g, &acc);
}

static void plan_read(struct velocity_layout *l, const struct aggregate *a)
{
    struct group *g = group_of(l, a);
    struct read *r = PUSH(g->reads, g->read_count);
    int64_t delay_us = delay_of(a);

    ASSERT(a->of_label || a->kind == AGG_COUNT || a->operand >= 0);
    *r = (struct read){.aggregate = a, .cell = -1, .acc = -1, .absent_acc = -1, .range = -1};
    r->unique = -1;
    r->prior = a->prior || a->kind == AGG_PREV || a->kind == AGG_IS_NEW;
    r->hi = cursor_find(g, delay_us);
    r->lo = is_bounded(a) ? cursor_find(g, add_us(delay_us, a->over_us)) : CURSOR_NONE;
    r->where_bit = where_bit_of(g, a->where);
    if (!is_bounded(a))
        g->expires = false;
    if (a->of_label)
        plan_label(l, g, r);
    else if (a->kind == AGG_COUNT || a->kind == AGG_SUM || a->kind == AGG_MEAN ||
             a->kind == AGG_STD)
        plan_sum(g, r);
    else if (a->kind == AGG_DISTINCT || a->kind == AGG_IS_NEW)
        plan_unique(g, r);
    else
        plan_range(g, r);
    /* A label may come at any time, so an unbounded window of labels needs all its events. */
    if (a->of_label && !is_bounded(a))
        g->horizon_us = INT64_MAX;
}

static void test_add(struct test *t, int which, int bit, bool want)
{
    if (bit < 0)
        return;
    t->byte[which] = (uint16_t)(bit >> 3);
    t->mask[which] = (uint8_t)(1u << (bit & 7));
    t->want[which] = want ? t->mask[which] : 0;
}

/* Which events an accumulator takes; null bits are known by now. */
static struct test test_of(const struct group *g, const struct acc *a)
{
    struct test t = {0};

    test_add(&t, 0, a->where_bit, true);
    if (a->kind == ACC_UNLABELLED)
        test_add(&t, 1, LABEL_KNOWN_BIT, false);
    else if (a->kind == ACC_LABEL && !a->counts_absent)
        test_add(&t, 1, LABEL_KNOWN_BIT, true);
    else if (a->cell >= 0)
        test_add(&t, 1, g->cells[a->cell].null_bit, false);
    return t;
}

/* The term of `a` at one of its cursors: shared by all windows that begin or end there. */
static int term_of(struct group *g, uint32_t acc, int cursor, int sign)
{
    const struct acc *a = &g->accs[acc];
    struct cursor *c = &g->cursors[cursor];
    struct term t = {.test = test_of(g, a),
                     .kind = a->kind,
                     .parts = a->parts,
                     .from = a->kind == ACC_LABEL ? VALUE_FRAUD : VALUE_CELL,
                     .column = a->cell >= 0 ? g->cells[a->cell].column : 0,
                     .unbounded = a->lo < 0,
                     .sign = sign,
                     .acc = acc};
    uint32_t i;

    for (i = 0; i < c->term_count && a->kind != ACC_DISTINCT; i++) {
        struct term *other = &c->terms[i];

        if (other->kind == t.kind && other->column == t.column && other->unbounded == t.unbounded &&
            memcmp(&other->test, &t.test, sizeof t.test) == 0) {
            other->parts |= t.parts;
            return (int)i;
        }
    }
    i = c->term_count;
    *(struct term *)PUSH(c->terms, c->term_count) = t;
    return (int)i;
}

/* After all are there: what shares a term may have added parts to it. */
static enum term_way way_of(const struct term *t)
{
    bool is_filtered = t->test.mask[0] != 0;

    if (t->kind == ACC_DISTINCT)
        return WAY_DISTINCT;
    if (!is_filtered && t->kind == ACC_LABEL && t->parts == PART_SUM)
        return WAY_FRAUDS;
    if (is_filtered || t->kind != ACC_CELL)
        return WAY_TESTED;
    if (t->parts == PART_SUM)
        return WAY_SUM;
    return t->parts == (PART_SUM | PART_COUNT) ? WAY_SUM_COUNT : WAY_TESTED;
}

static void add_terms(struct group *g)
{
    for (uint32_t i = 0; i < g->acc_count; i++) {
        struct acc *a = &g->accs[i];

        a->derived = a->lo >= 0 && a->where_bit < 0 && a->cell < 0 &&
                     (a->kind == ACC_CELL || (a->kind == ACC_LABEL && a->counts_absent));
        if (a->derived)
            a->parts &= ~(unsigned)PART_COUNT;
        if (a->parts == 0)
            continue;
        a->hi_term = term_of(g, i, a->hi, 1);
        if (a->lo >= 0)
            a->lo_term = term_of(g, i, a->lo, -1);
    }
}

static uint32_t take(uint32_t *at, size_t bytes)
{
    uint32_t mine = *at;

    *at += (uint32_t)bytes;
    return mine;
}

/* A mean of the label without matured events is read as any mean; the row itself adds 0. */
static bool is_plain_label_mean(const struct group *g, struct read *r)
{
    if (r->aggregate->kind != AGG_MEAN || r->aggregate->type != TYPE_REAL || r->absent_acc >= 0)
        return false;
    r->sees_now = r->sees_now && g->accs[r->acc].counts_absent;
    return true;
}

/* In order of kind, so that each kind is read by a loop of its own. */
static void sort_reads(struct group *g)
{
    struct read *sorted = mem_array(g->read_count, sizeof *sorted);
    uint32_t at = 0;

    for (int kind = 0; kind < READ_KINDS; kind++) {
        g->reads_of[kind] = at;
        for (uint32_t i = 0; i < g->read_count; i++) {
            if (g->reads[i].kind == kind)
                sorted[at++] = g->reads[i];
        }
    }
    g->reads_of[READ_KINDS] = at;
    mem_free(g->reads);
    g->reads = sorted;
}

static struct plain_read plain_read_of(const struct group *g, const struct read *r)
{
    const struct acc *a = r->sums;
    struct plain_read p = {.lo = r->lo < 0 ? 0 : (uint32_t)r->lo,
                           .hi = (uint32_t)r->hi,
                           .sum_at = a->sum_at,
                           .lo_sum_at = a->lo < 0 ? 0 : a->lo_sum_at,
                           .column = r->column,
                           .has_value = r->cell >= 0,
                           .sees_now = r->sees_now,
                           .always_now = r->always_now,
                           .takes_now = r->takes_now,
                           .units = r->units};

    if (!a->derived) {
        p.count_at = a->count_at;
        p.lo_count_at = a->lo < 0 ? 0 : a->lo_count_at;
    }
    return p;
}

/* Which way each result is read; the type of the result decides on the short-cuts. */
static void choose_reads(struct group *g)
{
    for (uint32_t i = 0; i < g->read_count; i++) {
        struct read *r = &g->reads[i];
        const struct aggregate *a = r->aggregate;
        bool in_millionths = !a->of_label && a->operand >= 0 &&
                             (a->operand_type == TYPE_DECIMAL || a->operand_type == TYPE_REAL ||
                              a->operand_type == TYPE_DURATION);

        r->node = a->node;
        r->units = in_millionths ? MILLION : 1;
        r->sees_now = !r->prior && g->cursors[r->hi].offset_us == 0;
        r->always_now = r->sees_now && r->where_bit < 0;
        test_add(&r->takes_now, 0, r->where_bit, true);
        if (r->cell >= 0) {
            test_add(&r->takes_now, 1, g->cells[r->cell].null_bit, false);
            r->column = g->cells[r->cell].column;
        }
        r->sums = r->acc >= 0 ? &g->accs[r->acc] : NULL;
        if (r->range >= 0)
            r->kind = READ_RANGE;
        else if (r->unique >= 0)
            r->kind = READ_UNIQUE;
        else if (a->of_label)
            r->kind = is_plain_label_mean(g, r) ? READ_MEAN : READ_LABEL;
        else if (a->kind == AGG_COUNT && g->accs[r->acc].derived)
            r->kind = READ_EVENTS;
        else if (a->kind == AGG_SUM && a->type == a->operand_type && a->type != TYPE_REAL)
            r->kind = READ_SUM;
        else if (a->kind == AGG_MEAN && a->type == TYPE_REAL)
            r->kind = READ_MEAN;
        else
            r->kind = READ_TERMS;
    }
    sort_reads(g);
    g->plain_reads = mem_array(g->reads_of[READ_TERMS] + 1, sizeof *g->plain_reads);
    for (uint32_t i = 0; i < g->reads_of[READ_TERMS]; i++)
        g->plain_reads[i] = plain_read_of(g, &g->reads[i]);
    for (uint32_t i = 0; i < g->read_count; i++)
        g->writes_text |= g->reads[i].aggregate->type == TYPE_TEXT;
}

static bool has_text(const struct group *g)
{
    for (uint32_t i = 0; i < g->cell_count; i++) {
        if (g->cells[i].kind == CELL_TEXT)
            return true;
    }
    return false;
}

static void place_parts(uint32_t *at, unsigned parts, uint32_t *count, uint32_t *sum,
                        uint32_t *squares)
{
    if (parts & PART_COUNT)
        *count = take(at, 8);
    if (parts & PART_SUM)
        *sum = take(at, sizeof(int128));
    if (parts & PART_SQUARES)
        *squares = take(at, sizeof(struct wide));
}

static void choose_shape(struct cursor *c)
{
    c->shape = SHAPE_MANY;
    if (c->term_count == 0)
        c->shape = SHAPE_NOTHING;
    else if (c->term_count == 1 && c->plain_count == 1)
        c->shape = c->plain[0].count_at != 0 ? SHAPE_SUM_COUNT : SHAPE_SUM;
    else if (c->term_count == 1 && c->terms[0].way == WAY_FRAUDS)
        c->shape = SHAPE_FRAUDS;
    c->frauds_at = c->term_count > 0 ? c->terms[0].sum_at : 0;
}

/* A distinct accumulator's count is its own; all others are in the terms at their cursors. */
static void place_terms(struct group *g, uint32_t *at)
{
    for (uint32_t i = 0; i < g->cursor_count; i++) {
        struct cursor *c = &g->cursors[i];

        for (uint32_t k = 0; k < c->term_count; k++) {
            struct term *t = &c->terms[k];

            t->way = way_of(t);
            if (t->way != WAY_DISTINCT)
                place_parts(at, t->parts, &t->count_at, &t->sum_at, &t->squares_at);
            if (t->way == WAY_SUM || t->way == WAY_SUM_COUNT)
                *(struct plain_sum *)PUSH(c->plain, c->plain_count) =
                    (struct plain_sum){.column = t->column,
                                       .sum_at = t->sum_at,
                                       .count_at = t->count_at,
                                       .null_byte = t->test.byte[1],
                                       .null_mask = t->test.mask[1]};
            else
                c->has_others = true;
        }
        choose_shape(c);
    }
    for (uint32_t i = 0; i < g->acc_count; i++) {
        struct acc *a = &g->accs[i];
        const struct term *t;

        if (a->parts == 0)
            continue;
        if (a->kind == ACC_DISTINCT) {
            a->count_at = take(at, 8);
            continue;
        }
        t = &g->cursors[a->hi].terms[a->hi_term];
        a->count_at = t->count_at;
        a->sum_at = t->sum_at;
        a->squares_at = t->squares_at;
        if (a->lo < 0)
            continue;
        t = &g->cursors[a->lo].terms[a->lo_term];
        a->lo_count_at = t->count_at;
        a->lo_sum_at = t->sum_at;
        a->lo_squares_at = t->squares_at;
    }
}

/* Offsets of everything in an entity of the group. */
static void place(struct group *g)
{
    uint32_t at = sizeof(struct entity) + (g->cursor_count + 1) / 2 * 8;
    int bits = 2 + (int)g->where_count;

    if (g->has_label)
        g->words++;
    for (uint32_t i = 0; i < g->cell_count; i++) {
        g->cells[i].column = g->words;
        g->words += g->cells[i].kind == CELL_TOKEN ? 2 : 1;
        g->cells[i].null_bit = bits++;
    }
    add_terms(g);
    place_terms(g, &at);
    g->state_bytes = at;
    for (uint32_t i = 0; i < g->range_count; i++) {
        if (g->ranges[i].has_base)
            g->ranges[i].base_at = take(&at, sizeof(struct range_base));
        if (g->ranges[i].has_tree)
            g->ranges[i].tree = g->trees++;
    }
    for (uint32_t i = 0; i < g->unique_count; i++) {
        g->uniques[i].state_at = take(&at, sizeof(struct unique_state));
        g->uniques[i].links = g->links;
        g->links += 2;
    }
    g->flag_bytes = (uint32_t)(bits + 7) / 8;
    g->links_at = g->words * 8;
    g->flags_at = g->links_at + g->links * 4;
    g->event_bytes = g->flags_at + g->flag_bytes;
    g->head_bytes = at;
}

static void finish(struct velocity_layout *l, struct group *g)
{
    int64_t longest_us = g->cursors[g->cursor_count - 1].offset_us;
    int64_t lateness_us = l->options.lateness_us > 0 ? l->options.lateness_us : 0;

    if (g->horizon_us != INT64_MAX)
        g->horizon_us = add_us(longest_us, lateness_us);
    place(g);
    choose_reads(g);
    for (uint32_t i = 0; i < g->cursor_count && g->cursors[i].offset_us <= label_delay(l); i++)
        g->label_cursor = i;
    g->has_text = has_text(g);
    g->drops_plainly = g->range_count == 0 && g->unique_count == 0 && !g->has_text;
    if (l->head_bytes_max < g->head_bytes)
        l->head_bytes_max = g->head_bytes;
}

static uint64_t mix_text(uint64_t h, const char *s)
{
    return s != NULL ? hash_bytes(s, strlen(s), h) : hash_mix(h + 1);
}

/* Of what the state means and how it is placed; lateness and memory may change under it. */
static uint64_t fingerprint(const struct velocity_layout *l, const struct aggregate *const *list,
                            uint32_t count)
{
    const struct velocity_options *o = &l->options;
    uint64_t options[] = {3 /* format */, (uint64_t)label_delay(l), (uint64_t)o->absent, o->key.k0,
                          o->key.k1};
    uint64_t h = hash_bytes(options, sizeof options, count);

    for (uint32_t i = 0; i < count; i++) {
        const struct aggregate *a = list[i];
        int64_t shape[] = {a->kind,  a->of_label, a->operand_type, a->over_us,  a->delay_us,
                           a->prior, a->level,    a->where >= 0,   a->key_count};

        h = mix_text(mix_text(h, a->key_name), a->canonical);
        h = hash_bytes(shape, sizeof shape, h);
        if (a->canonical == NULL) {
            int64_t nodes[] = {a->operand, a->where};

            h = hash_bytes(nodes, sizeof nodes, h);
        }
    }
    for (uint32_t i = 0; i < l->group_count; i++)
        h = hash_mix(h ^ ((uint64_t)l->groups[i].head_bytes << 32 | l->groups[i].words));
    return h;
}

struct velocity_layout *velocity_layout_new(const struct aggregate *const *aggregates,
                                            uint32_t count, const struct velocity_options *o)
{
    struct velocity_layout *l = mem_alloc(sizeof *l);

    l->options = *o;
    for (uint32_t i = 0; i < count; i++)
        add_cursors(l, aggregates[i]);
    for (uint32_t i = 0; i < count; i++)
        plan_read(l, aggregates[i]);
    for (uint32_t i = 0; i < l->group_count; i++)
        finish(l, &l->groups[i]);
    l->fingerprint = fingerprint(l, aggregates, count);
    return l;
}

void velocity_layout_free(struct velocity_layout *l)
{
    if (l == NULL)
        return;
    for (uint32_t i = 0; i < l->group_count; i++) {
        struct group *g = &l->groups[i];

        for (uint32_t c = 0; c < g->cursor_count; c++) {
            mem_free(g->cursors[c].terms);
            mem_free(g->cursors[c].plain);
        }
        mem_free(g->cells);
        mem_free(g->wheres);
        mem_free(g->cursors);
        mem_free(g->accs);
        mem_free(g->ranges);
        mem_free(g->uniques);
        mem_free(g->reads);
        mem_free(g->plain_reads);
    }
    mem_free(l->groups);
    mem_free(l);
}

uint64_t velocity_layout_fingerprint(const struct velocity_layout *l)
{
    return l->fingerprint;
}

uint32_t velocity_group_count(const struct velocity_layout *l)
{
    return l->group_count;
}

const char *velocity_group_name(const struct velocity_layout *l, uint32_t group)
{
    ASSERT(group < l->group_count);
    return l->groups[group].key->key_name;
}

bool velocity_group_has_label(const struct velocity_layout *l, uint32_t group)
{
    ASSERT(group < l->group_count);
    return l->groups[group].has_label;
}

size_t velocity_entity_bytes(const struct velocity_layout *l, uint32_t group, uint32_t events)
{
    ASSERT(group < l->group_count);
    return region_class_bytes(entity_block_bytes(&l->groups[group], events > 2 ? events : 2)) +
           TABLE_ENTITY_BYTES;
}
