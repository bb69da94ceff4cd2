#include "tests/unit/velocity_stream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fixed.h"
#include "core/base/memory.h"

uint32_t stream_random(struct stream *s, uint32_t below)
{
    s->random += 0x9e3779b97f4a7c15u;
    return (uint32_t)((hash_mix(s->random) >> 32) % below);
}

static enum type node_type(int node)
{
    static const enum type types[] = {TYPE_INT,  TYPE_TEXT, TYPE_INT,  TYPE_DECIMAL, TYPE_REAL,
                                      TYPE_TEXT, TYPE_BOOL, TYPE_TIME, TYPE_BOOL,    TYPE_BOOL};

    return types[node];
}

static int pick_operand(struct stream *s, enum aggregate_kind kind)
{
    static const int numbers[] = {NODE_INT, NODE_DECIMAL, NODE_REAL};
    static const int plain[] = {NODE_INT, NODE_DECIMAL, NODE_REAL, NODE_BOOL, NODE_TIME};
    static const int all[] = {NODE_INT,  NODE_DECIMAL, NODE_REAL, NODE_TEXT,
                              NODE_TEXT, NODE_BOOL,    NODE_TIME};
    static const int exact[] = {NODE_INT,  NODE_DECIMAL, NODE_DECIMAL, NODE_TEXT,
                                NODE_TEXT, NODE_BOOL,    NODE_TIME};

    if (kind == AGG_SUM || kind == AGG_MEAN || kind == AGG_STD || kind == AGG_QUANTILE ||
        kind == AGG_DECAYED_SUM)
        return numbers[stream_random(s, 3)];
    if (kind == AGG_MIN || kind == AGG_MAX || kind == AGG_RANK)
        return plain[stream_random(s, 5)];
    if (kind == AGG_DECAYED_COUNT)
        return -1;
    if (kind == AGG_APPROX_DISTINCT && stream_random(s, 2))
        return NODE_TIME; /* the one with many values */
    if (kind == AGG_MODE || kind == AGG_ENTROPY || kind == AGG_APPROX_DISTINCT)
        return exact[stream_random(s, 7)];
    if (kind == AGG_COUNT && stream_random(s, 2))
        return -1;
    return all[stream_random(s, 7)];
}

static enum type result_type(const struct aggregate *a)
{
    switch (a->kind) {
    case AGG_COUNT:
    case AGG_DISTINCT:
    case AGG_APPROX_DISTINCT:
        return TYPE_INT;
    case AGG_MEAN:
    case AGG_STD:
    case AGG_ENTROPY:
    case AGG_QUANTILE:
    case AGG_RANK:
    case AGG_DECAYED_COUNT:
    case AGG_DECAYED_SUM:
        return TYPE_REAL;
    case AGG_IS_NEW:
        return TYPE_BOOL;
    default:
        return a->of_label ? TYPE_INT : a->operand_type;
    }
}

static bool can_step(enum aggregate_kind kind)
{
    return kind <= AGG_STD; /* count, sum, mean, min, max, std */
}

static void pick_window(struct stream *s, struct aggregate *a)
{
    static const int64_t over[] = {0, 3, 10, 30, 100, 1000}, delay[] = {0, 0, 0, 5, 20};
    static const int64_t quantile[] = {0, 1, 250000, 333333, 500000, 950000, 1000000};
    static const int64_t half_life[] = {1, 3, 7, 40};
    bool needs_over = a->kind >= AGG_MODE && a->kind <= AGG_RANK;

    if (a->kind != AGG_APPROX_DISTINCT)
        a->over_us = over[needs_over + stream_random(s, 6 - needs_over)];
    a->delay_us = delay[stream_random(s, 5)];
    if (can_step(a->kind) && !a->of_label && stream_random(s, 3) == 0) {
        a->step_us = 1 + stream_random(s, 12);
        a->over_us = a->step_us * (1 + stream_random(s, 20));
        a->delay_us = stream_random(s, 2) ? 0 : a->step_us * stream_random(s, 5);
    }
    if (a->kind == AGG_QUANTILE)
        a->param = quantile[stream_random(s, 7)];
    if (a->kind == AGG_DECAYED_COUNT || a->kind == AGG_DECAYED_SUM)
        a->param = half_life[stream_random(s, 4)];
}

static void pick_aggregate(struct stream *s, struct aggregate *a, int node)
{
    *a = (struct aggregate){.operand = -1, .where = -1, .node = node};
    a->kind = (enum aggregate_kind)stream_random(s, AGG_KINDS);
    if (stream_random(s, 4) == 0) {
        static const enum aggregate_kind kinds[] = {AGG_COUNT, AGG_SUM, AGG_MEAN};

        a->of_label = true;
        a->kind = kinds[stream_random(s, 3)];
    } else {
        a->operand = pick_operand(s, a->kind);
        if (a->operand >= 0)
            a->operand_type = node_type(a->operand);
    }
    switch (stream_random(s, 4)) {
    case 0:
        a->keys[a->key_count++] = NODE_KEY_B;
        break;
    case 1:
        a->keys[a->key_count++] = NODE_KEY_B; /* and A */
        /* fall through */
    default:
        a->keys[a->key_count++] = NODE_KEY_A;
    }
    if (stream_random(s, 3) == 0)
        a->where = NODE_WHERE_A + (int)stream_random(s, 2);
    pick_window(s, a);
    a->prior = stream_random(s, 3) == 0;
    a->level = stream_random(s, 5) == 0;
    a->type = result_type(a);
}

static struct text word(uint32_t i)
{
    static const char *const words[] = {"", "a", "b", "ab", "longer than eight bytes", "c", "d"};

    return text_of(words[i % 7]);
}

static int64_t pick_integer(struct stream *s, bool extreme)
{
    if (extreme && stream_random(s, 30) == 0)
        return stream_random(s, 2) ? INT64_MAX : INT64_MIN;
    return (int64_t)stream_random(s, 9) - 4;
}

static double pick_real(struct stream *s, bool extreme)
{
    if (extreme && stream_random(s, 30) == 0)
        return 1e300;
    return ((double)stream_random(s, 9) - 4) * 0.3;
}

static void fill_row(struct stream *s, uint32_t i, uint32_t keys, bool extreme)
{
    for (int n = 0; n < NODE_RESULTS; n++) {
        struct column *c = &s->column[n];

        c->null[i] = stream_random(s, n <= NODE_KEY_B ? 40 : 7) == 0 && n != NODE_TIME;
        if (c->type == TYPE_TEXT)
            c->text[i] =
                c->null[i] ? text_of("") : word(stream_random(s, n == NODE_KEY_B ? keys : 7));
        else if (c->type == TYPE_REAL)
            c->real[i] = c->null[i] ? 0 : pick_real(s, extreme);
        else if (c->type == TYPE_BOOL)
            c->integer[i] = c->null[i] ? 0 : stream_random(s, 2);
        else if (n == NODE_TIME)
            c->integer[i] = s->time_us[i];
        else if (n == NODE_KEY_A)
            c->integer[i] = c->null[i] ? 0 : stream_random(s, keys);
        else if (n == NODE_DECIMAL)
            c->integer[i] = c->null[i] ? 0 : pick_integer(s, extreme) * (extreme ? 1 : 250000);
        else
            c->integer[i] = c->null[i] ? 0 : pick_integer(s, extreme);
    }
}

static void fill_rows(struct stream *s)
{
    uint32_t keys = 1 + stream_random(s, 6), pace = 1 + stream_random(s, 5);
    uint32_t late = stream_random(s, 8), late_by = 1 + stream_random(s, 60);
    bool extreme = stream_random(s, 4) == 0;
    int64_t clock = 1000, watermark = INT64_MIN;

    for (uint32_t i = 0; i < s->rows; i++) {
        int64_t t;

        clock += stream_random(s, pace);
        if (stream_random(s, 60) == 0)
            clock += stream_random(s, 300);
        t = clock;
        if (stream_random(s, 8) < late)
            t -= stream_random(s, late_by);
        s->time_us[i] = t;
        s->seq[i] = (uint64_t)i * 2 + 5;
        s->comparable[i] = watermark == INT64_MIN || t >= watermark - s->options.lateness_us;
        s->insert[i] = s->comparable[i] && stream_random(s, 12) != 0;
        if (s->insert[i] && t > watermark)
            watermark = t;
        s->watermark_us[i] = watermark == INT64_MIN ? t : watermark;
        fill_row(s, i, keys, extreme);
    }
}

static void fill_steps(struct stream *s)
{
    for (uint32_t i = 0; i < s->rows && s->steps < STEPS_MAX; i++) {
        if (i == 0 || stream_random(s, 2))
            continue;
        s->step[s->steps++] = (struct stream_step){i, stream_random(s, i), 0};
        s->step[s->steps - 1].label = (uint8_t)stream_random(s, 3);
    }
}

void stream_init(struct stream *s, uint64_t seed)
{
    static const int64_t lateness[] = {0, 5, 40, 200}, label_delay[] = {0, 5, 25, 200};

    memset(s, 0, sizeof *s);
    s->random = seed;
    s->rows = 20 + stream_random(s, stream_random(s, 4) ? 100 : ROWS_MAX - 20);
    s->count = 1 + stream_random(s, AGGREGATES_MAX);
    s->options.lateness_us = lateness[stream_random(s, 4)];
    s->options.label_delay_us = label_delay[stream_random(s, 4)];
    s->options.absent = stream_random(s, 2) ? LABEL_ABSENT_LEGIT : LABEL_ABSENT_UNKNOWN;
    s->options.key = (struct hash_key){seed, 7};
    for (uint32_t i = 0; i < s->count; i++)
        pick_aggregate(s, &s->aggregate[i], NODE_RESULTS + (int)i);
    for (int n = 0; n < NODES; n++) {
        int a = n - NODE_RESULTS;

        column_init(&s->column[n],
                    a < 0               ? node_type(n)
                    : a < (int)s->count ? s->aggregate[a].type
                                        : TYPE_INT,
                    ROWS_MAX);
    }
    fill_rows(s);
    fill_steps(s);
}

void stream_fini(struct stream *s)
{
    for (int n = 0; n < NODES; n++)
        column_fini(&s->column[n]);
}

/* The oracle. A term is one event of a window, in (time, arrival) order. */
struct terms {
    uint32_t row[ROWS_MAX];
    uint32_t count;
};

static bool same_cell(const struct column *c, uint32_t i, uint32_t k)
{
    if (c->null[i] || c->null[k])
        return false;
    return c->type == TYPE_TEXT ? text_equal(c->text[i], c->text[k])
                                : c->integer[i] == c->integer[k];
}

static bool same_key(const struct stream *s, const struct aggregate *a, uint32_t i, uint32_t k)
{
    for (int n = 0; n < a->key_count; n++) {
        if (!same_cell(&s->column[a->keys[n]], i, k))
            return false;
    }
    return true;
}

static bool is_true(const struct column *c, uint32_t i)
{
    return !c->null[i] && c->integer[i] != 0;
}

/* The largest multiple of the step that is not above t. */
static int64_t round_down(int64_t t, int64_t step)
{
    int64_t multiple = t / step * step;

    return multiple > t ? multiple - step : multiple;
}

static bool in_steps(const struct stream *s, const struct aggregate *a, uint32_t now, uint32_t k)
{
    int64_t edge = round_down(s->time_us[now] - a->delay_us, a->step_us), t = s->time_us[k];

    return t >= edge - a->over_us && (a->delay_us == 0 ? t <= s->time_us[now] : t < edge);
}

static bool in_window(const struct stream *s, const struct aggregate *a, uint32_t now, uint32_t k)
{
    int64_t t = s->time_us[now] - a->delay_us;

    if (a->step_us > 0 && !in_steps(s, a, now, k))
        return false;
    if (a->step_us > 0)
        return a->where < 0 || is_true(&s->column[a->where], k);
    if (s->time_us[k] > t || (a->over_us > 0 && s->time_us[k] <= t - a->over_us))
        return false;
    return a->where < 0 || is_true(&s->column[a->where], k);
}

static void collect(const struct stream *s, const struct aggregate *a, uint32_t now,
                    struct terms *terms)
{
    bool prior = a->prior || a->kind == AGG_PREV || a->kind == AGG_IS_NEW || a->kind == AGG_RANK;

    terms->count = 0;
    for (uint32_t k = 0; k <= now; k++) {
        uint32_t at = terms->count;

        if ((k == now ? prior : !s->insert[k]) || !same_key(s, a, now, k))
            continue; /* a null key is no key, not even its own row's */
        if (!in_window(s, a, now, k))
            continue;
        for (; at > 0 && s->time_us[terms->row[at - 1]] > s->time_us[k]; at--)
            terms->row[at] = terms->row[at - 1];
        terms->row[at] = k;
        terms->count++;
    }
}

struct sums {
    uint64_t n;
    int128 sum;
    struct wide squares;
};

static void add_term(struct sums *sums, int64_t x)
{
    sums->n++;
    sums->sum += x;
    wide_add_square(&sums->squares, x);
}

static void add_value(struct sums *sums, const struct column *c, uint32_t k, bool to_sum)
{
    int64_t x = c->type == TYPE_TEXT ? 0 : c->integer[k];

    if (c->null[k] || (to_sum && c->type == TYPE_REAL && !fixed_from_real(c->real[k], &x)))
        return;
    add_term(sums, x);
}

static void add_label(const struct stream *s, struct sums *sums, const uint8_t *label, uint32_t now,
                      uint32_t k)
{
    bool mature = s->time_us[k] <= s->time_us[now] - s->options.label_delay_us;

    if (label[k] != LABEL_UNKNOWN)
        add_term(sums, label[k]);
    else if (mature && s->options.absent == LABEL_ABSENT_LEGIT)
        add_term(sums, 0);
}

static void put_null(struct column *c, uint32_t row)
{
    c->null[row] = 1;
    if (c->type == TYPE_TEXT)
        c->text[row] = text_of("");
    else
        c->integer[row] = 0;
}

static double exact_ratio(int128 sum, uint64_t n)
{
    int128 limit = (int128)1 << 53;

    return sum > -limit && sum < limit ? (double)(int64_t)sum / (double)n : fixed_ratio(sum, n);
}

static void put_sums(struct column *c, uint32_t row, const struct aggregate *a, struct sums *t)
{
    bool scaled =
        !a->of_label && (a->operand_type == TYPE_DECIMAL || a->operand_type == TYPE_REAL ||
                         a->operand_type == TYPE_DURATION);
    uint64_t units = scaled ? 1000000 : 1;

    c->null[row] = 0;
    if (a->kind == AGG_COUNT)
        c->integer[row] = (int64_t)t->n;
    else if (a->kind == AGG_SUM && c->type == TYPE_REAL)
        c->real[row] = exact_ratio(t->sum, 1000000);
    else if (a->kind == AGG_SUM && (t->sum > INT64_MAX || t->sum < INT64_MIN))
        put_null(c, row);
    else if (a->kind == AGG_SUM)
        c->integer[row] = (int64_t)t->sum;
    else if (t->n == 0 || (a->kind == AGG_STD && t->n < 2))
        put_null(c, row);
    else if (a->kind == AGG_MEAN)
        c->real[row] = exact_ratio(t->sum, t->n * units);
    else
        c->real[row] = fixed_std(t->n, t->sum, &t->squares) / (double)units;
}

static void copy_cell(struct column *to, uint32_t row, const struct column *from, uint32_t k)
{
    to->null[row] = from->null[k];
    if (from->type == TYPE_TEXT)
        to->text[row] = from->text[k];
    else
        to->integer[row] = from->integer[k];
}

static bool is_less(const struct column *c, uint32_t i, uint32_t k)
{
    return c->type == TYPE_REAL ? c->real[i] < c->real[k] : c->integer[i] < c->integer[k];
}

static void put_one(const struct stream *s, struct column *c, uint32_t row,
                    const struct aggregate *a, const struct terms *terms)
{
    const struct column *x = &s->column[a->operand];
    int64_t best = -1;

    for (uint32_t i = 0; i < terms->count; i++) {
        uint32_t k = terms->row[i];

        if (a->kind != AGG_PREV && x->null[k])
            continue;
        if (best < 0 || a->kind == AGG_PREV || a->kind == AGG_LAST ||
            (a->kind == AGG_MIN ? is_less(x, k, (uint32_t)best) : is_less(x, (uint32_t)best, k)))
            best = k;
    }
    if (best < 0)
        put_null(c, row);
    else
        copy_cell(c, row, x, (uint32_t)best);
}

static void put_unique(const struct stream *s, struct column *c, uint32_t row,
                       const struct aggregate *a, const struct terms *terms)
{
    const struct column *x = &s->column[a->operand];
    int64_t distinct = 0;
    bool seen = false;

    for (uint32_t i = 0; i < terms->count; i++) {
        bool first = !x->null[terms->row[i]];

        for (uint32_t k = 0; k < i; k++)
            first &= !same_cell(x, terms->row[i], terms->row[k]);
        distinct += first;
        seen |= same_cell(x, terms->row[i], row);
    }
    c->null[row] = 0;
    if (a->kind == AGG_DISTINCT)
        c->integer[row] = distinct;
    else if (x->null[row])
        put_null(c, row);
    else
        c->integer[row] = !seen;
}

/* The most frequent value, among several the one that was seen last; bits of entropy. */
static void put_frequencies(const struct stream *s, struct column *c, uint32_t row,
                            const struct aggregate *a, const struct terms *terms)
{
    const struct column *x = &s->column[a->operand];
    uint32_t best = 0, most = 0, n = 0;
    long double bits = 0;

    for (uint32_t i = 0; i < terms->count; i++) {
        uint32_t count = 0;

        for (uint32_t k = 0; k < terms->count; k++)
            count += same_cell(x, terms->row[i], terms->row[k]);
        n += count > 0;
        bits -= count > 0 ? log2l(count) : 0;
        if (count > 0 && count >= most) {
            most = count;
            best = terms->row[i];
        }
    }
    put_null(c, row);
    if (n > 0 && a->kind == AGG_MODE)
        copy_cell(c, row, x, best);
    if (n == 0 || a->kind == AGG_MODE)
        return;
    c->null[row] = 0;
    c->real[row] = (double)((bits + n * log2l(n)) / n); /* about: see same_result of velocity.c */
}

static const struct column *sorted_by; /* of qsort; tests have one thread */

static int compare_rows(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

    return is_less(sorted_by, a, b) ? -1 : is_less(sorted_by, b, a);
}

static void put_order(const struct stream *s, struct column *c, uint32_t row,
                      const struct aggregate *a, const struct terms *terms)
{
    const struct column *x = &s->column[a->operand];
    uint32_t list[ROWS_MAX], n = 0, less = 0, equal = 0, low, high;
    uint64_t part;

    for (uint32_t i = 0; i < terms->count; i++) {
        if (!x->null[terms->row[i]])
            list[n++] = terms->row[i];
    }
    sorted_by = x;
    qsort(list, n, sizeof *list, compare_rows);
    put_null(c, row);
    if (n == 0 || (a->kind == AGG_RANK && x->null[row]))
        return;
    c->null[row] = 0;
    for (uint32_t i = 0; i < n; i++) {
        less += is_less(x, list[i], row);
        equal += !is_less(x, list[i], row) && !is_less(x, row, list[i]);
    }
    c->real[row] = (2.0 * less + equal) / (2.0 * n);
    if (a->kind == AGG_RANK)
        return;
    part = (n - 1) * (uint64_t)a->param;
    low = list[part / 1000000];
    high = list[part / 1000000 + (part % 1000000 > 0)];
    part %= 1000000;
    if (x->type == TYPE_REAL)
        c->real[row] = x->real[low] == x->real[high] ? x->real[low]
                                                     : x->real[low] * (1 - (double)part / 1e6) +
                                                           x->real[high] * ((double)part / 1e6);
    else
        c->real[row] = fixed_ratio((int128)x->integer[low] * (1000000 - (int64_t)part) +
                                       (int128)x->integer[high] * (int64_t)part,
                                   x->type == TYPE_DECIMAL ? 1000000000000u : 1000000u);
}

/* About: see same_result of velocity.c. Events of more than an epoch of 64 half-lives before that
 * of the row count as 0 (decay.h). */
static void put_decayed(const struct stream *s, struct column *c, uint32_t row,
                        const struct aggregate *a, const struct terms *terms)
{
    int64_t t = s->time_us[row] - a->delay_us, epoch = round_down(t, 64 * a->param);
    long double sum = 0;

    for (uint32_t i = 0; i < terms->count; i++) {
        uint32_t k = terms->row[i];
        int64_t x = 1;

        if (s->time_us[k] < epoch - 64 * a->param)
            continue;
        if (a->operand >= 0 && s->column[a->operand].null[k])
            continue;
        if (a->operand >= 0 && s->column[a->operand].type != TYPE_REAL)
            x = s->column[a->operand].integer[k];
        else if (a->operand >= 0 && !fixed_from_real(s->column[a->operand].real[k], &x))
            continue;
        sum += x * exp2l((long double)(s->time_us[k] - t) / a->param);
    }
    if (a->operand >= 0 && a->operand_type != TYPE_INT)
        sum /= 1000000;
    c->null[row] = 0;
    c->real[row] = (double)sum;
}

/* The position of the first 1 bit of `bits` after the first `from` bits of a hash, from 1 on. */
static unsigned first_bit(uint64_t hash, unsigned from, unsigned bits)
{
    for (unsigned i = 0; i < bits; i++) {
        if (hash >> (63 - from - i) & 1)
            return i + 1;
    }
    return bits;
}

/* By the definition of docs/language.md, with all hashes at hand. */
static void put_approx(const struct stream *s, struct column *c, uint32_t row,
                       const struct aggregate *a, const struct terms *terms)
{
    const struct column *x = &s->column[a->operand];
    uint64_t hash[ROWS_MAX], kept[ROWS_MAX];
    uint32_t n = 0, seen = 0;
    unsigned place[1024] = {0};
    long double z = 0, part, power = 1, before;

    for (uint32_t i = 0; i < terms->count; i++) {
        uint32_t k = terms->row[i];

        if (!x->null[k])
            hash[n++] = x->type == TYPE_TEXT ? hash_bytes(x->text[k].bytes, x->text[k].length, 0)
                                             : hash_bytes(&x->integer[k], 8, 0);
    }
    for (uint32_t i = 0; i < n; i++) {
        uint64_t token = (hash[i] >> 38) * 64 + first_bit(hash[i], 26, 38);
        uint32_t k = 0;

        while (k < seen && kept[k] != token)
            k++;
        if (k == seen)
            kept[seen++] = token;
        k = (uint32_t)(hash[i] >> 54);
        if (place[k] < first_bit(hash[i], 10, 54))
            place[k] = first_bit(hash[i], 10, 54);
    }
    c->null[row] = 0;
    c->integer[row] = seen;
    if (seen <= 192)
        return;
    part = 0;
    for (int i = 0; i < 1024; i++) {
        part += place[i] == 0;
        z += place[i] == 0 ? 0 : ldexpl(1, -(int)place[i]);
    }
    part /= 1024;
    for (before = -1, z += 1024 * part; z != before; power *= 2) {
        before = z;
        part *= part;
        z += 1024 * part * power;
    }
    c->integer[row] = llrintl(1024.0L * 1024.0L / (2 * logl(2) * z));
}

static void oracle_row(struct stream *s, const struct aggregate *a, uint32_t row,
                       const uint8_t *label)
{
    struct column *c = &s->column[a->node];
    struct terms terms;
    struct sums sums = {0};

    collect(s, a, row, &terms);
    for (uint32_t i = 0; i < terms.count; i++) {
        if (a->of_label)
            add_label(s, &sums, label, row, terms.row[i]);
        else if (a->operand < 0)
            add_term(&sums, 0);
        else
            add_value(&sums, &s->column[a->operand], terms.row[i], a->kind != AGG_COUNT);
    }
    if (a->kind <= AGG_MEAN || a->kind == AGG_STD)
        put_sums(c, row, a, &sums);
    else if (a->kind == AGG_DISTINCT || a->kind == AGG_IS_NEW)
        put_unique(s, c, row, a, &terms);
    else if (a->kind == AGG_MODE || a->kind == AGG_ENTROPY)
        put_frequencies(s, c, row, a, &terms);
    else if (a->kind == AGG_QUANTILE || a->kind == AGG_RANK)
        put_order(s, c, row, a, &terms);
    else if (a->kind == AGG_DECAYED_COUNT || a->kind == AGG_DECAYED_SUM)
        put_decayed(s, c, row, a, &terms);
    else if (a->kind == AGG_APPROX_DISTINCT)
        put_approx(s, c, row, a, &terms);
    else
        put_one(s, c, row, a, &terms);
}

void stream_oracle(struct stream *s)
{
    uint8_t label[ROWS_MAX];
    uint32_t step = 0;

    memset(label, LABEL_UNKNOWN, sizeof label);
    for (uint32_t row = 0; row < s->rows; row++) {
        for (; step < s->steps && s->step[step].row <= row; step++)
            label[s->step[step].event] = s->step[step].label;
        for (uint32_t i = 0; i < s->count; i++)
            oracle_row(s, &s->aggregate[i], row, label);
    }
}
