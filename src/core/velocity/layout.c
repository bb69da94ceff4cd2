/* Groups, once it is known what they need (needs.c): terms at cursors, the shape of an entity, how
 * each result is read. Everything is found by linear search over what is there already: this runs
 * once per plan. */
#include "core/velocity/layout.h"

#include <string.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "core/base/panic.h"
#include "core/velocity/approx.h"
#include "core/velocity/decay.h"
#include "core/velocity/entity.h"
#include "core/velocity/needs.h"
#include "core/velocity/step.h"
#include "core/velocity/table.h"

enum { MILLION = 1000000 };

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
        test_add(&t, 1, g->cells[a->cell].null_bit, a->kind == ACC_NULLS);
    return t;
}

/* The parts of `a` that are terms at its cursors. */
static unsigned parts_at_cursors(const struct acc *a)
{
    unsigned parts = a->parts;

    if (a->derived)
        parts &= ~(unsigned)PART_COUNT;
    return a->is_running ? parts & ~(unsigned)PART_SUM : parts;
}

/* The term of `a` at one of its cursors: shared by all windows that begin or end there. */
static int term_of(struct group *g, const struct acc *a, uint32_t acc, int cursor, int sign)
{
    struct cursor *c = &g->cursors[cursor];
    struct term t = {.test = test_of(g, a),
                     .kind = a->kind,
                     .parts = parts_at_cursors(a),
                     .from = a->kind == ACC_LABEL ? VALUE_FRAUD : VALUE_CELL,
                     .column = a->cell >= 0 ? g->cells[a->cell].column : 0,
                     .unbounded = a->lo < 0 || a->step >= 0,
                     .sign = sign,
                     .acc = acc,
                     .half_life_us = a->half_life_us,
                     .epochs = a->epochs};
    uint32_t i;

    for (i = 0; i < c->term_count && a->kind != ACC_DISTINCT; i++) {
        struct term *other = &c->terms[i];

        if (other->kind == t.kind && other->column == t.column && other->unbounded == t.unbounded &&
            other->half_life_us == t.half_life_us &&
            memcmp(&other->test, &t.test, sizeof t.test) == 0) {
            other->parts |= t.parts;
            return (int)i;
        }
    }
    i = c->term_count;
    *(struct term *)NEEDS_PUSH(c->terms, c->term_count) = t;
    return (int)i;
}

/* The term of `a` in the records of its step. */
static int step_term_of(struct group *g, const struct acc *a)
{
    struct step *s = &g->steps[a->step];
    struct term t = {.way = WAY_TESTED,
                     .test = test_of(g, a),
                     .kind = a->kind,
                     .parts = a->parts,
                     .from = VALUE_CELL,
                     .column = a->cell >= 0 ? g->cells[a->cell].column : 0};
    uint32_t i;

    for (i = 0; i < s->term_count; i++) {
        struct term *other = &s->terms[i];

        if (other->column == t.column && memcmp(&other->test, &t.test, sizeof t.test) == 0) {
            other->parts |= t.parts;
            return (int)i;
        }
    }
    *(struct term *)NEEDS_PUSH(s->terms, s->term_count) = t;
    return (int)i;
}

/* A frequency hears of what passes either of its cursors. */
static void add_frequency_terms(struct group *g)
{
    for (uint32_t i = 0; i < g->frequency_count; i++) {
        const struct frequency *t = &g->frequencies[i];

        for (int sign = 1; sign >= -1; sign -= 2) {
            struct cursor *c = &g->cursors[sign > 0 ? t->hi : t->lo];

            *(struct term *)NEEDS_PUSH(c->terms, c->term_count) =
                (struct term){.kind = ACC_FREQUENCY, .way = WAY_FREQUENCY, .sign = sign, .acc = i};
        }
    }
}

/* After all are there: what shares a term may have added parts to it. */
static enum term_way way_of(const struct term *t)
{
    bool is_filtered = t->test.mask[0] != 0;

    if (t->kind == ACC_DISTINCT)
        return WAY_DISTINCT;
    if (!is_filtered && t->kind == ACC_LABEL && t->parts == PART_SUM)
        return WAY_FRAUDS;
    return t->kind == ACC_FREQUENCY ? WAY_FREQUENCY : WAY_TESTED;
}

/* The cursor at which the windows of `a` end; CURSOR_NONE: they end in steps. */
static int end_of(const struct group *g, const struct acc *a)
{
    if (a->step < 0)
        return a->hi;
    return a->hi < 0 ? needs_cursor(g, 0) : CURSOR_NONE;
}

/* How much of `a` follows from where its cursors stand. An unbounded window keeps what was dropped,
 * which a running sum does only for the cursor that has passed everything. */
static void choose_parts(struct group *g, struct acc *a)
{
    bool is_bounded = a->lo >= 0 && a->step < 0, is_plain = a->where_bit < 0;

    a->derived = is_bounded && is_plain &&
                 (a->kind == ACC_CELL || (a->kind == ACC_LABEL && a->counts_absent));
    a->is_running = is_plain && a->kind == ACC_CELL && a->cell >= 0 && (a->parts & PART_SUM) &&
                    end_of(g, a) != CURSOR_NONE &&
                    (is_bounded || g->cursors[end_of(g, a)].offset_us == 0);
    if (a->is_running && g->cells[a->cell].running < 0)
        g->cells[a->cell].running = (int)g->running_count++;
}

static void add_nulls(struct group *g, uint32_t acc)
{
    struct acc *a = &g->accs[acc];
    const struct acc nulls = {.kind = ACC_NULLS,
                              .lo = a->lo,
                              .step = -1,
                              .cell = a->cell,
                              .where_bit = BIT_NONE,
                              .parts = PART_COUNT};

    g->counts_nulls = true;
    a->hi_nulls = term_of(g, &nulls, acc, a->hi, 1);
    a->lo_nulls = term_of(g, &nulls, acc, a->lo, -1);
}

static void add_terms(struct group *g)
{
    for (uint32_t i = 0; i < g->acc_count; i++) {
        struct acc *a = &g->accs[i];
        int end = end_of(g, a);

        if (a->derived && a->cell >= 0 && (a->parts & PART_COUNT))
            add_nulls(g, i);
        if (a->step >= 0)
            a->lo_term = step_term_of(g, a);
        if (a->step >= 0 && end == CURSOR_NONE)
            a->hi_term = a->lo_term;
        else if (parts_at_cursors(a) != 0)
            a->hi_term = term_of(g, a, i, end, 1);
        if (parts_at_cursors(a) != 0 && a->lo >= 0 && a->step < 0)
            a->lo_term = term_of(g, a, i, a->lo, -1);
    }
    add_frequency_terms(g);
}

/* Whether an event needs the cell's value itself. */
static bool is_value_needed(const struct group *g, int cell)
{
    for (uint32_t i = 0; i < g->acc_count; i++) {
        const struct acc *a = &g->accs[i];

        if (a->cell == cell && (a->step >= 0 || a->kind != ACC_CELL ||
                                (parts_at_cursors(a) & (PART_SUM | PART_SQUARES))))
            return true;
    }
    for (uint32_t i = 0; i < g->range_count; i++) {
        if (g->ranges[i].cell == cell)
            return true;
    }
    for (uint32_t i = 0; i < g->unique_count; i++) {
        if (g->uniques[i].cell == cell)
            return true;
    }
    for (uint32_t i = 0; i < g->order_count; i++) {
        if (g->orders[i].cell == cell)
            return true;
    }
    for (uint32_t i = 0; i < g->step_count; i++) {
        for (uint32_t k = 0; k < g->steps[i].extreme_count; k++) {
            if (g->steps[i].extremes[k].cell == cell)
                return true;
        }
    }
    return g->cells[cell].running < 0;
}

/* What a cursor has passed of a running sum, as the results read it: 16 bytes. */
static uint32_t passed_of(struct group *g, int cursor, int running)
{
    uint32_t i;

    for (i = 0; i < g->passed_count; i++) {
        if (g->passed[i].cursor == (uint32_t)cursor && g->passed[i].running == (uint32_t)running)
            return g->passed[i].at;
    }
    *(struct passed *)NEEDS_PUSH(g->passed, g->passed_count) = (struct passed){
        .cursor = (uint32_t)cursor,
        .running = (uint32_t)running,
        .back = (g->running_count - (uint32_t)running) * RUNNING_BYTES,
        .at = ((g->head_bytes + 15) & ~(uint32_t)15) + i * (uint32_t)sizeof(int128)};
    return g->passed[i].at;
}

/* The copies of running sums that the results read, behind that of the head. */
static void place_passed(struct group *g)
{
    for (uint32_t i = 0; i < g->acc_count; i++) {
        struct acc *a = &g->accs[i];
        int running = a->is_running ? g->cells[a->cell].running : -1;

        if (running < 0)
            continue;
        a->sum_at = passed_of(g, end_of(g, a), running);
        if (a->lo >= 0 && a->step < 0)
            a->lo_sum_at = passed_of(g, a->lo, running);
    }
    g->state_bytes =
        ((g->head_bytes + 15) & ~(uint32_t)15) + g->passed_count * (uint32_t)sizeof(int128);
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
    struct plain_read p = {.sum_at = a->sum_at,
                           .lo_sum_at = a->lo < 0 ? 0 : a->lo_sum_at,
                           .column = r->column,
                           .has_value = r->cell >= 0,
                           .sees_now = r->sees_now,
                           .always_now = r->always_now,
                           .takes_now = r->takes_now,
                           .units = r->units};

    if (a->derived) {
        p.lo = (uint32_t)a->lo;
        p.hi = (uint32_t)a->hi;
        p.nulls_at = a->nulls_at;
        p.lo_nulls_at = a->lo_nulls_at;
    } else {
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
        r->sees_now = !r->prior && delay_of(a) == 0;
        r->always_now = r->sees_now && r->where_bit < 0;
        test_add(&r->takes_now, 0, r->where_bit, true);
        if (r->cell >= 0) {
            test_add(&r->takes_now, 1, g->cells[r->cell].null_bit, false);
            r->column = g->cells[r->cell].column;
        }
        r->sums = r->acc >= 0 ? &g->accs[r->acc] : NULL;
        if (r->range >= 0)
            r->kind = r->step >= 0 ? READ_STEP : READ_RANGE;
        else if (r->order >= 0)
            r->kind = READ_ORDER;
        else if (r->frequency >= 0)
            r->kind = READ_FREQUENCY;
        else if (r->approx >= 0)
            r->kind = READ_APPROX;
        else if (a->param > 0)
            r->kind = READ_DECAYED;
        else if (r->unique >= 0)
            r->kind = READ_UNIQUE;
        else if (a->of_label)
            r->kind = is_plain_label_mean(g, r) ? READ_MEAN : READ_LABEL;
        else if (a->kind == AGG_COUNT && a->operand < 0 && g->accs[r->acc].derived)
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
    uint32_t others = 0;

    for (uint32_t k = 0; k < c->term_count; k++)
        others += c->terms[k].kind != ACC_NULLS;
    c->shape = others > 0 ? SHAPE_MANY : SHAPE_NOTHING;
    if (c->term_count == 1 && c->terms[0].way == WAY_FRAUDS) {
        c->shape = SHAPE_FRAUDS;
        c->frauds_at = c->terms[0].sum_at;
    }
    c->shape_of_nulls = others < c->term_count ? SHAPE_MANY : c->shape;
}

static void place_cursor_terms(struct cursor *c, uint32_t *at)
{
    for (uint32_t k = 0; k < c->term_count; k++) {
        struct term *t = &c->terms[k];

        t->way = way_of(t);
        if (t->kind < ACC_DISTINCT)
            place_parts(at, t->parts, &t->count_at, &t->sum_at, &t->squares_at);
        if (t->parts & PART_RING)
            t->ring_at = take(at, decay_ring_bytes(t->epochs));
    }
    choose_shape(c);
}

/* What an accumulator reads at a cursor is the cursor's term; `base` is where its sums begin. */
static void find_parts(const struct term *t, uint32_t base, uint32_t *count, uint32_t *sum,
                       uint32_t *squares)
{
    *count = base + t->count_at;
    *sum = t->parts & PART_RING ? t->ring_at : base + t->sum_at;
    *squares = base + t->squares_at;
}

static void find_lo(const struct group *g, struct acc *a)
{
    if (a->step >= 0) {
        const struct step *s = &g->steps[a->step];

        find_parts(&s->terms[a->lo_term], s->cursors[a->lo].sums_at, &a->lo_count_at, &a->lo_sum_at,
                   &a->lo_squares_at);
    } else if (a->lo >= 0 && parts_at_cursors(a) != 0) {
        find_parts(&g->cursors[a->lo].terms[a->lo_term], 0, &a->lo_count_at, &a->lo_sum_at,
                   &a->lo_squares_at);
    }
}

static void find_hi(const struct group *g, struct acc *a)
{
    const struct step *s = a->step >= 0 ? &g->steps[a->step] : NULL;
    int cursor = end_of(g, a);

    if (cursor == CURSOR_NONE)
        find_parts(&s->terms[a->hi_term], s->cursors[a->hi].sums_at, &a->count_at, &a->sum_at,
                   &a->squares_at);
    else if (parts_at_cursors(a) != 0)
        find_parts(&g->cursors[cursor].terms[a->hi_term], 0, &a->count_at, &a->sum_at,
                   &a->squares_at);
}

static void find_nulls(const struct group *g, struct acc *a)
{
    if (!a->derived || a->cell < 0 || !(a->parts & PART_COUNT))
        return;
    a->nulls_at = g->cursors[a->hi].terms[a->hi_nulls].count_at;
    a->lo_nulls_at = g->cursors[a->lo].terms[a->lo_nulls].count_at;
}

/* A distinct accumulator's count is its own; all others are in the terms at their cursors. */
static void place_terms(struct group *g, uint32_t *at)
{
    for (uint32_t i = 0; i < g->cursor_count; i++)
        place_cursor_terms(&g->cursors[i], at);
    for (uint32_t i = 0; i < g->acc_count; i++) {
        struct acc *a = &g->accs[i];

        if (a->kind == ACC_DISTINCT) {
            a->count_at = take(at, 8);
        } else {
            find_hi(g, a);
            find_lo(g, a);
            find_nulls(g, a);
        }
    }
}

/* Records' shape, then the cursors over them in the entity. */
static void place_step(struct step *s, uint32_t *at)
{
    uint32_t bytes = 0;

    for (uint32_t k = 0; k < s->term_count; k++)
        place_parts(&bytes, s->terms[k].parts, &s->terms[k].count_at, &s->terms[k].sum_at,
                    &s->terms[k].squares_at);
    s->sums_bytes = bytes;
    bytes += STEP_RECORD_HEAD;
    for (uint32_t k = 0; k < s->extreme_count; k++)
        s->extremes[k].base_at = take(&bytes, STEP_EXTREME_BYTES);
    s->record_bytes = bytes;
    s->state_at = take(at, STEP_STATE_BYTES);
    for (uint32_t k = 0; k < s->cursor_count; k++) {
        s->cursors[k].index_at = take(at, 8);
        s->cursors[k].sums_at = take(at, s->sums_bytes);
    }
}

static uint32_t words_of(const struct cell *c)
{
    return c->kind == CELL_TOKEN ? 2 : 1;
}

static void place_cells(struct group *g)
{
    int bit = 2 + (int)g->where_count;

    if (g->has_label)
        g->words++;
    for (uint32_t i = 0; i < g->cell_count; i++) {
        g->cells[i].running = -1;
        g->cells[i].null_bit = bit++;
    }
    for (uint32_t i = 0; i < g->acc_count; i++)
        choose_parts(g, &g->accs[i]);
    for (uint32_t i = 0; i < g->cell_count; i++) {
        g->cells[i].is_kept = is_value_needed(g, (int)i);
        if (g->cells[i].is_kept) {
            g->cells[i].column = g->words;
            g->words += words_of(&g->cells[i]);
        }
    }
}

/* An event, and its image with the cells that it does not keep. */
static void place_event(struct group *g)
{
    g->links_at = g->words * 8;
    g->flags_at = g->links_at + g->links * 4;
    g->running_at = g->flags_at + g->flag_bytes;
    g->event_bytes = g->running_at + g->running_count * RUNNING_BYTES;
    g->end_bytes = g->has_label ? g->running_at : 8; /* no label is looked at elsewhere */
    g->image_words = (g->event_bytes + 7) / 8;
    for (uint32_t i = 0; i < g->cell_count; i++) {
        if (!g->cells[i].is_kept) {
            g->cells[i].column = g->image_words;
            g->image_words += words_of(&g->cells[i]);
        }
    }
}

/* Offsets of everything in an entity of the group. */
static void place(struct group *g)
{
    uint32_t at = (uint32_t)sizeof(struct entity) + (g->cursor_count + 1) / 2 * 8;
    int bits = 2 + (int)g->where_count;

    g->terms_at = at;
    place_cells(g);
    bits += (int)g->cell_count;
    add_terms(g);
    for (uint32_t i = 0; i < g->step_count; i++)
        place_step(&g->steps[i], &at);
    place_terms(g, &at);
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
    for (uint32_t i = 0; i < g->frequency_count; i++) {
        g->frequencies[i].links = g->links;
        g->links += 2;
        if (g->frequencies[i].has_sums)
            g->frequencies[i].sums_at = take(&at, 8 + sizeof(int128));
        if (g->frequencies[i].has_tree)
            g->frequencies[i].tree = g->trees++;
    }
    for (uint32_t i = 0; i < g->approx_count; i++)
        g->approxes[i].state_at =
            take(&at, APPROX_STATE_BYTES +
                          (size_t)APPROX_SKETCH_BYTES * (1 + g->approxes[i].has_settled));
    g->flag_bytes = (uint32_t)(bits + 7) / 8;
    place_event(g);
    g->terms_end = at;
    g->head_bytes = at + g->running_count * RUNNING_BYTES;
    place_passed(g);
    g->running_of = mem_array(g->running_count + 1, sizeof *g->running_of);
    for (uint32_t i = 0; i < g->cell_count; i++) {
        if (g->cells[i].running >= 0)
            g->running_of[g->cells[i].running] = g->cells[i].column;
    }
    g->null_mask = mem_array(g->flag_bytes, 1);
    for (uint32_t i = 0; i < g->acc_count; i++) {
        if (g->accs[i].nulls_at != 0)
            flag_set(g->null_mask, g->cells[g->accs[i].cell].null_bit, true);
    }
}

static void finish(struct velocity_layout *l, struct group *g)
{
    int64_t longest_us = g->cursors[g->cursor_count - 1].offset_us;

    g->reach_us = longest_us > g->idle_us ? longest_us : g->idle_us;
    if (g->horizon_us != INT64_MAX)
        g->horizon_us =
            add_us(longest_us > g->horizon_us ? longest_us : g->horizon_us, lateness_of(l));
    g->idle_us = add_us(g->idle_us, lateness_of(l));
    if (g->idle_us < g->horizon_us)
        g->idle_us = g->horizon_us;
    place(g);
    choose_reads(g);
    for (uint32_t i = 0; i < g->cursor_count && g->cursors[i].offset_us <= label_delay(l); i++)
        g->label_cursor = i;
    g->has_text = has_text(g);
    g->drops_plainly =
        g->range_count == 0 && g->unique_count == 0 && g->approx_count == 0 && !g->has_text;
    g->seeks_plainly = true;
    for (uint32_t i = 0; i < g->cursor_count; i++)
        g->seeks_plainly = g->seeks_plainly && g->cursors[i].shape == SHAPE_NOTHING;
    g->appends_plainly = g->range_count == 0 && g->unique_count == 0 && g->order_count == 0 &&
                         g->frequency_count == 0 && g->approx_count == 0;
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
    uint64_t options[] = {7 /* format */, (uint64_t)label_delay(l), (uint64_t)o->absent, o->key.k0,
                          o->key.k1};
    uint64_t h = hash_bytes(options, sizeof options, count);

    for (uint32_t i = 0; i < count; i++) {
        const struct aggregate *a = list[i];
        int64_t shape[] = {a->kind,      a->of_label, a->operand_type, a->over_us,
                           a->delay_us,  a->prior,    a->level,        a->where >= 0,
                           a->key_count, a->step_us,  a->param};

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

bool velocity_check(const struct aggregate *a, const struct velocity_options *o, struct error *e)
{
    const int64_t spans = (DECAY_EPOCHS_MAX - 2) * 64 * US_PER_SECOND;
    char lateness[TIME_TEXT_MAX], least[TIME_TEXT_MAX];

    if (a->kind != AGG_DECAYED_COUNT && a->kind != AGG_DECAYED_SUM)
        return true;
    if (decay_epochs(a->param, o->lateness_us) <= DECAY_EPOCHS_MAX)
        return true;
    duration_format(o->lateness_us, lateness);
    duration_format((o->lateness_us + spans - 1) / spans * US_PER_SECOND, least);
    return error_set(e, ERROR_INVALID,
                     "%.200s: expected a half-life of at least %s where events may be late by %s",
                     a->canonical, least, lateness);
}

struct velocity_layout *velocity_layout_new(const struct aggregate *const *aggregates,
                                            uint32_t count, const struct velocity_options *o)
{
    struct velocity_layout *l = mem_alloc(sizeof *l);

    l->options = *o;
    for (uint32_t i = 0; i < count; i++)
        need_cursors(l, aggregates[i]);
    for (uint32_t i = 0; i < count; i++)
        need_read(l, aggregates[i]);
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

        for (uint32_t c = 0; c < g->cursor_count; c++)
            mem_free(g->cursors[c].terms);
        mem_free(g->passed);
        mem_free(g->running_of);
        mem_free(g->null_mask);
        mem_free(g->cells);
        mem_free(g->wheres);
        mem_free(g->cursors);
        mem_free(g->accs);
        mem_free(g->ranges);
        mem_free(g->uniques);
        mem_free(g->orders);
        mem_free(g->frequencies);
        mem_free(g->approxes);
        for (uint32_t k = 0; k < g->step_count; k++) {
            mem_free(g->steps[k].cursors);
            mem_free(g->steps[k].terms);
            mem_free(g->steps[k].extremes);
        }
        mem_free(g->steps);
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

int velocity_group_level(const struct velocity_layout *l, uint32_t group)
{
    ASSERT(group < l->group_count);
    return l->groups[group].level;
}

bool velocity_group_has_label(const struct velocity_layout *l, uint32_t group)
{
    ASSERT(group < l->group_count);
    return l->groups[group].has_label;
}

static size_t records_bytes(const struct step *s, uint32_t events)
{
    int64_t most = s->longest_us / s->step_us + 2;
    uint32_t records = events < most ? events : (uint32_t)most;

    return region_class_bytes((size_t)records * s->record_bytes);
}

size_t velocity_entity_bytes(const struct velocity_layout *l, uint32_t group, uint32_t events)
{
    const struct group *g = &l->groups[group];
    size_t bytes = region_class_bytes(entity_block_bytes(g, events > 2 ? events : 2));

    ASSERT(group < l->group_count);
    for (uint32_t i = 0; i < g->step_count; i++)
        bytes += records_bytes(&g->steps[i], events);
    return bytes + TABLE_ENTITY_BYTES;
}
