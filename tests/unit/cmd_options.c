#include "tests/unit/test.h"

#include "shell/cmd/cmd.h"

static bool run_nothing(struct invocation *v, struct error *e)
{
    return v != NULL && e != NULL;
}

static bool parse(struct invocation *v, struct error *e, int argc, const char *const *argv)
{
    *v = (struct invocation){0};
    return options_parse(v, argc, (char *const *)argv, e);
}

#define PARSE(...)                                                                                 \
    parse(&v, &e, (int)(sizeof((const char *[]){"assay", __VA_ARGS__}) / sizeof(char *)),          \
          (const char *[]){"assay", __VA_ARGS__})

static void options_are_found(void **state)
{
    struct invocation v;
    struct error e = {0};

    (void)state;
    assert_true(PARSE("-c", "x.yaml", "init", "data.csv", "--force", "-oout.yaml", "--set", "a=1",
                      "--set=b=2"));
    assert_ptr_equal(v.command, &command_init);
    assert_string_equal(option_get(&v, "config"), "x.yaml");
    assert_string_equal(option_get(&v, "output"), "out.yaml");
    assert_true(option_has(&v, "force"));
    assert_false(option_has(&v, "json"));
    assert_int_equal(v.argument_count, 1);
    assert_string_equal(v.argument[0], "data.csv");
    assert_string_equal(option_get(&v, "set"), "b=2");

    assert_true(PARSE("init", "--json", "--", "--force"));
    assert_true(v.json);
    assert_string_equal(v.argument[0], "--force");
    assert_true(PARSE("init", "-")); /* standard input is an argument */
    assert_string_equal(v.argument[0], "-");
    assert_true(PARSE("--version"));
    assert_null(v.command);
    assert_true(PARSE("init", "--help")); /* without its FILE */
}

static void slips_are_named(void **state)
{
    struct invocation v;
    struct error e = {0};

    (void)state;
    assert_false(PARSE("chekc"));
    assert_string_equal(e.text, "no such command \"chekc\"; did you mean \"check\"?");
    assert_int_equal(e.kind, ERROR_USAGE);
    assert_false(PARSE("sing-a-song"));
    assert_string_equal(e.text, "no such command \"sing-a-song\"; `assay help` lists them");
    assert_false(PARSE("init", "f", "--forse"));
    assert_string_equal(e.text, "no such option \"--forse\"; did you mean \"--force\"?");
    assert_false(PARSE("check", "--zebra"));
    assert_string_equal(e.text, "no such option \"--zebra\"; `assay help check` lists them");
    assert_false(PARSE("check", "-Z"));
    assert_string_equal(e.text, "no such option \"-Z\"; `assay help check` lists them");
    assert_false(PARSE("check", "--config"));
    assert_string_equal(e.text, "option \"--config\" needs a value: --config FILE");
    assert_false(PARSE("check", "--json=1"));
    assert_string_equal(e.text, "option \"--json\" takes no value, found \"1\"");
    assert_false(PARSE("init"));
    assert_string_equal(e.text, "init: expected FILE; `assay help init` tells more");
    assert_false(PARSE("check", "a"));
    assert_string_equal(e.text,
                        "check: too many arguments, from \"a\" on; `assay help check` tells more");
}

static void whole_numbers_are_held_to_their_range(void **state)
{
    static const struct option options[] = {{"limit", 'n', "N", "how many"}, {0}};
    static const struct command c = {.name = "x", .options = options, .run = run_nothing};
    struct invocation v = {.command = &c, .given = {{options, "12"}}, .given_count = 1};
    struct error e = {0};
    int64_t n = 5;

    (void)state;
    assert_true(option_whole(&v, "limit", 1, 12, &n, &e));
    assert_int_equal(n, 12);
    assert_false(option_whole(&v, "limit", 1, 11, &n, &e));
    assert_string_equal(e.text,
                        "option \"--limit\": expected a whole number from 1 to 11, found \"12\"");
    v.given_count = 0;
    assert_true(option_whole(&v, "limit", 1, 11, &n, &e));
    assert_int_equal(n, 12);
}

static void too_many_are_refused(void **state)
{
    const char *argv[OPTIONS_GIVEN_MAX + 3] = {"assay", "check"};
    struct invocation v;
    struct error e = {0};

    (void)state;
    for (int i = 2; i < OPTIONS_GIVEN_MAX + 3; i++)
        argv[i] = "-q";
    assert_true(parse(&v, &e, OPTIONS_GIVEN_MAX + 2, argv));
    assert_false(parse(&v, &e, OPTIONS_GIVEN_MAX + 3, argv));
    assert_string_equal(e.text, "over 128 options");
}

/* Each row has the words that help needs, and no two options of one command share a name. */
static void the_table_is_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count; i++) {
        const struct command *c = commands[i];
        struct buffer out;

        assert_non_null(c->summary);
        assert_non_null(c->arguments);
        assert_non_null(c->examples);
        assert_non_null(c->run);
        assert_ptr_equal(command_find(text_of(c->name)), c);
        assert_true(c->least <= c->most && c->most <= ARGUMENTS_MAX);
        for (const struct option *o = c->options; o != NULL && o->name != NULL; o++) {
            assert_non_null(o->words);
            for (const struct option *g = global_options; g->name != NULL; g++) {
                assert_string_not_equal(o->name, g->name);
                assert_true(o->letter == 0 || o->letter != g->letter);
            }
        }
        buffer_init(&out, OUTPUT_MAX);
        help_print_command(c, &out);
        assert_non_null(strstr(buffer_text(&out), c->summary));
        buffer_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_found),
        cmocka_unit_test(slips_are_named),
        cmocka_unit_test(whole_numbers_are_held_to_their_range),
        cmocka_unit_test(too_many_are_refused),
        cmocka_unit_test(the_table_is_whole),
    };

    return RUN(tests);
}
