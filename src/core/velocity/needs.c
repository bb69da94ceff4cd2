/* From aggregates to what their groups need. Everything is found by linear search over what is
 * there already: this runs once per plan. */
#include "core/velocity/needs.h"

#include <string.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "core/velocity/decay.h"

void *needs_push(void **array, uint32_t *count, size_t item_bytes)
{
    char *item;

    *array = mem_resize(*array, *count + 1, item_bytes);
    item = (char *)*array + (*count)++ * item_bytes;
    memset(item, 0, item_bytes);
    return item;
}

int needs_cursor(const struct group *g, int64_t offset_us)
{
    for (uint32_t i = 0; i < g->cursor_count; i++) {
        if (g->cursors[i].offset_us == offset_us)
            return (int)i;
    }
    return CURSOR_NONE;
}

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
    g = NEEDS_PUSH(l->groups, l->group_count);
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
    *(struct cell *)NEEDS_PUSH(g->cells, g->cell_count) = (struct cell){.node = node, .kind = kind};
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
    *(struct where *)NEEDS_PUSH(g->wheres, g->where_count) =
        (struct where){.node = node, .bit = (int)i + 2};
    return g->wheres[i].bit;
}

static void cursor_add(struct group *g, int64_t offset_us)
{
    uint32_t i;

    if (needs_cursor(g, offset_us) != CURSOR_NONE)
        return;
    (void)NEEDS_PUSH(g->cursors, g->cursor_count);
    for (i = g->cursor_count - 1; i > 0 && g->cursors[i - 1].offset_us > offset_us; i--)
        g->cursors[i] = g->cursors[i - 1];
    g->cursors[i] = (struct cursor){.offset_us = offset_us};
}

static bool is_bounded(const struct aggregate *a)
{
    return a->over_us > 0;
}

/* The number of the step, made where there is none. */
static int step_of(struct group *g, int64_t step_us)
{
    uint32_t i;

    for (i = 0; i < g->step_count; i++) {
        if (g->steps[i].step_us == step_us)
            return (int)i;
    }
    *(struct step *)NEEDS_PUSH(g->steps, g->step_count) = (struct step){.step_us = step_us};
    return (int)i;
}

static int step_cursor_of(struct step *s, int64_t offset_us)
{
    uint32_t i;

    for (i = 0; i < s->cursor_count; i++) {
        if (s->cursors[i].offset_us == offset_us)
            return (int)i;
    }
    *(struct step_cursor *)NEEDS_PUSH(s->cursors, s->cursor_count) =
        (struct step_cursor){.offset_us = offset_us};
    if (s->longest_us < offset_us)
        s->longest_us = offset_us;
    return (int)i;
}

/* Whether events without a label become legitimate inside the window of `a`, later than they
 * enter it. */
static bool matures_inside(const struct velocity_layout *l, const struct aggregate *a)
{
    return a->of_label && l->options.absent == LABEL_ABSENT_LEGIT && label_delay(l) > delay_of(a) &&
           (!is_bounded(a) || label_delay(l) < add_us(delay_of(a), a->over_us));
}

void need_cursors(struct velocity_layout *l, const struct aggregate *a)
{
    struct group *g = group_of(l, a);

    cursor_add(g, 0);
    if (a->step_us > 0)
        return; /* its cursors pass records */
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
            a->unique == wanted->unique && a->counts_absent == wanted->counts_absent &&
            a->step == wanted->step && a->half_life_us == wanted->half_life_us) {
            a->parts |= wanted->parts;
            return (int)i;
        }
    }
    *(struct acc *)NEEDS_PUSH(g->accs, g->acc_count) = *wanted;
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
    *(struct range *)NEEDS_PUSH(g->ranges, g->range_count) = *wanted;
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
    *(struct unique *)NEEDS_PUSH(g->uniques, g->unique_count) =
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
                      .step = -1,
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
    acc.hi = needs_cursor(g, label_delay(l));
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
                      .step = r->step,
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
                      .step = -1,
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

static void plan_decayed(struct velocity_layout *l, struct group *g, struct read *r)
{
    const struct aggregate *a = r->aggregate;
    struct acc acc = {.kind = ACC_DECAYED,
                      .lo = r->lo,
                      .hi = r->hi,
                      .step = -1,
                      .cell = -1,
                      .where_bit = r->where_bit,
                      .parts = PART_RING,
                      .half_life_us = a->param,
                      .epochs = (uint32_t)decay_epochs(a->param, lateness_of(l))};

    ASSERT(a->param > 0 && acc.epochs <= DECAY_EPOCHS_MAX);
    if (a->operand >= 0)
        acc.cell = r->cell =
            cell_of(g, a->operand, a->operand_type == TYPE_REAL ? CELL_FIXED : CELL_INTEGER);
    r->acc = acc_of(g, &acc);
}

static void plan_order(struct group *g, struct read *r)
{
    const struct aggregate *a = r->aggregate;
    uint32_t i;

    r->cell = cell_of(g, a->operand, plain_kind(a->operand_type));
    for (i = 0; i < g->order_count; i++) {
        if (g->orders[i].cell == r->cell && g->orders[i].where_bit == r->where_bit)
            break;
    }
    if (i == g->order_count)
        *(struct order *)NEEDS_PUSH(g->orders, g->order_count) =
            (struct order){.cell = r->cell, .where_bit = r->where_bit, .number = i};
    r->order = (int)i;
}

static void plan_frequency(struct group *g, struct read *r)
{
    const struct aggregate *a = r->aggregate;
    enum cell_kind plain = plain_kind(a->operand_type);
    int cell = cell_of(g, a->operand, plain == CELL_TEXT ? CELL_TOKEN : plain);
    int unique = unique_of(g, cell, r->where_bit, false);
    struct frequency *t;
    uint32_t i;

    r->cell = a->kind == AGG_MODE ? cell_of(g, a->operand, plain) : cell;
    for (i = 0; i < g->frequency_count; i++) {
        t = &g->frequencies[i];
        if (t->unique == unique && t->lo == r->lo && t->hi == r->hi)
            break;
    }
    if (i == g->frequency_count)
        *(struct frequency *)NEEDS_PUSH(g->frequencies, g->frequency_count) =
            (struct frequency){.unique = unique, .lo = r->lo, .hi = r->hi};
    t = &g->frequencies[i];
    t->has_tree |= a->kind == AGG_MODE;
    t->has_sums |= a->kind == AGG_ENTROPY;
    r->frequency = (int)i;
}

static void plan_approx(struct velocity_layout *l, struct group *g, struct read *r)
{
    struct approx approx = {.where_bit = r->where_bit, .hi = r->hi};
    uint32_t i;

    ASSERT(!is_bounded(r->aggregate)); /* the language refuses it */
    approx.cell = r->cell = cell_of(g, r->aggregate->operand, CELL_SKETCHED);
    approx.has_settled = lateness_of(l) > 0;
    for (i = 0; i < g->approx_count; i++) {
        const struct approx *other = &g->approxes[i];

        if (other->cell == approx.cell && other->where_bit == approx.where_bit &&
            other->hi == approx.hi)
            break;
    }
    if (i == g->approx_count)
        *(struct approx *)NEEDS_PUSH(g->approxes, g->approx_count) = approx;
    r->approx = (int)i;
}

/* min and max over steps; sums over steps are plan_sum's. */
static void plan_extreme(struct group *g, struct read *r)
{
    const struct aggregate *a = r->aggregate;
    struct step *s = &g->steps[r->step];
    enum range_op op = a->kind == AGG_MIN ? RANGE_MIN : RANGE_MAX;
    uint32_t i;

    r->cell = cell_of(g, a->operand, plain_kind(a->operand_type));
    for (i = 0; i < s->extreme_count; i++) {
        const struct range *x = &s->extremes[i];

        if (x->op == op && x->cell == r->cell && x->where_bit == r->where_bit)
            break;
    }
    if (i == s->extreme_count)
        *(struct range *)NEEDS_PUSH(s->extremes, s->extreme_count) =
            (struct range){.op = op, .cell = r->cell, .where_bit = r->where_bit};
    r->range = (int)i;
}

/* Cursors over records instead of events. */
static void plan_step(struct group *g, struct read *r)
{
    const struct aggregate *a = r->aggregate;
    struct step *s;

    ASSERT(is_bounded(a) && !a->of_label);
    r->step = step_of(g, a->step_us);
    s = &g->steps[r->step];
    r->lo = step_cursor_of(s, add_us(delay_of(a), a->over_us));
    r->hi = delay_of(a) > 0 ? step_cursor_of(s, delay_of(a)) : -1;
}

static void plan_kind(struct velocity_layout *l, struct group *g, struct read *r)
{
    switch (r->aggregate->kind) {
    case AGG_COUNT:
    case AGG_SUM:
    case AGG_MEAN:
    case AGG_STD:
        plan_sum(g, r);
        break;
    case AGG_DISTINCT:
    case AGG_IS_NEW:
        plan_unique(g, r);
        break;
    case AGG_MODE:
    case AGG_ENTROPY:
        plan_frequency(g, r);
        break;
    case AGG_APPROX_DISTINCT:
        plan_approx(l, g, r);
        break;
    case AGG_QUANTILE:
    case AGG_RANK:
        plan_order(g, r);
        break;
    case AGG_DECAYED_COUNT:
    case AGG_DECAYED_SUM:
        plan_decayed(l, g, r);
        break;
    case AGG_MIN:
    case AGG_MAX:
    case AGG_PREV:
    case AGG_LAST:
    case AGG_KINDS:
        if (r->step >= 0)
            plan_extreme(g, r);
        else
            plan_range(g, r);
    }
}

/* How long an event matters to the result, if there is an end to that. */
static int64_t reach_of(const struct read *r)
{
    const struct aggregate *a = r->aggregate;

    if (is_bounded(a))
        return add_us(add_us(delay_of(a), a->over_us), a->step_us);
    return r->aggregate->param > 0 ? add_us(delay_of(a), decay_end_us(a->param)) : INT64_MAX;
}

void need_read(struct velocity_layout *l, const struct aggregate *a)
{
    struct group *g = group_of(l, a);
    struct read *r = NEEDS_PUSH(g->reads, g->read_count);
    int64_t delay_us = delay_of(a);

    ASSERT(a->of_label || a->operand >= 0 || a->kind == AGG_COUNT || a->kind == AGG_DECAYED_COUNT);
    *r = (struct read){.aggregate = a, .cell = -1, .acc = -1, .absent_acc = -1, .range = -1};
    r->unique = r->order = r->frequency = r->step = r->approx = -1;
    r->prior = a->prior || aggregate_is_prior(a->kind);
    r->where_bit = where_bit_of(g, a->where);
    if (a->step_us > 0) {
        plan_step(g, r);
    } else {
        r->hi = needs_cursor(g, delay_us);
        r->lo = is_bounded(a) ? needs_cursor(g, add_us(delay_us, a->over_us)) : CURSOR_NONE;
    }
    if (a->of_label)
        plan_label(l, g, r);
    else
        plan_kind(l, g, r);
    if (reach_of(r) == INT64_MAX && g->endless_delay_us < delay_us)
        g->endless_delay_us = delay_us;
    if (reach_of(r) == INT64_MAX)
        g->expires = false;
    else if (g->idle_us < reach_of(r))
        g->idle_us = reach_of(r);
    /* A late row reads its own bucket from the events. */
    if (r->step >= 0 && r->range >= 0 && r->hi < 0 && lateness_of(l) > 0 &&
        g->horizon_us < a->step_us)
        g->horizon_us = a->step_us;
    /* A label may come at any time, so an unbounded window of labels needs all its events. */
    if (a->of_label && !is_bounded(a))
        g->horizon_us = INT64_MAX;
}
