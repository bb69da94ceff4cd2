/* Aggregates as window functions.
 *
 * The engine's window (t - lower, t - upper] over the order (time, arrival) is one frame by time
 * where upper > 0, since no event of the row's own time is in it. Where upper = 0, events of the
 * row's time count only if they arrived before it, which a frame by time cannot say: such a window
 * is the sum of two frames, the earlier times and the same time; without a lower bound it is one
 * frame by position.
 *
 * A window in steps is the same over numbers of steps instead of microseconds.
 *
 * Parts (counts, sums) are columns; the aggregate's value is an expression over them.
 */
#include "core/lang/sql_build.h"

#include <string.h>

#include "core/base/panic.h"

/* A window over the rows of one key. */
struct span {
    struct sql_query *q;
    const struct aggregate *a;
    const char *prefix;
    const char *order;     /* the column of time: microseconds, or the number of a step */
    struct buffer us;      /* that of microseconds */
    struct buffer keys;    /* k1, k2 */
    struct buffer has_key; /* k1 IS NOT NULL AND k2 IS NOT NULL */
    int64_t lower_us;      /* 0: no bound; in units of the order's column */
    int64_t upper_us;
    bool prior;
    int stage; /* whose columns the parts read */
};

/* What the results of two frames become. */
enum join { JOIN_COUNT, JOIN_SUM, JOIN_LEAST, JOIN_GREATEST, JOIN_ARRAYS };

static const char *text_of_node(const struct span *s, int node)
{
    return s->q->values[node].text;
}

static void raise_stage(struct span *s, int node)
{
    if (node >= 0 && s->q->values[node].stage > s->stage)
        s->stage = s->q->values[node].stage;
}

/* Rounded down, also before 1970. The window ends before the step of t - delay; without a delay it
 * ends at the row, and the row's step is then what the row's time is to a plain window. */
static void use_steps(struct span *s)
{
    long long step = s->a->step_us;
    const char *us = buffer_text(&s->us);
    struct buffer text;

    buffer_init(&text, SQL_TEXT_MAX);
    buffer_format(&text, "(%s - (%s %% %lld + %lld) %% %lld) / %lld", us, us, step, step, step,
                  step);
    s->order = sql_column(s->q, NULL, &text, 1);
    s->stage = s->stage > 1 ? s->stage : 1;
    s->lower_us = (s->a->over_us + s->a->delay_us) / step + 1;
    s->upper_us = s->a->delay_us > 0 ? s->a->delay_us / step + 1 : 0;
    buffer_fini(&text);
}

static void span_init(struct span *s, struct sql_query *q, const struct aggregate *a)
{
    *s = (struct span){.q = q, .a = a, .prefix = buffer_text(&q->prefix), .prior = a->prior};
    s->upper_us = a->delay_us;
    s->lower_us = a->over_us > 0 ? a->over_us + a->delay_us : 0;
    buffer_init(&s->us, SQL_TEXT_MAX);
    buffer_format(&s->us, "%sus", s->prefix);
    s->order = buffer_text(&s->us);
    buffer_init(&s->keys, SQL_TEXT_MAX);
    buffer_init(&s->has_key, SQL_TEXT_MAX);
    for (int i = 0; i < a->key_count; i++) {
        buffer_format(&s->keys, "%s%s", i > 0 ? ", " : "", text_of_node(s, a->keys[i]));
        buffer_format(&s->has_key, "%s%s IS NOT NULL", i > 0 ? " AND " : "",
                      text_of_node(s, a->keys[i]));
        raise_stage(s, a->keys[i]);
    }
    raise_stage(s, a->operand);
    raise_stage(s, a->where);
    if (a->step_us > 0)
        use_steps(s);
}

static void span_fini(struct span *s)
{
    buffer_fini(&s->us);
    buffer_fini(&s->keys);
    buffer_fini(&s->has_key);
}

/* Both conditions; either may be NULL. */
static void add_filter(const struct span *s, const char *condition, struct buffer *out)
{
    const char *where = s->a->where >= 0 ? text_of_node(s, s->a->where) : NULL;

    if (where == NULL && condition == NULL)
        return;
    buffer_format(out, " FILTER (WHERE %s%s%s)", where != NULL ? where : "",
                  where != NULL && condition != NULL ? " AND " : "",
                  condition != NULL ? condition : "");
}

/* " OVER (...)": rows of the key before the row, by position. */
static void add_before(struct span *s, const char *more_keys, const char *end, struct buffer *out)
{
    buffer_format(
        out, " OVER (PARTITION BY %s%s ORDER BY %spos ROWS BETWEEN UNBOUNDED PRECEDING AND %s)",
        buffer_text(&s->keys), more_keys, s->prefix, end);
}

/* " OVER (...)": by time, up to `until_us` before the row. */
static void add_times(struct span *s, const char *more_keys, int64_t until_us, struct buffer *out)
{
    buffer_format(out, " OVER (PARTITION BY %s%s ORDER BY %s RANGE BETWEEN ", buffer_text(&s->keys),
                  more_keys, s->order);
    if (s->lower_us > 0)
        buffer_format(out, "%lld", (long long)s->lower_us - 1);
    else
        buffer_add_text(out, "UNBOUNDED");
    buffer_format(out, " PRECEDING AND %lld PRECEDING)", (long long)until_us);
}

static void add_call(const struct span *s, const char *call, const char *condition,
                     struct buffer *out)
{
    buffer_add_text(out, call);
    add_filter(s, condition, out);
}

/* Frames by time end before rows that the frame cannot hold: PostgreSQL takes such a frame as
 * empty. */
static void add_frames(struct span *s, const char *call, const char *condition,
                       const char *more_keys, enum join join, struct buffer *out)
{
    static const char *const before[] = {"", "coalesce(", "least(", "greatest(", "("};
    static const char *const between[] = {" + ", ", 0) + coalesce(", ", ", ", ", " || "};
    static const char *const after[] = {"", ", 0)", ")", ")", ")"};
    const char *end = s->prior ? "1 PRECEDING" : "CURRENT ROW";
    struct buffer same;

    if (s->upper_us > 0 || s->lower_us == 0) {
        buffer_add_text(out, join == JOIN_SUM ? "coalesce(" : "");
        add_call(s, call, condition, out);
        if (s->upper_us > 0)
            add_times(s, more_keys, s->upper_us, out);
        else
            add_before(s, more_keys, end, out);
        buffer_add_text(out, join == JOIN_SUM ? ", 0)" : "");
        return;
    }
    buffer_init(&same, SQL_TEXT_MAX);
    buffer_format(&same, "%s, %s", more_keys, s->order);
    buffer_add_text(out, before[join]);
    add_call(s, call, condition, out);
    add_times(s, more_keys, 1, out);
    buffer_add_text(out, between[join]);
    add_call(s, call, condition, out);
    add_before(s, buffer_text(&same), end, out);
    buffer_add_text(out, after[join]);
    buffer_fini(&same);
}

/* One window function as a column after those that it reads. */
static const char *part(struct span *s, const char *call, const char *condition,
                        const char *more_keys, enum join join)
{
    struct buffer text;
    const char *name;

    buffer_init(&text, SQL_TEXT_MAX);
    add_frames(s, call, condition, more_keys, join, &text);
    name = sql_column(s->q, NULL, &text, s->stage + 1);
    buffer_fini(&text);
    return name;
}

static const char *part_of(struct span *s, const char *call, const char *operand, enum join join)
{
    struct buffer text;
    const char *name;

    buffer_init(&text, SQL_TEXT_MAX);
    buffer_format(&text, call, operand, operand);
    name = part(s, buffer_text(&text), NULL, "", join);
    buffer_fini(&text);
    return name;
}

static const char *count_of(struct span *s, const char *operand)
{
    struct buffer condition;
    const char *name;

    if (operand == NULL)
        return part(s, "count(*)", NULL, "", JOIN_COUNT);
    buffer_init(&condition, SQL_TEXT_MAX);
    buffer_format(&condition, "%s IS NOT NULL", operand);
    name = part(s, "count(*)", buffer_text(&condition), "", JOIN_COUNT);
    buffer_fini(&condition);
    return name;
}

/* "CASE WHEN the key is there THEN text ELSE empty END". */
static void add_keyed(struct span *s, const char *text, const char *empty, struct buffer *out)
{
    buffer_format(out, "CASE WHEN %s THEN %s%s%s END", buffer_text(&s->has_key), text,
                  empty != NULL ? " ELSE " : "", empty != NULL ? empty : "");
}

/* A real as a numeric of millionths, half to even, as the engine takes it into a sum. Its whole
 * part and 80 bits of its fraction go over exactly; what lies below them cannot decide. */
static const char *fixed_of(struct span *s, const char *x)
{
    static const char exact[] =
        "CASE WHEN abs(%1$s) < 9223372036854.775807 THEN trunc(%1$s)::numeric"
        " + (trunc((%1$s - trunc(%1$s)) * 1099511627776)::bigint::numeric * 1099511627776"
        " + trunc(((%1$s - trunc(%1$s)) * 1099511627776"
        " - trunc((%1$s - trunc(%1$s)) * 1099511627776)) * 1099511627776)::bigint)"
        " * 0.00000000000000000000000082718061255302767487140869206996285356581211090087890625 END";
    struct buffer text;
    const char *name;

    buffer_init(&text, SQL_TEXT_MAX);
    buffer_format(&text, exact, x);
    name = sql_column(s->q, NULL, &text, ++s->stage);
    buffer_clear(&text);
    sql_add_half_even(&text, name, 6);
    name = sql_column(s->q, NULL, &text, ++s->stage);
    buffer_fini(&text);
    return name;
}

/* What sums are made of: millionths of reals, the others as they are. */
static const char *summand(struct span *s)
{
    const char *x = text_of_node(s, s->a->operand);

    return s->a->operand_type == TYPE_REAL ? fixed_of(s, x) : x;
}

static void add_sum(struct span *s, struct buffer *out)
{
    const char *sum = part_of(s, "sum(%s)", summand(s), JOIN_SUM);
    struct buffer text;

    buffer_init(&text, SQL_TEXT_MAX);
    if (s->a->type == TYPE_REAL)
        buffer_format(&text, "%s::double precision", sum);
    else
        sql_add_in_range(&text, s->a->type, sum);
    add_keyed(s, buffer_text(&text), "0", out);
    buffer_fini(&text);
}

/* 60 digits after the point hold every tie between two doubles that such a quotient can be and tell
 * all others from one, so that the cast rounds as if from the exact quotient. A duration is in
 * seconds. */
static void add_mean(struct span *s, struct buffer *out)
{
    const char *x = summand(s), *sum = part_of(s, "sum(%s)", x, JOIN_SUM), *n = count_of(s, x);
    struct buffer text;

    buffer_init(&text, SQL_TEXT_MAX);
    buffer_format(&text, "(round(%s%s, 60) / nullif(%s, 0))::double precision", sum,
                  s->a->operand_type == TYPE_DURATION ? " * 0.000001" : "", n);
    add_keyed(s, buffer_text(&text), NULL, out);
    buffer_fini(&text);
}

/* As base/fixed.c: of whole units, the variance rounded once, its root, then from units to ones. */
static void add_std(struct span *s, struct buffer *out)
{
    const char *x = summand(s), *n = count_of(s, x), *sum, *squares;
    enum type of = s->a->operand_type;
    bool in_millionths = of == TYPE_DECIMAL || of == TYPE_REAL;
    struct buffer text;

    sum = part_of(s, "sum(%s::numeric)", x, JOIN_SUM);
    squares = part_of(s, "sum(%s::numeric * %s)", x, JOIN_SUM);
    buffer_init(&text, SQL_TEXT_MAX);
    buffer_format(&text,
                  "CASE WHEN %s > 1 THEN sqrt((round((%s * %s - %s * %s)%s, 60) "
                  "/ (%s::numeric * (%s - 1)))::double precision)%s END",
                  n, n, squares, sum, sum, in_millionths ? " * 1000000000000" : "", n, n,
                  in_millionths || of == TYPE_DURATION ? " / 1000000" : "");
    add_keyed(s, buffer_text(&text), NULL, out);
    buffer_fini(&text);
}

static void add_extreme(struct span *s, struct buffer *out)
{
    bool is_min = s->a->kind == AGG_MIN;

    add_keyed(s,
              part_of(s, is_min ? "min(%s)" : "max(%s)", text_of_node(s, s->a->operand),
                      is_min ? JOIN_LEAST : JOIN_GREATEST),
              NULL, out);
}

/* The number that the newest event that passes has among those of its key. The window has no lower
 * bound here, so that the maximum runs along; add_newest looks at that event's time. */
static const char *newest(struct span *s)
{
    struct buffer text;
    const char *number;
    int64_t lower_us = s->lower_us;

    buffer_init(&text, SQL_TEXT_MAX);
    buffer_format(&text, "row_number() OVER (PARTITION BY %s ORDER BY %spos)",
                  buffer_text(&s->keys), s->prefix);
    number = sql_column(s->q, NULL, &text, ++s->stage);
    buffer_clear(&text);
    buffer_format(&text, "max(%s)", number);
    s->lower_us = 0;
    if (s->a->kind == AGG_LAST) {
        struct buffer known;

        buffer_init(&known, SQL_TEXT_MAX);
        buffer_format(&known, "%s IS NOT NULL", text_of_node(s, s->a->operand));
        number = part(s, buffer_text(&text), buffer_text(&known), "", JOIN_GREATEST);
        buffer_fini(&known);
    } else {
        number = part(s, buffer_text(&text), NULL, "", JOIN_GREATEST);
    }
    s->lower_us = lower_us;
    s->stage++;
    buffer_fini(&text);
    return number;
}

static const char *at_number(struct span *s, const char *x, const char *number)
{
    struct buffer text;
    const char *name;

    buffer_init(&text, SQL_TEXT_MAX);
    buffer_format(&text, "nth_value(%s, %s::int)", x, number);
    add_before(s, "", "UNBOUNDED FOLLOWING", &text);
    name = sql_column(s->q, NULL, &text, s->stage + 1);
    buffer_fini(&text);
    return name;
}

static void add_newest(struct span *s, struct buffer *out)
{
    const char *number = newest(s), *value = at_number(s, text_of_node(s, s->a->operand), number);
    struct buffer us, text;

    if (s->lower_us == 0) {
        add_keyed(s, value, NULL, out);
        return;
    }
    buffer_init(&us, SQL_TEXT_MAX);
    buffer_init(&text, SQL_TEXT_MAX);
    buffer_format(&us, "%sus", s->prefix);
    buffer_format(&text, "CASE WHEN %s > %sus - %lld THEN %s END",
                  at_number(s, buffer_text(&us), number), s->prefix, (long long)s->lower_us, value);
    add_keyed(s, buffer_text(&text), NULL, out);
    buffer_fini(&text);
    buffer_fini(&us);
}

/* No earlier event of the key and of this value. */
static void add_is_new(struct span *s, struct buffer *out)
{
    const char *x = text_of_node(s, s->a->operand), *n;
    struct buffer more;

    buffer_init(&more, SQL_TEXT_MAX);
    buffer_format(&more, ", %s", x);
    n = part(s, "count(*)", NULL, buffer_text(&more), JOIN_COUNT);
    buffer_format(out, "CASE WHEN %s IS NULL THEN NULL WHEN %s THEN %s = 0 ELSE true END", x,
                  buffer_text(&s->has_key), n);
    buffer_fini(&more);
}

/* Without a lower bound: how many first events of a value there are. */
static void add_distinct_ever(struct span *s, struct buffer *out)
{
    const char *x = text_of_node(s, s->a->operand), *first;
    struct buffer more, text;

    buffer_init(&more, SQL_TEXT_MAX);
    buffer_init(&text, SQL_TEXT_MAX);
    buffer_format(&more, ", %s", x);
    buffer_format(&text, "(%s IS NOT NULL AND ", x);
    if (s->a->where >= 0)
        buffer_format(&text, "%s AND ", text_of_node(s, s->a->where));
    add_call(s, "count(*)", NULL, &text);
    add_before(s, buffer_text(&more), "1 PRECEDING", &text);
    buffer_add_text(&text, " = 0)");
    first = sql_column(s->q, NULL, &text, ++s->stage);
    add_keyed(s, part(s, "count(*)", first, "", JOIN_COUNT), "0", out);
    buffer_fini(&more);
    buffer_fini(&text);
}

static void add_distinct(struct span *s, struct buffer *out)
{
    const char *x = text_of_node(s, s->a->operand);
    struct buffer text;

    if (s->lower_us == 0) {
        add_distinct_ever(s, out);
        return;
    }
    buffer_init(&text, SQL_TEXT_MAX);
    buffer_format(&text, "(SELECT count(DISTINCT x) FROM unnest(%s) AS t(x))",
                  part_of(s, "array_agg(%s)", x, JOIN_ARRAYS));
    add_keyed(s, buffer_text(&text), "0", out);
    buffer_fini(&text);
}

/* The values of the window that are not null, as an array. */
static const char *values_of(struct span *s, const char *x)
{
    struct buffer text, known;
    const char *name;

    buffer_init(&text, SQL_TEXT_MAX);
    buffer_init(&known, SQL_TEXT_MAX);
    buffer_format(&text, "array_agg(%s)", x);
    buffer_format(&known, "%s IS NOT NULL", text_of_node(s, s->a->operand));
    name = part(s, buffer_text(&text), buffer_text(&known), "", JOIN_ARRAYS);
    buffer_fini(&text);
    buffer_fini(&known);
    return name;
}

/* Two arrays over the same frames are in the same order. */
static void add_mode(struct span *s, struct buffer *out)
{
    const char *values = values_of(s, text_of_node(s, s->a->operand)), *positions;
    struct buffer text;

    buffer_init(&text, SQL_TEXT_MAX);
    buffer_format(&text, "%spos", s->prefix);
    positions = values_of(s, buffer_text(&text));
    buffer_clear(&text);
    buffer_format(&text,
                  "(SELECT %1$sx FROM unnest(%2$s, %3$s) AS t(%1$sx, %1$sp) GROUP BY %1$sx "
                  "ORDER BY count(*) DESC, max(%1$sp) DESC LIMIT 1)",
                  s->prefix, values, positions);
    add_keyed(s, buffer_text(&text), NULL, out);
    buffer_fini(&text);
}

/* Between two values, as numerics that the cast rounds once, or as the engine does with reals. */
static void add_quantile(struct span *s, struct buffer *out)
{
    const char *values = values_of(s, text_of_node(s, s->a->operand)), *p = s->prefix;
    enum type of = s->a->operand_type;
    long long millionths = s->a->param;
    struct buffer text;

    buffer_init(&text, SQL_TEXT_MAX);
    buffer_format(&text,
                  of == TYPE_REAL
                      ? "(SELECT CASE WHEN %1$sr = 0 OR %1$sa = %1$sb THEN %1$sa ELSE %1$sa * "
                        "(1 - %1$sr / 1000000::double precision) + %1$sb * (%1$sr / "
                        "1000000::double precision) + 0 END"
                      : "(SELECT ((%1$sa::numeric * (1000000 - %1$sr) + coalesce(%1$sb::numeric, "
                        "0) * %1$sr) * 0.000001%2$s)::double precision",
                  p, of == TYPE_DURATION ? " * 0.000001" : "");
    buffer_format(&text,
                  " FROM (SELECT %1$sl[%1$sn * %2$lld / 1000000 + 1] AS %1$sa, %1$sl[%1$sn * "
                  "%2$lld / 1000000 + 2] AS %1$sb, %1$sn * %2$lld %% 1000000 AS %1$sr FROM (SELECT "
                  "array_agg(%1$sx ORDER BY %1$sx) AS %1$sl, count(*) - 1 AS %1$sn FROM "
                  "unnest(%3$s) AS t(%1$sx)) AS u) AS v)",
                  p, millionths, values);
    add_keyed(s, buffer_text(&text), NULL, out);
    buffer_fini(&text);
}

static void add_rank(struct span *s, struct buffer *out)
{
    const char *x = text_of_node(s, s->a->operand), *values = values_of(s, x);
    struct buffer text;

    buffer_init(&text, SQL_TEXT_MAX);
    buffer_format(&text,
                  "CASE WHEN %2$s IS NOT NULL THEN (SELECT (2 * count(*) FILTER (WHERE %1$sx < "
                  "%2$s) + count(*) FILTER (WHERE %1$sx = %2$s))::double precision / nullif(2 * "
                  "count(*), 0) FROM unnest(%3$s) AS t(%1$sx)) END",
                  s->prefix, x, values);
    add_keyed(s, buffer_text(&text), NULL, out);
    buffer_fini(&text);
}

static void add_count(struct span *s, struct buffer *out)
{
    int operand = s->a->operand;

    add_keyed(s, count_of(s, operand >= 0 ? text_of_node(s, operand) : NULL), "0", out);
}

/* Labels are known `label_delay` after their event, so the window ends there at the latest; an
 * event never knows its own, but counts as legitimate where the absent do so at once. */
static void add_label(struct span *s, struct buffer *out)
{
    const struct sql_options *o = s->q->options;
    bool counts_itself;
    struct buffer label, known, count, text;
    const char *n, *frauds;

    if (s->upper_us < o->label_delay_us)
        s->upper_us = o->label_delay_us;
    counts_itself = s->upper_us == 0 && !s->prior && o->absent_is_legit;
    s->prior = true;
    s->q->needs_label = true;
    buffer_init(&label, SQL_TEXT_MAX);
    buffer_init(&known, SQL_TEXT_MAX);
    buffer_init(&count, SQL_TEXT_MAX);
    buffer_init(&text, SQL_TEXT_MAX);
    buffer_format(&label, "%slabel", s->prefix);
    buffer_format(&known, "%slabel IS NOT NULL", s->prefix);
    n = part(s, "count(*)", o->absent_is_legit ? NULL : buffer_text(&known), "", JOIN_COUNT);
    frauds = part(s, "count(*)", buffer_text(&label), "", JOIN_COUNT);
    if (counts_itself && s->a->where >= 0)
        buffer_format(&count, "(%s + CASE WHEN %s THEN 1 ELSE 0 END)", n,
                      text_of_node(s, s->a->where));
    else
        buffer_format(&count, counts_itself ? "(%s + 1)" : "%s", n);
    if (s->a->kind == AGG_MEAN)
        buffer_format(&text, "%s::double precision / nullif(%s, 0)", frauds, buffer_text(&count));
    else
        buffer_add_text(&text, s->a->kind == AGG_SUM ? frauds : buffer_text(&count));
    add_keyed(s, buffer_text(&text), s->a->kind == AGG_MEAN ? NULL : "0", out);
    buffer_fini(&label);
    buffer_fini(&known);
    buffer_fini(&count);
    buffer_fini(&text);
}

const char *sql_aggregate_refusal(const struct aggregate *a)
{
    switch (a->kind) {
    case AGG_ENTROPY:
        return "its logarithms have other last digits there";
    case AGG_DECAYED_COUNT:
    case AGG_DECAYED_SUM:
        return "its powers of two have other last digits there";
    case AGG_APPROX_DISTINCT:
        return "it is the estimate of a sketch; distinct(...) is exact";
    default:
        return NULL;
    }
}

void sql_add_aggregate(struct sql_query *q, const struct aggregate *a, struct buffer *out,
                       int *stage)
{
    static void (*const add[AGG_KINDS])(struct span *, struct buffer *) = {
        [AGG_COUNT] = add_count,       [AGG_SUM] = add_sum,     [AGG_MEAN] = add_mean,
        [AGG_STD] = add_std,           [AGG_MIN] = add_extreme, [AGG_MAX] = add_extreme,
        [AGG_PREV] = add_newest,       [AGG_LAST] = add_newest, [AGG_IS_NEW] = add_is_new,
        [AGG_DISTINCT] = add_distinct, [AGG_MODE] = add_mode,   [AGG_QUANTILE] = add_quantile,
        [AGG_RANK] = add_rank,
    };
    struct span s;

    span_init(&s, q, a);
    if (a->of_label)
        add_label(&s, out);
    else
        add[a->kind](&s, out);
    *stage = s.stage + 1;
    span_fini(&s);
}
