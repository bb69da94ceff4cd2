/* Grammar, positions of errors, limits, and the canonical printer. */
#include "tests/unit/test.h"

#include <stdlib.h>

#include "core/base/random.h"
#include "tests/unit/lang_fixture.h"

struct refusal {
    const char *source;
    const char *expected; /* how the error begins, after "f: " */
};

/* Each source is refused as said: where, and what was expected. */
static void expect_refusals(const struct refusal *refusals, size_t count)
{
    struct fixture x;
    char got[ERROR_TEXT_MAX];
    int wrong = 0;

    fixture_init(&x);
    for (size_t i = 0; i < count; i++) {
        evaluate(&x, refusals[i].source, 0, got, sizeof got);
        if (strncmp(got, "f: ", 3) != 0 ||
            strncmp(got + 3, refusals[i].expected, strlen(refusals[i].expected)) != 0) {
            print_message("# %s: expected %s, got %s\n", refusals[i].source, refusals[i].expected,
                          got);
            wrong++;
        }
    }
    fixture_fini(&x);
    assert_int_equal(wrong, 0);
}

static void errors_of_syntax(void **state)
{
    static const struct refusal refusals[] = {
        {"", "1:1: expected a value, found the end of the text"},
        {"1 +", "1:4: expected a value, found the end of the text"},
        {"(1", "1:3: expected an operator or \")\", found the end of the text"},
        {"1 2", "1:3: expected an operator or the end, found \"2\""},
        {"1\n + \n  $", "3:3: expected an expression, found the byte 0x24 \"$\""},
        {"caf\xc3\xa9 = @", "1:8: expected an expression, found the byte 0x40 \"@\""},
        {"n == 1", "1:3: expected an operator, found \"==\"; did you mean =?"},
        {"n <> 1", "1:3: expected an operator, found \"<>\"; did you mean !=?"},
        {"flag && flag", "1:6: expected an operator, found \"&\"; did you mean and?"},
        {"!flag", "1:1: expected an operator, found \"!\"; did you mean not?"},
        {"flag an flag", "1:6: expected an operator or the end, found \"an\"; did you mean and?"},
        {"n in (1) = true", "1:10: expected one comparison (join two by and), found \"=\""},
        {"flag = n in (1)", "1:10: expected one comparison (join two by and), found \"in\""},
        {"1 < n < 3", "1:7: expected one comparison (join two by and), found \"<\""},
        {"'abc", "1:1: expected a closing ', found the end of the text"},
        {"`abc", "1:1: expected a closing `, found the end of the text"},
        {"``", "1:1: expected a name between the backticks"},
        {"5days", "1:2: expected a unit s, m, h, d or w after a whole number, found \"days\""},
        {"1.5h", "1:4: expected a unit s, m, h, d or w after a whole number, found \"h\""},
        {"5.", "1:3: expected digits after the point"},
        {"99999999999999999999", "1:1: expected a number in range"},
        {"1e999", "1:1: expected a number in range"},
        {"99999999999999999w", "1:1: expected a duration in range"},
        {"n not 5", "1:7: expected in after not, found \"5\""},
        {"n is 5", "1:6: expected null or not null after is"},
        {"mean(amount)", "1:13: expected by and an entity after an aggregate, found the end"},
        {"count() by customer prior over 7d", "1:27: expected over where it belongs"},
        {"count() by customer where flag", "1:27: expected \"(\" after where, found \"flag\""},
        {"a\xff", "1:1: expected valid UTF-8"},
    };

    (void)state;
    expect_refusals(refusals, sizeof refusals / sizeof *refusals);
}

static void errors_of_names(void **state)
{
    static const struct refusal refusals[] = {
        {"amuont * 2",
         "1:1: expected a field or a feature, found \"amuont\"; did you mean amount?"},
        {"zebra", "1:1: expected a field or a feature, found \"zebra\""},
        {"tiem", "1:1: expected a field or a feature, found \"tiem\"; did you mean time?"},
        {"hour", "1:1: expected a field or a feature, found the function \"hour\" without \"(\""},
        {"huor(at)",
         "1:1: expected a function or an aggregate, found \"huor\"; did you mean hour?"},
        {"avg(amount) by customer",
         "1:13: expected an aggregate such as count() or mean(x) before by, found \"by\""},
        {"is_fraud",
         "1:1: \"is_fraud\" is the label, which is not known when the event is decided"},
        {"label", "1:1: \"label\" is the label"},
        {"mean(is_fraud) by customer", "1:6: \"is_fraud\" is the label"},
        {"count() by customer where (is_fraud)", "1:28: \"is_fraud\" is the label"},
        {"count() by is_fraud", "1:12: \"is_fraud\" is the label"},
        {"zscore(label) by customer", "1:8: \"label\" is the label"},
        {"quantil(n, 0.5) by customer",
         "1:17: expected an aggregate such as count() or mean(x) before by"},
    };

    (void)state;
    expect_refusals(refusals, sizeof refusals / sizeof *refusals);
}

static void errors_of_types(void **state)
{
    static const struct refusal refusals[] = {
        {"hour(name)", "1:1: expected hour(time [, zone]) -> int, found hour(text)"},
        {"hour(at, 'Mars')", "1:10: no time zone 'Mars'"},
        {"hour(at, name)", "1:10: expected a zone such as '+07:00'"},
        {"hour(at, '+15:00')", "1:10: expected a zone such as '+07:00'"},
        {"round(r, 7)", "1:10: expected a number of digits from 0 to 6"},
        {"name + 1",
         "1:6: expected types that fit on both sides of +, found text, int: nothing converts text by itself"},
        {"flag and n", "1:6: expected bool on both sides of and, found bool, int"},
        {"not n", "1:1: expected bool after not, found int"},
        {"-name", "1:1: expected types that fit after -, found text"},
        {"flag < flag", "1:6: expected types that fit on both sides of <, found bool, bool"},
        {"n = null", "1:3: expected types that fit on both sides of =, found int, null: use \"is"},
        {"null", "1:1: expected a value with a type, found null"},
        {"coalesce(null, null)", "1:1: expected coalesce(a, b, ...) -> type of a, found"},
        {"null is null", "1:6: expected types that fit"},
        {"r != 1",
         "1:3: expected types that fit on both sides of !=, found real, int: equality of"},
    };

    (void)state;
    expect_refusals(refusals, sizeof refusals / sizeof *refusals);
}

static void errors_of_sets_and_lists(void **state)
{
    static const struct refusal refusals[] = {
        {"n in ()", "1:7: expected a literal"},
        {"n in (amount)", "1:7: expected a literal (a set has no names), found \"amount\""},
        {"n in (1, 'x')", "1:10: expected a set of one type, found text after int"},
        {"name in (1, 2)", "1:6: expected a set of text, found int"},
        {"r in (1, 2)", "1:3: expected a set of exact values, found reals"},
        {"n in (1e0)", "1:7: expected a set of exact values, found reals"},
        {"name in list(bloked)",
         "1:6: expected the name of a list: blocked, numbers, amounts, null, found \"bloked\"; did you mean blocked?"},
        {"n in list(blocked)", "1:3: expected text, as list(blocked) holds, found int"},
        {"r in list(amounts)", "1:3: expected decimal, as list(amounts) holds, found real"},
        {"amount in list(numbers)", "1:8: expected int, as list(numbers) holds, found decimal"},
        {"name in list", "1:13: expected \"(\" and the name of a list, found the end"},
        {"name in list()", "1:14: expected the name of a list, found \")\""},
        {"name in list('blocked')", "1:14: expected the name of a list"},
        {"name in list(blocked, numbers)", "1:21: expected \")\" after the name of a list"},
        {"name in list(customer.blocked)", "1:22: expected \")\""},
        {"list(blocked)", "1:6: expected a field or a feature"},
        {"count() by (name in list(blocked)) over 1d",
         "1:18: expected a key of fields and constants"},
    };

    (void)state;
    expect_refusals(refusals, sizeof refusals / sizeof *refusals);
}

static void errors_of_operands(void **state)
{
    static const struct refusal refusals[] = {
        {"mean() by customer", "1:1: expected a number or a duration in mean(...), found nothing"},
        {"mean(name) by customer", "1:6: expected a number or a duration in mean(...), found text"},
        {"sum(flag) by customer",
         "1:5: expected a number or a duration in sum(...), found bool: count() ... where (...) counts conditions"},
        {"max(name) by customer", "1:5: expected a number, a time or a duration in max(...)"},
        {"distinct(r) by customer", "1:10: expected a value that is not real"},
        {"mean(n, 2) by customer", "1:9: expected one operand of mean, found 2"},
        {"mode(r) by customer over 1d", "1:6: expected a value that is not real in mode(...)"},
        {"zscore(name) by customer",
         "1:8: expected a number or a duration in zscore(...), found text"},
        {"ratio(n, 2) by customer", "1:1: expected one operand, found 2"},
        {"sum(zscore(n) by customer) by customer", "1:5: expected no aggregate inside"},
        {"count() by customer where (n)", "1:28: expected a bool in where (...), found int"},
        {"mean(sum(n) by customer) by customer",
         "1:6: expected no aggregate inside an aggregate: make sum(...) a feature and use its name"},
        {"count() by customer where (count() by customer > 1)", "1:28: expected no aggregate"},
        {"max(label) by customer",
         "1:5: expected mean(label), sum(label) or count(label), found max(label)"},
        {"decayed_sum(label, 1d) by customer", "1:13: expected mean(label), sum(label) or"},
        {"approx_distinct(r) by customer", "1:17: expected a value that is not real"},
        {"approx_distinct(label) by customer", "1:17: expected mean(label), sum(label) or"},
    };

    (void)state;
    expect_refusals(refusals, sizeof refusals / sizeof *refusals);
}

static void errors_of_keys(void **state)
{
    static const struct refusal refusals[] = {
        {"count() by costumer",
         "1:12: expected an entity or a field after by, found \"costumer\"; did you mean customer?"},
        {"count() by zebra", "1:12: expected an entity or a field after by, found \"zebra\""},
        {"count() by r", "1:12: expected a key that is exact, found real"},
        {"count() by ()", "1:12: expected an entity between ( and )"},
        {"count() by (id, at, n, name, flag)", "1:30: expected at most 4 names in a key"},
        {"count() by 5", "1:12: expected an entity or a field after by, found \"5\""},
        {"count() by (n, sum(n) by customer)", "1:16: expected an expression of fields in a key"},
    };

    (void)state;
    expect_refusals(refusals, sizeof refusals / sizeof *refusals);
}

static void errors_of_windows(void **state)
{
    static const struct refusal refusals[] = {
        {"count() by customer over 7", "1:26: expected a duration such as 7d, found \"7\""},
        {"count() by customer over 0s", "1:26: expected over of 1s to 3660d, found 0s"},
        {"count() by customer over 3661d", "1:26: expected over of 1s to 3660d, found 3661d"},
        {"count() by customer delay 3661d", "1:27: expected delay of 0s to 3660d, found 3661d"},
        {"count() by customer delay -1d", "1:27: expected a duration such as 7d, found \"-\""},
        {"count() by customer step 1h", "1:21: expected over 30d before step"},
        {"count() by customer over 7d step 5", "1:34: expected a duration such as 7d"},
        {"count() by customer over 7d delay 1d step 1h", "1:38: expected an operator or the end"},
        {"count() by customer over 7d step 0s", "1:34: expected step of 1s to 3660d, found 0s"},
        {"count() by customer over 7d step 2d",
         "1:34: expected a step of which over and delay are multiples, found 2d"},
        {"count() by customer over 8d step 2d delay 1d", "1:34: expected a step of which over"},
        {"count() by customer over 4097m step 1m",
         "1:37: expected at most 4096 steps in a window, found 4097: make the step longer"},
        {"distinct(n) by customer over 7d step 1d", "1:38: expected no step in distinct(...)"},
        {"mode(n) by customer", "1:1: expected over in mode(...), as over 30d: without it"},
        {"rank(n) by customer", "1:1: expected over in rank(...)"},
        {"mean(label) by customer over 7d step 1d", "1:38: expected no step in mean(label)"},
        {"approx_distinct(n) by customer over 7d",
         "1:37: expected no over in approx_distinct(...): a sketch cannot give back what leaves a window; leave over out, or use distinct(...), which is exact"},
    };

    (void)state;
    expect_refusals(refusals, sizeof refusals / sizeof *refusals);
}

static void errors_of_literals_of_aggregates(void **state)
{
    static const struct refusal refusals[] = {
        {"quantile(n) by customer over 1d",
         "1:10: expected a number such as 0.95 after the operand of quantile(...)"},
        {"quantile(n, 1.5) by customer over 1d", "1:13: expected a literal of 0 to 1 with at most"},
        {"quantile(n, 2) by customer over 1d", "1:13: expected a literal of 0 to 1"},
        {"quantile(n, -0.5) by customer over 1d", "1:13: expected a literal of 0 to 1"},
        {"quantile(n, 0.1234567) by customer over 1d", "1:13: expected a literal of 0 to 1"},
        {"quantile(n, r) by customer over 1d", "1:13: expected a literal of 0 to 1"},
        {"quantile(n, 0.5, 1) by customer over 1d",
         "1:18: expected one operand of quantile and its literal, found 3"},
        {"decayed_count() by customer",
         "1:1: expected a half-life such as 7d in decayed_count(...), found nothing"},
        {"decayed_count(n) by customer", "1:15: expected a half-life of 1s to 3660d"},
        {"decayed_count(0s) by customer", "1:15: expected a half-life of 1s to 3660d"},
        {"decayed_sum(n, 3661d) by customer", "1:16: expected a half-life of 1s to 3660d"},
        {"decayed_sum(name, 1d) by customer", "1:13: expected a number or a duration"},
        {"share(name) by customer", "1:1: expected share(x, value), found 1 arguments"},
        {"share(name, name) by customer", "1:13: expected a literal, as in share(type, 'cash')"},
        {"share(name, lower('a')) by customer", "1:13: expected a literal"},
        {"share(n, 'a') by customer", "1:1: expected types that fit on both sides of ="},
        {"share(r, 1) by customer",
         "1:1: expected types that fit on both sides of =, found real, int: equality of reals"},
    };

    (void)state;
    expect_refusals(refusals, sizeof refusals / sizeof *refusals);
}

struct canonical {
    const char *source;
    const char *printed;
};

static void print_of(const struct program *p, int node, struct buffer *out)
{
    buffer_clear(out);
    program_print(p, node, out);
}

/* The canonical text, and that it is its own. */
static void check_canonical(struct program *p, const struct canonical *c)
{
    struct error e = {0};
    struct buffer once, twice;
    int first, second;

    buffer_init(&once, 1 << 16);
    buffer_init(&twice, 1 << 16);
    if (!program_add_feature(p, text_of(c->source), text_of(c->source), &first, &e))
        print_message("# %s: %s\n", c->source, e.text);
    assert_int_equal(e.kind, ERROR_NONE);
    print_of(p, first, &once);
    if (strcmp(buffer_text(&once), c->printed) != 0)
        print_message("# %s: expected %s, got %s\n", c->source, c->printed, buffer_text(&once));
    assert_string_equal(buffer_text(&once), c->printed);
    if (!text_is(text_of(c->source), c->printed)) {
        assert_true(program_add_feature(p, text_of(c->printed), text_of(c->printed), &second, &e) ||
                    strstr(e.text, "twice") != NULL);
    }
    buffer_fini(&once);
    buffer_fini(&twice);
}

static void the_printer_has_one_form(void **state)
{
    static const struct canonical canonicals[] = {
        {"((1))+2", "1 + 2"},
        {"1 - (2 - 3)", "1 - (2 - 3)"},
        {"(1 - 2) - 3 ", "1 - 2 - 3"},
        {"(1+2)*3", "(1 + 2) * 3"},
        {"-(n)", "-n"},
        {"-(n * 2)", "-(n * 2)"},
        {"-(-n)", "-(-n)"},
        {"- 5", "-5"},
        {"-(-(5))", "5"},
        {"2 - -5", "2 - -5"},
        {"5.0", "5.0"},
        {"5.50", "5.5"},
        {"1e3", "1000e0"},
        {"0.1234567", "0.1234567e0"},
        {"0.5e-300", "5e-301"},
        {"60m", "1h"},
        {"\"it's\"", "'it''s'"},
        {"n in (3, 1, 2, 1)", "n in (1, 2, 3)"},
        {"(name) in list ( blocked )", "name in list(blocked)"},
        {"not name in list(blocked)", "name not in list(blocked)"},
        {"name not in list(`null`)", "name not in list(`null`)"},
        {"n in list(amounts)", "n in list(amounts)"}, /* as a decimal */
        {"not n in (1)", "n not in (1)"},
        {"n is not null and not (flag or flag)", "n is not null and not (flag or flag)"},
        {"not (not flag)", "not (not flag)"},
        {"(n < 1) = true", "(n < 1) = true"},
        {"`n` + 1", "n + 1"},
        {"`merchant id`", "`merchant id`"},
        {"customers.balance", "customers.balance"},
        {"time", "at"},
        {"hour(at, 'Z')", "hour(at)"},
        {"hour( at , '-03:30')", "hour(at, '-03:30')"},
        {"round(r, 0)", "round(r)"},
        {"round(r, 2)", "round(r, 2)"},
        {"if(flag, null, n)", "if(flag, null, n)"},
        {"r > 5", "r > 5"},
        {"mean(amount) by customer over 168h", "mean(amount) by `customer_id` over 1w"},
        {"count() by merchant", "count() by (lower(`merchant id`))"},
        {"count() by (customer, merchant) over 1d delay 0s prior",
         "count() by (`customer_id`, lower(`merchant id`)) over 1d prior"},
        {"prev(n) by customer prior", "prev(n) by `customer_id`"},
        {"sum(n) by customer over 48h step 60m delay 2h prior",
         "sum(n) by `customer_id` over 2d step 1h delay 2h prior"},
        {"quantile(n, 0.950) by customer over 7d", "quantile(n, 0.95) by `customer_id` over 1w"},
        {"quantile(r, 1) by customer over 7d", "quantile(r, 1) by `customer_id` over 1w"},
        {"rank(amount) by customer over 1d prior", "rank(amount) by `customer_id` over 1d"},
        {"decayed_count( 24h ) by customer", "decayed_count(1d) by `customer_id`"},
        {"approx_distinct( n ) by customer delay 24h prior",
         "approx_distinct(n) by `customer_id` delay 1d prior"},
        {"decayed_sum(n + 1, 90s) by customer", "decayed_sum(n + 1, 90s) by `customer_id`"},
        {"zscore(n) by customer over 1d",
         "(n - mean(n) by `customer_id` over 1d prior) / std(n) by `customer_id` over 1d prior"},
        {"ratio(wait) by customer", "seconds(wait) / mean(wait) by `customer_id` prior"},
        {"share(name, 'x') by customer over 1d where (flag)",
         "count() by `customer_id` over 1d where (flag and name = 'x') / "
         "count(name) by `customer_id` over 1d where (flag)"},
        {"share(n, -2) by customer prior",
         "count() by `customer_id` prior where (n = -2) / count(n) by `customer_id` prior"},
        {"is_new(id) by customer over 7d where ( flag )",
         "is_new(id) by `customer_id` over 1w where (flag)"},
        {"amount / mean(amount) by customer over 30d prior",
         "amount / mean(amount) by `customer_id` over 30d prior"},
        {"coalesce(mean(label) by merchant over 28d delay 7d, 0)",
         "coalesce(mean(label) by (lower(`merchant id`)) over 4w delay 1w, 0)"},
        {"# why\n n + # and\n 1", "n + 1"},
    };
    struct fixture x;
    struct program *p;

    (void)state;
    fixture_init(&x);
    for (size_t i = 0; i < sizeof canonicals / sizeof *canonicals; i++) {
        p = fixture_program(&x);
        check_canonical(p, &canonicals[i]);
        program_free(p);
    }
    fixture_fini(&x);
}

/* Random expressions, most of which have types that fit. */
struct generator {
    struct random random;
    char *out;
    size_t size;
    int in_aggregate;
};

static void put(struct generator *g, const char *text)
{
    size_t used = strlen(g->out);

    snprintf(g->out + used, g->size - used, "%s", text);
}

static const char *pick(struct generator *g, const char *const *words, unsigned count)
{
    return words[random_below(&g->random, count)];
}

#define PICK(g, ...)                                                                               \
    pick(g, (const char *const[]){__VA_ARGS__},                                                    \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void put_number(struct generator *g, int depth);

static void put_bool(struct generator *g, int depth)
{
    if (depth <= 0) {
        put(g, PICK(g, "flag", "true", "false", "(n > 3)", "(n in (1, 2))", "(name is null)"));
        return;
    }
    switch (random_below(&g->random, 6)) {
    case 0:
        put(g, "(");
        put_bool(g, depth - 1);
        put(g, PICK(g, " and ", " or ", " = ", " != "));
        put_bool(g, depth - 1);
        put(g, ")");
        break;
    case 1:
        put(g, "(not ");
        put_bool(g, 0);
        put(g, ")");
        break;
    case 2:
        put_bool(g, 0);
        put(g, PICK(g, " and ", " or "));
        put_bool(g, 0);
        break;
    case 3:
        put(g, "(");
        put_number(g, depth - 1);
        put(g, PICK(g, " < ", " <= ", " > ", " >= "));
        put_number(g, depth - 1);
        put(g, ")");
        break;
    case 4:
        put(g, "((");
        put_number(g, depth - 1);
        put(g, PICK(g, ") is null)", ") is not null)"));
        break;
    default:
        put(g, PICK(g, "(name in ('b', 'a''', \"\"))", "(wait not in (1h, 60m, -5s))",
                    "(amount in (1, -2.5))", "flag"));
    }
}

static void put_aggregate(struct generator *g, int depth)
{
    static const struct {
        const char *name, *literal, *over[3];
    } forms[] = {
        {"mean(", "", {"", " over 36h", " over 7d"}},
        {"sum(", "", {"", " over 36h", " over 4w step 1d"}},
        {"min(", "", {" over 1w", " over 7d", " over 12w step 168h"}},
        {"max(", "", {"", " over 1w", " over 7d"}},
        {"std(", "", {"", " over 36h", " over 4w step 1d"}},
        {"count(", "", {"", " over 36h", " over 4w step 24h"}},
        {"prev(", "", {"", " over 36h", " over 7d"}},
        {"last(", "", {"", " over 36h", " over 7d"}},
        {"zscore(", "", {"", " over 36h", " over 7d"}},
        {"ratio(", "", {"", " over 36h", " over 4w step 1d"}},
        {"rank(", "", {" over 36h", " over 7d", " over 1w"}},
        {"quantile(", ", 0.50", {" over 36h", " over 7d", " over 1w"}},
        {"decayed_sum(", ", 168h", {"", " over 36h", " over 7d"}},
    };
    uint32_t form = random_below(&g->random, sizeof forms / sizeof *forms);

    g->in_aggregate++;
    put(g, forms[form].name);
    put_number(g, depth - 1);
    put(g, forms[form].literal);
    put(g, PICK(g, ") by customer", ") by merchant", ") by (customer, `merchant id`)", ") by n"));
    put(g, forms[form].over[random_below(&g->random, 3)]);
    put(g, PICK(g, "", " delay 7d"));
    put(g, PICK(g, "", " prior"));
    if (random_below(&g->random, 2)) {
        put(g, " where (");
        put_bool(g, depth - 1);
        put(g, ")");
    }
    g->in_aggregate--;
}

static void put_number(struct generator *g, int depth)
{
    if (depth <= 0) {
        put(g, PICK(g, "n", "amount", "r", "1", "2.50", "-3", "1e-9", "0.12345678", "(-7)",
                    "customers.balance", "hour(time, '+07:00')"));
        return;
    }
    switch (random_below(&g->random, 6)) {
    case 0:
    case 1:
        put_number(g, depth - 1);
        put(g, PICK(g, " + ", " - ", " * ", " / "));
        put_number(g, depth - 1);
        break;
    case 2:
        put(g, "-(");
        put_number(g, depth - 1);
        put(g, ")");
        break;
    case 3:
        put(g, PICK(g, "if(", "if( not "));
        put_bool(g, 0);
        put(g, PICK(g, ", null, ", ", n, ", ", 2.5, "));
        put_number(g, depth - 1);
        put(g, ")");
        break;
    case 4:
        put(g, PICK(g, "round(", "abs(", "floor(", "sqrt(", "log1p("));
        put_number(g, depth - 1);
        put(g, ")");
        break;
    default:
        if (g->in_aggregate)
            put(g, "coalesce(null, n, amount)");
        else
            put_aggregate(g, depth);
    }
}

/* print(parse(print(x))) = print(x), and both are the same node. */
static void print_of_parse_is_stable(void **state)
{
    static char source[LANG_TEXT_MAX];
    struct generator g = {.out = source, .size = sizeof source};
    struct fixture x;
    struct buffer printed;
    unsigned parsed = 0;

    (void)state;
    random_init(&g.random, 4);
    fixture_init(&x);
    buffer_init(&printed, 1 << 16);
    for (int i = 0; i < 3000; i++) {
        struct program *p = fixture_program(&x);
        struct error e;
        int first, second;

        source[0] = 0;
        if (i & 1)
            put_number(&g, 4);
        else
            put_bool(&g, 4);
        if (program_add_feature(p, text_of("a"), text_of(source), &first, &e)) {
            parsed++;
            print_of(p, first, &printed);
            if (!program_add_feature(p, text_of("b"), text_of(buffer_text(&printed)), &second,
                                     &e)) {
                print_message("# %s\n# %s\n# %s\n", source, buffer_text(&printed), e.text);
                fail();
            }
            if (first != second)
                print_message("# %s\n# %s\n", source, buffer_text(&printed));
            assert_int_equal(first, second);
        } else {
            print_message("# %s\n# %s\n", source, e.text);
        }
        program_free(p);
    }
    print_message("# %u of 3000 had types that fit\n", parsed);
    assert_int_equal(parsed, 3000);
    buffer_fini(&printed);
    fixture_fini(&x);
}

/* `before` n times, `middle`, `after` n times. */
static char *repeat(const char *before, const char *middle, const char *after, int n)
{
    char *out = calloc((size_t)n * (strlen(before) + strlen(after)) + strlen(middle) + 1, 1);

    for (int i = 0; i < n; i++)
        strcat(out, before);
    strcat(out, middle);
    for (int i = 0; i < n; i++)
        strcat(out, after);
    return out;
}

static void expect_limit(const struct fixture *x, char *fits, char *past, const char *expected)
{
    char got[ERROR_TEXT_MAX];

    evaluate(x, fits, 0, got, sizeof got);
    assert_int_not_equal(strncmp(got, "f: ", 3), 0);
    evaluate(x, past, 0, got, sizeof got);
    if (strstr(got, expected) == NULL)
        print_message("# expected %s, got %s\n", expected, got);
    assert_non_null(strstr(got, expected));
    free(fits);
    free(past);
}

static void limits_hold(void **state)
{
    struct fixture x;

    (void)state;
    fixture_init(&x);
    expect_limit(&x, repeat("", "1", " ", LANG_TEXT_MAX - 1), repeat("", "1", " ", LANG_TEXT_MAX),
                 "expected at most 4096 bytes, found 4097");
    expect_limit(&x, repeat("(", "1", ")", LANG_DEPTH_MAX - 1),
                 repeat("(", "1", ")", LANG_DEPTH_MAX), "1:65: expected nesting of at most 64");
    expect_limit(&x, repeat("", "-1", "+1", (LANG_NODES_MAX - 2) / 2),
                 repeat("", "1", "+1", LANG_NODES_MAX / 2), "expected at most 1000 nodes");
    fixture_fini(&x);
}

static char *wrap(char *inner, const char *before, const char *after)
{
    char *out = repeat("", "", "", 0);

    out = realloc(out, strlen(inner) + strlen(before) + strlen(after) + 1);
    strcpy(out, before);
    strcat(out, inner);
    strcat(out, after);
    free(inner);
    return out;
}

static void lists_have_limits(void **state)
{
    struct fixture x;

    (void)state;
    fixture_init(&x);
    expect_limit(&x, wrap(repeat(",1", "", "", 499), "n in (1", ")"),
                 wrap(repeat(",1", "", "", 500), "n in (1", ")"),
                 "expected at most 500 members of a set, found 501");
    expect_limit(&x, wrap(repeat(",1", "", "", 15), "least(1", ")"),
                 wrap(repeat(",1", "", "", 16), "least(1", ")"),
                 "expected at most 16 arguments of least, found 17");
    fixture_fini(&x);
}

/* Features that double each other: the written-out text is cut, not computed for ever. */
static void doubling_features_stay_bounded(void **state)
{
    struct fixture x;
    struct program *p;
    struct buffer out;
    struct error e;
    int node;

    (void)state;
    fixture_init(&x);
    p = fixture_program(&x);
    assert_true(program_add_feature(p, text_of("f0"), text_of("n + 1"), &node, &e));
    for (int i = 1; i < 1000; i++) {
        char name[16], source[64];

        snprintf(name, sizeof name, "f%d", i);
        snprintf(source, sizeof source, "f%d + f%d", i - 1, i - 1);
        assert_true(program_add_feature(p, text_of(name), text_of(source), &node, &e));
    }
    buffer_init(&out, 10000);
    program_print(p, node, &out);
    assert_true(out.overflow);
    assert_false(program_add_feature(p, text_of("g"), text_of("sum(f999) by customer"), &node, &e));
    assert_string_equal(e.text, "g: 1:1: expected an aggregate of at most 65536 bytes with all "
                                "features written out");
    buffer_fini(&out);
    program_free(p);
    fixture_fini(&x);
}

static void height_has_a_limit(void **state)
{
    char *sum = repeat("", "", "+1", 400), name[16], *source;
    struct fixture x;
    struct program *p;
    struct error e;
    int node, i = 1;

    (void)state;
    fixture_init(&x);
    p = fixture_program(&x);
    assert_true(program_add_feature(p, text_of("f0"), text_of("n"), &node, &e));
    for (;; i++) {
        bool ok;

        source = calloc(strlen(sum) + 16, 1);
        sprintf(source, "f%d%s", i - 1, sum);
        snprintf(name, sizeof name, "f%d", i);
        ok = program_add_feature(p, text_of(name), text_of(source), &node, &e);
        free(source);
        if (!ok)
            break;
    }
    assert_int_equal(i, 6); /* 5 * 400 + 1 fits below 2048 */
    assert_non_null(strstr(e.text, "expected nesting of at most 2048"));
    free(sum);
    program_free(p);
    fixture_fini(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_of_syntax),
        cmocka_unit_test(errors_of_names),
        cmocka_unit_test(errors_of_types),
        cmocka_unit_test(errors_of_sets_and_lists),
        cmocka_unit_test(errors_of_operands),
        cmocka_unit_test(errors_of_keys),
        cmocka_unit_test(errors_of_windows),
        cmocka_unit_test(errors_of_literals_of_aggregates),
        cmocka_unit_test(the_printer_has_one_form),
        cmocka_unit_test(print_of_parse_is_stable),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(lists_have_limits),
        cmocka_unit_test(doubling_features_stay_bounded),
        cmocka_unit_test(height_has_a_limit),
    };

    return RUN(tests);
}
