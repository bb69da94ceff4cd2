/* The SQL of each row of the function table.
 *
 * What the types are in the query: bool boolean, int bigint, decimal numeric, real double
 * precision, text text; a time is a bigint of microseconds since 1970 UTC and a duration one of
 * microseconds, since PostgreSQL's interval arithmetic goes through doubles. Sums that may leave 64
 * bits are done in numeric, so that they are null there, as in the engine; a real that overflows
 * ends the query with an error.
 */
#include "core/lang/kernels.h"
#include "core/lang/sql_build.h"

#include <stdio.h>

#include "core/base/calendar.h"
#include "core/base/number.h"
#include "core/base/panic.h"

enum { ANY = -1 };

/* In a form: $1 to $4 the arguments, $* all of them, $+ all of them joined by ||, $Z the first (a
 * time) in the zone as microseconds since 0001-01-01, a Monday, so that / and % go down; $O what
 * takes that back to a time; $H an argument rounded half to even to the literal number of digits.
 */
struct form {
    void (*run)(const struct call *c);
    int operand;   /* type of the first argument, or ANY */
    int result;    /* type, or ANY */
    bool in_range; /* null outside the range of the result's type */
    const char *text;
};

#define B TYPE_BOOL
#define I TYPE_INT
#define D TYPE_DECIMAL
#define R TYPE_REAL
#define T TYPE_TIME
#define U TYPE_DURATION

/* One row a line; the first that fits is taken. */
/* clang-format off */
static const struct form forms[] = {
    {kernel_int_to_decimal, ANY, ANY, true, "$1::numeric"},
    {kernel_int_to_real, ANY, ANY, false, "$1::double precision"},
    {kernel_decimal_to_real, ANY, ANY, false, "(($1 * 1000000)::double precision / 1000000)"},

    {kernel_add_words, D, ANY, true, "$1 + $2"},
    {kernel_add_words, ANY, ANY, true, "$1::numeric + $2"},
    {kernel_subtract_words, D, ANY, true, "$1 - $2"},
    {kernel_subtract_words, T, ANY, false, "($1 - $2)"},
    {kernel_subtract_words, ANY, ANY, true, "$1::numeric - $2"},
    {kernel_multiply_words, ANY, ANY, true, "$1::numeric * $2"},
    {kernel_remainder_words, ANY, ANY, false, "($1 % nullif($2, 0))"},
    {kernel_negate_words, ANY, ANY, true, "-$1::numeric"},
    {kernel_add_real, ANY, ANY, false, "($1 + $2)"},
    {kernel_subtract_real, ANY, ANY, false, "($1 - $2)"},
    {kernel_multiply_real, ANY, ANY, false, "($1 * $2 + 0)"}, /* + 0: there is no -0 */
    {kernel_divide_real, ANY, ANY, false, "($1 / nullif($2, 0) + 0)"},
    {kernel_negate_real, ANY, ANY, false, "(0 - $1)"},
    {kernel_multiply_decimal, ANY, D, true, "CASE WHEN abs($1 * $2 - trunc($1 * $2, 6)) = 0.0000005"
     " THEN 2 * round($1 * $2 * 0.5, 6) ELSE round($1 * $2, 6) END"},
    {kernel_multiply_decimal, ANY, U, true, "CASE WHEN abs($1 * $2 - trunc($1 * $2)) = 0.5"
     " THEN 2 * round($1 * $2 * 0.5) ELSE round($1 * $2) END"},
    {kernel_divide_words, D, ANY, false,
     "(($1 * 1000000)::double precision / (nullif($2, 0) * 1000000)::double precision + 0)"},
    {kernel_divide_words, ANY, ANY, false,
     "($1::double precision / nullif($2, 0)::double precision + 0)"},
    {kernel_add_time, ANY, ANY, true, "$1::numeric + $2"},
    {kernel_subtract_time, ANY, ANY, true, "$1::numeric - $2"},
    {kernel_multiply_duration_real, ANY, ANY, false,
     "CASE WHEN abs($1::double precision * $2) < 9223372036854775808"
     " THEN ($1::double precision * $2)::bigint END"},
    {kernel_multiply_real_duration, ANY, ANY, false,
     "CASE WHEN abs($1 * $2::double precision) < 9223372036854775808"
     " THEN ($1 * $2::double precision)::bigint END"},
    {kernel_divide_duration_real, ANY, ANY, false,
     "CASE WHEN abs($1::double precision / nullif($2, 0)) < 9223372036854775808"
     " THEN ($1::double precision / nullif($2, 0))::bigint END"},

    {kernel_same, ANY, ANY, false, "$1"},
    {kernel_abs_words, D, ANY, true, "abs($1)"},
    {kernel_abs_words, ANY, ANY, true, "abs($1::numeric)"},
    {kernel_abs_real, ANY, ANY, false, "abs($1)"},
    {kernel_sign_words, ANY, ANY, false, "sign($1)::bigint"},
    {kernel_sign_real, ANY, ANY, false, "sign($1)::bigint"},
    {kernel_round_decimal, ANY, ANY, true, "$H"},
    {kernel_round_real, ANY, ANY, false, "CASE WHEN abs($1) < 4503599627370496 THEN"
     " CASE WHEN abs($1 * $P) < 4503599627370496 THEN round($1 * $P) / $P + 0 ELSE $1 END"
     " ELSE $1 END"},
    {kernel_floor_decimal, ANY, ANY, true, "floor($1)"},
    {kernel_ceil_decimal, ANY, ANY, true, "ceil($1)"},
    {kernel_floor_real, ANY, ANY, false, "floor($1)"},
    {kernel_ceil_real, ANY, ANY, false, "(ceil($1) + 0)"},
    {kernel_sqrt, ANY, ANY, false, "CASE WHEN $1 >= 0 THEN sqrt($1) END"},
    {kernel_near, ANY, ANY, false, "CASE WHEN $3 >= 0 THEN abs($1 - $2) <= $3 END"},
    {kernel_clamp_words, ANY, ANY, false,
     "CASE WHEN $1 IS NOT NULL AND $2 <= $3 THEN least(greatest($1, $2), $3) END"},
    {kernel_clamp_real, ANY, ANY, false,
     "CASE WHEN $1 IS NOT NULL AND $2 <= $3 THEN least(greatest($1, $2), $3) END"},
    {kernel_least_words, ANY, ANY, false, "CASE WHEN num_nulls($*) = 0 THEN least($*) END"},
    {kernel_least_real, ANY, ANY, false, "CASE WHEN num_nulls($*) = 0 THEN least($*) END"},
    {kernel_greatest_words, ANY, ANY, false, "CASE WHEN num_nulls($*) = 0 THEN greatest($*) END"},
    {kernel_greatest_real, ANY, ANY, false, "CASE WHEN num_nulls($*) = 0 THEN greatest($*) END"},

    {kernel_equal_words, ANY, ANY, false, "($1 = $2)"},
    {kernel_unequal_words, ANY, ANY, false, "($1 <> $2)"},
    {kernel_below_words, ANY, ANY, false, "($1 < $2)"},
    {kernel_most_words, ANY, ANY, false, "($1 <= $2)"},
    {kernel_above_words, ANY, ANY, false, "($1 > $2)"},
    {kernel_least_of_words, ANY, ANY, false, "($1 >= $2)"},
    {kernel_below_real, ANY, ANY, false, "($1 < $2)"},
    {kernel_most_real, ANY, ANY, false, "($1 <= $2)"},
    {kernel_above_real, ANY, ANY, false, "($1 > $2)"},
    {kernel_least_of_real, ANY, ANY, false, "($1 >= $2)"},
    {kernel_equal_text, ANY, ANY, false, "($1 = $2)"},
    {kernel_unequal_text, ANY, ANY, false, "($1 <> $2)"},
    {kernel_below_text, ANY, ANY, false, "($1 < $2 COLLATE \"C\")"},
    {kernel_most_text, ANY, ANY, false, "($1 <= $2 COLLATE \"C\")"},
    {kernel_above_text, ANY, ANY, false, "($1 > $2 COLLATE \"C\")"},
    {kernel_least_of_text, ANY, ANY, false, "($1 >= $2 COLLATE \"C\")"},
    {kernel_in_words, ANY, ANY, false, "($1 IN ($S))"},
    {kernel_in_text, ANY, ANY, false, "($1 IN ($S))"},

    {kernel_and, ANY, ANY, false, "($1 AND $2)"},
    {kernel_or, ANY, ANY, false, "($1 OR $2)"},
    {kernel_not, ANY, ANY, false, "(NOT $1)"},
    {kernel_is_null, ANY, ANY, false, "($1 IS NULL)"},
    {kernel_if_words, ANY, ANY, false, "CASE WHEN $1 THEN $2 ELSE $3 END"},
    {kernel_if_text, ANY, ANY, false, "CASE WHEN $1 THEN $2 ELSE $3 END"},
    {kernel_coalesce_words, ANY, ANY, false, "coalesce($*)"},
    {kernel_coalesce_text, ANY, ANY, false, "coalesce($*)"},

    {kernel_text_of_bool, ANY, ANY, false, "$1::text"},
    {kernel_text_of_int, ANY, ANY, false, "$1::text"},
    {kernel_text_of_decimal, ANY, ANY, false, "trim_scale($1)::text"},
    {kernel_lower, ANY, ANY, false,
     "translate($1, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')"},
    {kernel_upper, ANY, ANY, false,
     "translate($1, 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ')"},
    {kernel_trim, ANY, ANY, false, "btrim($1, E' \\t\\n\\r\\x0b\\f')"},
    {kernel_length, ANY, ANY, false, "char_length($1)::bigint"},
    {kernel_contains, ANY, ANY, false, "(strpos($1, $2) > 0)"},
    {kernel_starts_with, ANY, ANY, false, "starts_with($1, $2)"},
    {kernel_ends_with, ANY, ANY, false, "(right($1, char_length($2)) = $2)"},
    {kernel_concat, ANY, ANY, false, "CASE WHEN octet_length($+) <= 4096 THEN $+ END"},
    {kernel_substring, ANY, ANY, false, "CASE WHEN $2 >= 1 AND $3 >= 0"
     " THEN substring($1, least($2, 4097)::int, least($3, 4096)::int) END"},

    {kernel_left, ANY, ANY, false, "CASE WHEN $2 >= 0 THEN left($1, least($2, 4096)::int) END"},
    {kernel_right, ANY, ANY, false, "CASE WHEN $2 >= 0 THEN right($1, least($2, 4096)::int) END"},
    {kernel_replace, ANY, ANY, false,
     "CASE WHEN octet_length(replace($1, $2, $3)) <= 4096 THEN replace($1, $2, $3) END"},
    {kernel_split_part, ANY, ANY, false,
     "CASE WHEN $3 >= 1 AND $3 <= (char_length($1) - char_length(replace($1, $2, '')))"
     " / nullif(char_length($2), 0) + 1 THEN split_part($1, $2, greatest(least($3, 4097), 1)::int) END"},
    {kernel_digits, ANY, ANY, false, "regexp_replace($1, '[^0-9]', '', 'g')"},
    {kernel_email_domain, ANY, ANY, false, "translate(substring($1 from '^.+@([^@]+)\\Z'),"
     " 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')"},

    {kernel_hour, ANY, ANY, false, "($Z % 86400000000 / 3600000000)"},
    {kernel_minute, ANY, ANY, false, "($Z % 3600000000 / 60000000)"},
    {kernel_second, ANY, ANY, false, "($Z % 60000000 / 1000000)"},
    {kernel_weekday, ANY, ANY, false, "($Z / 86400000000 % 7 + 1)"},
    {kernel_is_weekend, ANY, ANY, false, "($Z / 86400000000 % 7 >= 5)"},
    {kernel_day, ANY, ANY, false,
     "extract(day FROM date '0001-01-01' + ($Z / 86400000000)::int)::bigint"},
    {kernel_month, ANY, ANY, false,
     "extract(month FROM date '0001-01-01' + ($Z / 86400000000)::int)::bigint"},
    {kernel_year, ANY, ANY, false,
     "extract(year FROM date '0001-01-01' + ($Z / 86400000000)::int)::bigint"},
    {kernel_date, ANY, ANY, false,
     "to_char(date '0001-01-01' + ($Z / 86400000000)::int, 'YYYY-MM-DD')"},
    {kernel_day_start, ANY, ANY, true, "$Z / 86400000000 * 86400000000 - $O"},
    {kernel_age, ANY, ANY, false, "CASE WHEN $1 <= $2 THEN"
     " (to_char(date '0001-01-01' + (($2 + 62135596800000000) / 86400000000)::int, 'YYYYMMDD')::bigint"
     " - to_char(date '0001-01-01' + (($1 + 62135596800000000) / 86400000000)::int, 'YYYYMMDD')::bigint)"
     " / 10000 END"},
    {kernel_seconds, ANY, ANY, false, "($1::double precision / 1000000)"},
    {kernel_minutes, ANY, ANY, false, "($1::double precision / 60000000)"},
    {kernel_hours, ANY, ANY, false, "($1::double precision / 3600000000)"},
    {kernel_days, ANY, ANY, false, "($1::double precision / 86400000000)"},
};

static const char own_elementary[] =
    "its last bits are those of Assay's own elementary functions, which no database has";

static const char own_regex[] =
    "PostgreSQL's regular expressions are others than PCRE2's; starts_with, contains or split_part "
    "may say it";
static const char own_fuzzy[] = "PostgreSQL has it in no form that is the same";

static const struct {
    void (*run)(const struct call *c);
    const char *why;
} refusals[] = {
    {kernel_log, own_elementary},
    {kernel_log1p, own_elementary},
    {kernel_exp, own_elementary},
    {kernel_pow, own_elementary},
    {kernel_geo_km, own_elementary},
    {kernel_speed_kmh, own_elementary},
    {kernel_matches, own_regex},
    {kernel_extract, own_regex},
    {kernel_edit_distance, own_fuzzy},
    {kernel_jaro_winkler, own_fuzzy},
    {kernel_trigram_similarity, own_fuzzy},
    {kernel_number, "PostgreSQL reads numbers in other texts than Assay does; read the column as a "
                    "number"},
    {kernel_parse_time, "PostgreSQL reads times in other texts than Assay does; read the column as "
                        "a time"},
    {kernel_text_of_real, "PostgreSQL writes reals in another form"},
    {kernel_text_of_time, "it has no short form in PostgreSQL; date(..) has one"},
    {kernel_in_list, "a list's members change with time and are in Assay's log, not in the database"},
    {kernel_text_of_duration, "it has no short form in PostgreSQL; seconds(..) has one"},
};
/* clang-format on */

#undef B
#undef I
#undef D
#undef R
#undef T
#undef U

static const struct form *form_find(const struct program *p, const struct node *n)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        const struct form *f = &forms[i];

        if (f->run == n->row->run && (f->result == ANY || f->result == (int)n->type) &&
            (f->operand == ANY || f->operand == (int)p->nodes[n->args[0]].type))
            return f;
    }
    return NULL;
}

const char *sql_call_refusal(const struct program *p, const struct node *n)
{
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        if (refusals[i].run == n->row->run)
            return refusals[i].why;
    }
    if (n->literal.zone != NULL)
        return "a named time zone there has the rules of that database, which may be others; an "
               "offset such as '+07:00' is the same everywhere";
    return form_find(p, n) == NULL ? "it has no form there" : NULL;
}

uint32_t sql_call_mentions(const struct program *p, const struct node *n, uint32_t argument)
{
    const struct form *f = form_find(p, n);
    uint32_t mentions = 0;

    for (const char *at = f != NULL ? f->text : ""; *at != 0; at++) {
        if (*at != '$')
            continue;
        at++;
        if (*at == '*' || *at == '+' || *at == (char)('1' + argument))
            mentions++;
        else if (argument == 0 && (*at == 'Z' || *at == 'H'))
            mentions += *at == 'H' ? 3 : 1;
    }
    return mentions;
}

void sql_add_in_range(struct buffer *out, enum type type, const char *text)
{
    static const struct {
        const char *below, *above, *cast;
    } bounds[TYPES] = {
        [TYPE_INT] = {"-9223372036854775809", "9223372036854775808", "::bigint"},
        [TYPE_DURATION] = {"-9223372036854775809", "9223372036854775808", "::bigint"},
        [TYPE_DECIMAL] = {"-9223372036854.775809", "9223372036854.775808", ""},
        [TYPE_TIME] = {"-62135596800000001", "253402300800000000", "::bigint"},
    };
    const char *below = bounds[type].below, *above = bounds[type].above;

    ASSERT(below != NULL);
    /* least and greatest pass over null: it becomes `below`, and so null again. */
    buffer_format(out, "nullif(nullif(least(greatest(%s, %s), %s), %s), %s)%s", text, below, above,
                  below, above, bounds[type].cast);
}

/* Of a number half way, 2 * round(x / 2) is the even neighbour: round() goes away from zero, and a
 * quarter is never half way. */
void sql_add_half_even(struct buffer *out, const char *text, int digits)
{
    char half[16] = "0.0000005";

    snprintf(half, sizeof half, "0.%0*d", digits + 1, 5);
    buffer_format(out,
                  "CASE WHEN abs(%s - trunc(%s, %d)) = %s THEN 2 * round(%s * 0.5, %d) "
                  "ELSE round(%s, %d) END",
                  text, text, digits, half, text, digits, text, digits);
}

static void add_zoned(struct buffer *out, const char *time, int64_t offset_us)
{
    struct buffer local;

    if (offset_us == 0) {
        buffer_format(out, "(%s + 62135596800000000)", time);
        return;
    }
    buffer_init(&local, SQL_TEXT_MAX);
    buffer_format(&local, "%s + (%lld)", time, (long long)offset_us);
    buffer_add_char(out, '(');
    sql_add_in_range(out, TYPE_TIME, buffer_text(&local));
    buffer_add_text(out, " + 62135596800000000)");
    buffer_fini(&local);
}

static void add_all(const struct sql_query *q, const struct node *n, const char *between,
                    struct buffer *out)
{
    for (uint32_t i = 0; i < n->count; i++)
        buffer_format(out, "%s%s", i > 0 ? between : "", q->values[n->args[i]].text);
}

static void add_members(const struct node *n, struct buffer *out)
{
    for (uint32_t i = 0; i < n->set->count; i++) {
        buffer_add_text(out, i > 0 ? ", " : "");
        sql_add_value(out, &n->set->members[i]);
    }
}

static void add_place(const struct sql_query *q, const struct node *n, char what,
                      struct buffer *out)
{
    static const int powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
    const char *first = q->values[n->args[0]].text;

    switch (what) {
    case '*':
        add_all(q, n, ", ", out);
        break;
    case '+':
        add_all(q, n, " || ", out);
        break;
    case 'S':
        add_members(n, out);
        break;
    case 'Z':
        add_zoned(out, first, n->literal.number);
        break;
    case 'O':
        buffer_format(out, "%lld", (long long)(n->literal.number - TIME_MIN_US));
        break;
    case 'H':
        sql_add_half_even(out, first, (int)n->literal.number);
        break;
    case 'P':
        buffer_format(out, "%d", powers[n->literal.number]);
        break;
    default:
        buffer_add_text(out, q->values[n->args[what - '1']].text);
    }
}

void sql_add_call(const struct sql_query *q, const struct node *n, struct buffer *out)
{
    const struct form *f = form_find(q->program, n);
    struct buffer plain;

    buffer_init(&plain, SQL_TEXT_MAX);
    for (const char *at = f->text; *at != 0; at++) {
        if (*at == '$')
            add_place(q, n, *++at, &plain);
        else
            buffer_add_char(&plain, *at);
    }
    if (f->in_range)
        sql_add_in_range(out, n->type, buffer_text(&plain));
    else
        buffer_add_slice(out, (struct text){plain.bytes, plain.length});
    buffer_fini(&plain);
}
