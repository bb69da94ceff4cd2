/* Types, names, aggregates, levels, sharing and fingerprints. */
#include "tests/unit/test.h"

#include <stdlib.h>

#include "tests/unit/lang_fixture.h"

static int add(struct program *p, const char *name, const char *source)
{
    struct error e;
    int node = -1;

    if (!program_add_feature(p, text_of(name), text_of(source), &node, &e))
        print_message("# %s\n", e.text);
    return node;
}

static void refuse(struct program *p, const char *name, const char *source, const char *expected)
{
    struct error e;
    int node = -1;

    assert_false(program_add_feature(p, text_of(name), text_of(source), &node, &e));
    assert_int_equal(node, -1);
    assert_string_equal(e.text, expected);
}

static void types_follow_the_rules(void **state)
{
    static const struct {
        const char *source;
        enum type type;
    } rows[] = {
        {"n + n", TYPE_INT},
        {"n + amount", TYPE_DECIMAL},
        {"amount * amount", TYPE_DECIMAL},
        {"amount * r", TYPE_REAL},
        {"n / n", TYPE_REAL},
        {"amount / amount", TYPE_REAL},
        {"at - at", TYPE_DURATION},
        {"at + 1h", TYPE_TIME},
        {"wait / wait", TYPE_REAL},
        {"wait / n", TYPE_DURATION},
        {"wait * amount", TYPE_DURATION},
        {"amount % 2", TYPE_DECIMAL},
        {"n < r", TYPE_BOOL},
        {"if(flag, 1, 2.5)", TYPE_DECIMAL},
        {"if(flag, n, r)", TYPE_REAL},
        {"if(flag, null, name)", TYPE_TEXT},
        {"coalesce(null, at)", TYPE_TIME},
        {"least(1, 2.5)", TYPE_DECIMAL},
        {"round(n)", TYPE_INT},
        {"round(amount, 1)", TYPE_DECIMAL},
        {"hour(at)", TYPE_INT},
        {"count() by customer", TYPE_INT},
        {"count(name) by customer", TYPE_INT},
        {"distinct(name) by customer", TYPE_INT},
        {"sum(n) by customer", TYPE_INT},
        {"sum(amount) by customer", TYPE_DECIMAL},
        {"sum(r) by customer", TYPE_REAL},
        {"sum(wait) by customer", TYPE_DURATION},
        {"mean(n) by customer", TYPE_REAL},
        {"mean(wait) by customer", TYPE_REAL},
        {"std(amount) by customer", TYPE_REAL},
        {"min(at) by customer", TYPE_TIME},
        {"max(amount) by customer", TYPE_DECIMAL},
        {"prev(name) by customer", TYPE_TEXT},
        {"last(flag) by customer", TYPE_BOOL},
        {"is_new(id) by customer", TYPE_BOOL},
        {"mean(label) by customer", TYPE_REAL},
        {"sum(label) by customer", TYPE_INT},
        {"count(label) by customer", TYPE_INT},
    };
    struct fixture x;
    struct program *p;

    (void)state;
    fixture_init(&x);
    p = fixture_program(&x);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int node = add(p, rows[i].source, rows[i].source);

        assert_true(node >= 0);
        if (program_type(p, node) != rows[i].type)
            print_message("# %s: %s\n", rows[i].source, type_name(program_type(p, node)));
        assert_int_equal(program_type(p, node), rows[i].type);
    }
    program_free(p);
    fixture_fini(&x);
}

static void an_aggregate_says_everything(void **state)
{
    struct fixture x;
    struct program *p;
    const struct aggregate *a;
    int node;

    (void)state;
    fixture_init(&x);
    p = fixture_program(&x);
    node = add(p, "f", "mean(amount) by (customer, merchant) over 7d delay 1d prior where (n > 1)");
    assert_int_equal(program_aggregate_count(p), 1);
    a = program_aggregate(p, 0);
    assert_int_equal(a->kind, AGG_MEAN);
    assert_false(a->of_label);
    assert_int_equal(a->operand, add(p, "o", "amount"));
    assert_int_equal(a->operand_type, TYPE_DECIMAL);
    assert_int_equal(a->key_count, 2);
    assert_int_equal(a->keys[0], add(p, "k", "customer_id"));
    assert_int_equal(a->keys[1], add(p, "l", "lower(`merchant id`)"));
    assert_string_equal(a->key_name, "customer+merchant");
    assert_int_equal(a->where, add(p, "w", "n > 1"));
    assert_int_equal(a->over_us, 7 * US_PER_DAY);
    assert_int_equal(a->delay_us, US_PER_DAY);
    assert_true(a->prior);
    assert_int_equal(a->type, TYPE_REAL);
    assert_int_equal(a->node, node);
    assert_int_equal(a->level, 0);
    assert_string_equal(a->canonical, "mean(amount) by (`customer_id`, lower(`merchant id`)) over "
                                      "1w delay 1d prior where (n > 1)");
    add(p, "g", "count() by id");
    a = program_aggregate(p, 1);
    assert_int_equal(a->operand, -1);
    assert_int_equal(a->where, -1);
    assert_int_equal(a->over_us, 0);
    assert_false(a->prior);
    assert_string_equal(a->key_name, "id");
    add(p, "h", "mean(label) by merchant over 28d delay 7d");
    a = program_aggregate(p, 2);
    assert_true(a->of_label);
    assert_int_equal(a->operand, -1);
    add(p, "i", "prev(n) by customer");
    assert_true(program_aggregate(p, 3)->prior);
    add(p, "j", "is_new(n) by customer");
    assert_true(program_aggregate(p, 4)->prior);
    program_free(p);
    fixture_fini(&x);
}

static void equal_parts_are_one_node(void **state)
{
    struct fixture x;
    struct program *p;

    (void)state;
    fixture_init(&x);
    p = fixture_program(&x);
    assert_int_equal(add(p, "a", "n + 1"), add(p, "b", "(n)+1"));
    assert_int_equal(add(p, "c", "n in (1, 2)"), add(p, "d", "n in (2, 1, 1)"));
    assert_int_not_equal(add(p, "e", "n + 1"), add(p, "f", "n + 1.0"));
    assert_int_equal(add(p, "g", "sum(n) by customer over 7d"),
                     add(p, "h", "sum(n) by customer_id over 1w"));
    assert_int_equal(program_aggregate_count(p), 1);
    assert_int_not_equal(add(p, "i", "sum(n) by customer over 7d"),
                         add(p, "j", "sum(n) by customer over 7d prior"));
    assert_int_equal(program_aggregate_count(p), 2);
    assert_int_equal(add(p, "k", "time"), add(p, "l", "at"));
    assert_int_equal(add(p, "m", "a * 2"), add(p, "o", "(n + 1) * 2"));
    program_free(p);
    fixture_fini(&x);
}

static void levels_rise_through_aggregates(void **state)
{
    struct fixture x;
    struct program *p;
    struct registers r;
    int f, g, h;

    (void)state;
    fixture_init(&x);
    p = fixture_program(&x);
    f = add(p, "f", "n * 2");
    g = add(p, "g", "sum(f) by customer over 7d prior");
    h = add(p, "h", "n - coalesce(g, 0)");
    add(p, "i", "max(h) by merchant where (g > 3)");
    program_finish(p);
    assert_int_equal(program_levels(p), 3);
    assert_int_equal(program_aggregate(p, 0)->level, 0);
    assert_int_equal(program_aggregate(p, 1)->level, 1);
    registers_init(&r, p, FIXTURE_ROWS);
    registers_begin(&r, &x.frame, 0, 1);
    program_run(p, &r, 0);
    assert_int_equal(r.column[f].integer[0], 14);
    r.column[g].integer[0] = 5; /* as velocity would */
    r.column[g].null[0] = 0;
    program_run(p, &r, 1);
    assert_int_equal(r.column[h].integer[0], 2);
    assert_int_equal(r.column[program_aggregate(p, 1)->where].integer[0], 1);
    program_run(p, &r, 2);
    registers_fini(&r);
    program_free(p);
    fixture_fini(&x);
}

static void a_failure_adds_nothing(void **state)
{
    struct fixture x;
    struct program *p, *q;

    (void)state;
    fixture_init(&x);
    p = fixture_program(&x);
    q = fixture_program(&x);
    add(p, "f", "n + 1");
    add(q, "f", "n + 1");
    refuse(p, "g", "concat(name, 'abc') = 'x' and n in (1, 2) and sum(n) by customer > nn",
           "g: 1:68: expected a field or a feature, found \"nn\"; did you mean n?");
    assert_int_equal(program_aggregate_count(p), 0);
    assert_int_equal(add(p, "h", "sum(n) by customer over 3d"),
                     add(q, "h", "sum(n) by customer over 3d"));
    program_free(p);
    program_free(q);
    fixture_fini(&x);
}

static void a_name_means_one_thing(void **state)
{
    struct fixture x;
    struct program *p;
    struct error e;

    (void)state;
    fixture_init(&x);
    p = fixture_program(&x);
    assert_true(add(p, "amount", "amount") >= 0);
    assert_true(add(p, "twice", "amount * 2") >= 0);
    refuse(p, "twice", "amount * 2", "twice: this feature appears twice: rename one");
    refuse(p, "n", "n + 1",
           "n: expected a new name, found that of a field with another value: a name means one "
           "thing, rename the feature");
    refuse(p, "time", "n",
           "time: expected a new name, found that of a field with another value: a name means one "
           "thing, rename the feature");
    refuse(p, "is_fraud", "n",
           "is_fraud: expected a new name, found that of the label: a name means one thing, rename "
           "the feature");
    refuse(p, "", "n", "(no name): expected a name of 1 to 256 bytes of UTF-8");
    assert_true(add(p, "odd name", "n") >= 0);
    assert_true(add(p, "o", "`odd name` + 1") >= 0);
    assert_false(program_add_entity(p, text_of("customer"), text_of("id"), &e));
    assert_string_equal(e.text, "customer: this entity appears twice: rename one");
    assert_false(program_add_entity(p, text_of("k"), text_of("twice"), &e));
    assert_non_null(strstr(e.text, "k: 1:1: expected a field, found \"twice\""));
    assert_false(program_add_entity(p, text_of("k"), text_of("r"), &e));
    assert_false(program_add_entity(p, text_of("k"), text_of("is_fraud"), &e));
    assert_false(program_add_entity(p, text_of("k"), text_of("count() by id"), &e));
    assert_true(program_add_entity(p, text_of("place"), text_of("merchant id"), &e));
    program_free(p);
    fixture_fini(&x);
}

static void time_and_label_words(void **state)
{
    struct fixture x;
    struct program *p;

    (void)state;
    fixture_init(&x);
    x.schema->label = FIELD_NONE;
    x.schema->time = FIELD_NONE;
    p = fixture_program(&x);
    assert_true(add(p, "f", "is_fraud") >= 0); /* without a label it is a field like others */
    refuse(p, "g", "hour(time)",
           "g: 1:6: expected a field or a feature, found \"time\"; did you mean name?");
    refuse(p, "g", "mean(label) by customer",
           "g: 1:6: expected a field or a feature, found \"label\"");
    program_free(p);
    fixture_fini(&x);
}

static void conditions_are_bool(void **state)
{
    struct fixture x;
    struct program *p;
    struct error e;
    int node = -1;

    (void)state;
    fixture_init(&x);
    p = fixture_program(&x);
    assert_false(program_add_condition(p, text_of("RULE"), text_of("n + 1"), &node, &e));
    assert_string_equal(e.text, "RULE: 1:1: expected a bool, found int");
    assert_int_equal(node, -1);
    assert_true(program_add_condition(p, text_of("RULE"), text_of("n > 1"), &node, &e));
    assert_true(program_add_condition(p, text_of("RULE"), text_of("n > 1"), &node, &e));
    assert_int_equal(program_type(p, node), TYPE_BOOL);
    program_free(p);
    fixture_fini(&x);
}

static void fingerprints_are_of_the_meaning(void **state)
{
    struct fixture x, y;
    struct program *p, *q;
    struct error e;

    (void)state;
    fixture_init(&x);
    fixture_init(&y);
    y.schema->fields[3].type = TYPE_REAL; /* n */
    p = fixture_program(&x);
    q = program_new(y.schema);
    assert_true(program_add_entity(q, text_of("customer"), text_of("lower(customer_id)"), &e));
    add(q, "first", "amount * 3");
    assert_true(program_fingerprint(p, add(p, "a", "amount + 1")) ==
                program_fingerprint(q, add(q, "b", "(amount + 1)")));
    assert_true(program_fingerprint(p, add(p, "c", "n + 1")) !=
                program_fingerprint(q, add(q, "c", "n + 1")));
    assert_true(program_fingerprint(p, add(p, "d", "count() by customer")) !=
                program_fingerprint(q, add(q, "d", "count() by customer")));
    assert_true(program_fingerprint(p, add(p, "e", "count() by id over 1d")) ==
                program_fingerprint(q, add(q, "e", "count() by id over 24h")));
    assert_true(program_fingerprint(p, add(p, "g", "n in (1, 2)")) !=
                program_fingerprint(p, add(p, "h", "n in (1, 3)")));
    assert_true(program_fingerprint(p, add(p, "i", "hour(at, '+01:00')")) !=
                program_fingerprint(p, add(p, "j", "hour(at)")));
    program_free(q);
    program_free(p);
    fixture_fini(&y);
    fixture_fini(&x);
}

/* Another zone, and the same zone with other rules; another pattern. */
static struct zone *other_rules(void *context, struct text name, struct error *e)
{
    (void)context;
    return zone_parse_text(name, text_of("25200 5/28800"), e);
}

static uint64_t print_of(struct program *p, const char *source)
{
    static int number;
    char name[32];

    snprintf(name, sizeof name, "f%d", number++);
    return program_fingerprint(p, add(p, name, source));
}

static void fingerprints_are_of_zones_and_patterns(void **state)
{
    const char *here = "hour(at, 'Asia/Jakarta')", *many = "count() by (date(at, 'Asia/Jakarta'))";
    const struct zone_source others = {.find = other_rules};
    struct fixture x;
    struct program *p, *q;
    const struct aggregate *a, *b;

    (void)state;
    fixture_init(&x);
    p = fixture_program(&x);
    q = fixture_program(&x);
    program_lend_zones(q, &others);
    assert_true(print_of(p, here) == print_of(p, here));
    assert_true(print_of(p, here) != print_of(p, "hour(at, '+07:00')"));
    assert_true(print_of(p, here) != print_of(p, "hour(at, 'America/Sao_Paulo')"));
    assert_true(print_of(p, here) != print_of(q, here));
    assert_true(print_of(p, "matches(name, 'a')") == print_of(q, "matches(name, 'a')"));
    assert_true(print_of(p, "matches(name, 'a')") != print_of(p, "matches(name, 'b')"));
    assert_true(print_of(p, many) != print_of(q, many));
    a = program_aggregate(p, 0);
    b = program_aggregate(q, 0);
    assert_int_equal(strncmp(a->canonical, many, strlen(many)), 0);
    assert_non_null(strstr(a->canonical, " # zones "));
    assert_string_not_equal(a->canonical, b->canonical); /* other state */
    add(p, "plain", "count() by customer where (hour(at, '+07:00') > 1)");
    assert_null(strstr(program_aggregate(p, 1)->canonical, "#"));
    assert_int_equal(program_zone_count(p), 2);
    assert_string_equal(program_zone(p, 0)->name, "Asia/Jakarta");
    program_free(q);
    program_free(p);
    fixture_fini(&x);
}

static void check_printed(const struct program *p, int node, const char *expected)
{
    struct buffer out;

    buffer_init(&out, LANG_TEXT_MAX);
    program_print(p, node, &out);
    assert_string_equal(buffer_text(&out), expected);
    buffer_fini(&out);
}

static void a_program_may_have_a_zone_for_all(void **state)
{
    struct fixture x;
    struct program *p;
    struct error e;

    (void)state;
    fixture_init(&x);
    p = program_new(x.schema);
    assert_false(program_set_time_zone(p, text_of("Asia/Jakarta"), &e)); /* nobody lends it */
    assert_true(program_set_time_zone(p, text_of("+07:00"), &e));
    check_printed(p, add(p, "f", "hour(at)"), "hour(at, '+07:00')");
    check_printed(p, add(p, "g", "hour(at, 'UTC')"), "hour(at, 'UTC')");
    program_free(p);
    p = program_new(x.schema);
    program_lend_zones(p, &(struct zone_source){.find = fixture_zone});
    assert_true(program_set_time_zone(p, text_of("Asia/Jakarta"), &e));
    assert_int_equal(program_zone_count(p), 1);
    check_printed(p, add(p, "f", "date(at)"), "date(at, 'Asia/Jakarta')");
    check_printed(p, add(p, "g", "date(at, 'Asia/Jakarta')"), "date(at, 'Asia/Jakarta')");
    check_printed(p, add(p, "h", "second(at)"), "second(at)");
    program_free(p);
    fixture_fini(&x);
}

static void zones_have_a_limit(void **state)
{
    const struct zone_source others = {.find = other_rules};
    struct fixture x;
    struct program *p;
    struct error e;
    char name[16], source[64];
    int node;

    (void)state;
    fixture_init(&x);
    p = fixture_program(&x);
    program_lend_zones(p, &others);
    for (int i = 0; i <= LANG_ZONES_MAX; i++) {
        snprintf(name, sizeof name, "z%d", i);
        snprintf(source, sizeof source, "hour(at, 'Zone/%d')", i);
        assert_int_equal(program_add_feature(p, text_of(name), text_of(source), &node, &e),
                         i < LANG_ZONES_MAX);
    }
    assert_string_equal(e.text, "z64: 1:10: expected at most 64 named time zones");
    program_free(p);
    fixture_fini(&x);
}

static void collect(void *context, int field)
{
    char *out = context;

    sprintf(out + strlen(out), "%d ", field);
}

static void fields_are_found_through_everything(void **state)
{
    char seen[64] = "";
    struct fixture x;
    struct program *p;

    (void)state;
    fixture_init(&x);
    p = fixture_program(&x);
    add(p, "f", "amount + r");
    program_fields(p, add(p, "g", "sum(f) by merchant where (flag)"), collect, seen);
    assert_non_null(strstr(seen, "4 "));
    assert_non_null(strstr(seen, "5 "));
    assert_non_null(strstr(seen, "9 "));
    assert_non_null(strstr(seen, "2 "));
    assert_int_equal(strlen(seen), 8);
    program_free(p);
    fixture_fini(&x);
}

static void features_have_a_limit(void **state)
{
    struct fixture x;
    struct program *p;
    struct error e;
    char name[16];
    int node;

    (void)state;
    fixture_init(&x);
    p = fixture_program(&x);
    for (int i = 0; i <= LANG_FEATURES_MAX; i++) {
        bool ok;

        snprintf(name, sizeof name, "f%d", i);
        ok = program_add_feature(p, text_of(name), text_of("n"), &node, &e);
        assert_int_equal(ok, i < LANG_FEATURES_MAX);
    }
    assert_string_equal(e.text, "f1024: expected at most 1024 features");
    program_free(p);
    fixture_fini(&x);
}

static void nodes_have_a_limit(void **state)
{
    struct fixture x;
    struct program *p;
    struct error e = {0};
    char source[LANG_TEXT_MAX];
    int node, constant = 0;

    (void)state;
    fixture_init(&x);
    p = fixture_program(&x);
    for (int i = 0; e.kind == ERROR_NONE && i < 1000; i++) {
        size_t used = (size_t)snprintf(source, sizeof source, "n");

        for (int j = 0; j < 300; j++)
            used += (size_t)snprintf(source + used, sizeof source - used, "+%d", constant++);
        snprintf(source + used, sizeof source - used, " > 0");
        (void)!program_add_condition(p, text_of("c"), text_of(source), &node, &e);
    }
    assert_non_null(strstr(e.text, "expected at most 65536 nodes in all features together"));
    program_finish(p);
    program_free(p);
    fixture_fini(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_follow_the_rules),
        cmocka_unit_test(an_aggregate_says_everything),
        cmocka_unit_test(equal_parts_are_one_node),
        cmocka_unit_test(levels_rise_through_aggregates),
        cmocka_unit_test(a_failure_adds_nothing),
        cmocka_unit_test(a_name_means_one_thing),
        cmocka_unit_test(time_and_label_words),
        cmocka_unit_test(conditions_are_bool),
        cmocka_unit_test(fingerprints_are_of_the_meaning),
        cmocka_unit_test(fingerprints_are_of_zones_and_patterns),
        cmocka_unit_test(a_program_may_have_a_zone_for_all),
        cmocka_unit_test(zones_have_a_limit),
        cmocka_unit_test(fields_are_found_through_everything),
        cmocka_unit_test(features_have_a_limit),
        cmocka_unit_test(nodes_have_a_limit),
    };

    return RUN(tests);
}
