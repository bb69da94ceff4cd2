/* The book of rules: a fold of the control log, and the overlay that it makes over settings. */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shell/rules/overlay.h"
#include "shell/rules/show.h"

static char data[64];
static struct rule_book *book;
static struct control *control;

static void open_all(void)
{
    struct control_fold fold;
    struct error e;

    book = rule_book_new();
    fold = rule_book_fold(book);
    assert_true(control_open(data, &fold, 1, &control, &e));
}

static void close_all(void)
{
    control_close(control);
    rule_book_free(book);
}

static int open_directory(void **state)
{
    (void)state;
    snprintf(data, sizeof data, "/tmp/assay-rules-XXXXXX");
    if (mkdtemp(data) == NULL)
        return 1;
    open_all();
    return 0;
}

static int remove_directory(void **state)
{
    pid_t child;
    int status;

    (void)state;
    close_all();
    child = fork();
    if (child == 0) {
        execlp("rm", "rm", "-rf", data, (char *)NULL);
        _exit(1);
    }
    return waitpid(child, &status, 0) != child || status != 0;
}

static struct control_change by(const char *who)
{
    return (struct control_change){.actor = {text_of("user"), text_of(who), text_of("")},
                                   .note = text_of("why")};
}

static struct rule_text rule(const char *name, const char *when)
{
    return (struct rule_text){text_of(name), text_of(when), text_of("review"), text_of("")};
}

static uint32_t draft(const char *name, const char *when)
{
    struct rule_text t = rule(name, when);
    struct control_change ann = by("ann");
    uint32_t version = 0;
    struct error e;

    assert_true(rule_book_draft(book, control, &t, &ann, &version, &e));
    return version;
}

static enum error_kind step(const char *name, uint32_t version, enum rule_state to)
{
    struct control_change bob = by("bob"), change;
    struct rule_change_room room = {0};
    struct error e;

    rule_step_change(text_of(name), version, to, &bob, &room, &change);
    return control_append(control, &change, NULL, &e) ? ERROR_NONE : e.kind;
}

static struct rule_view view(const char *name, uint32_t version)
{
    struct rule_view v;
    struct error e;

    assert_true(rule_book_view(book, text_of(name), version, &v, &e));
    return v;
}

/* All rules as JSON: what a restart must bring back to the byte. */
static void all(struct buffer *out)
{
    static const struct settings none;

    buffer_init(out, 1 << 20);
    rules_format(&none, book, NULL, NULL, out);
}

static void test_states(void **state)
{
    static const enum rule_state steps[] = {RULE_APPROVED, RULE_LIVE, RULE_SHADOW, RULE_RETIRED};
    static const struct {
        enum rule_state path[3];
        unsigned length;
        bool may[4]; /* then approved, live, shadow, retired */
    } cases[] = {
        {{0}, 0, {true, false, false, true}},
        {{RULE_APPROVED}, 1, {false, true, true, true}},
        {{RULE_APPROVED, RULE_LIVE}, 2, {false, false, true, true}},
        {{RULE_APPROVED, RULE_SHADOW}, 2, {false, true, false, true}},
        {{RULE_RETIRED}, 1, {false, false, false, false}},
        {{RULE_APPROVED, RULE_LIVE, RULE_RETIRED}, 3, {false, false, false, false}},
    };
    char name[16];

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (unsigned k = 0; k < 4; k++) {
            snprintf(name, sizeof name, "R%u_%u", i, k);
            assert_int_equal(draft(name, "amount > 1"), 1);
            for (unsigned n = 0; n < cases[i].length; n++)
                assert_int_equal(step(name, 1, cases[i].path[n]), ERROR_NONE);
            assert_int_equal(step(name, 1, steps[k]),
                             cases[i].may[k] ? ERROR_NONE : ERROR_CONFLICT);
        }
    }
    assert_int_equal(step("NONE", 1, RULE_APPROVED), ERROR_NOT_FOUND);
    assert_int_equal(step("R0_0", 2, RULE_APPROVED), ERROR_NOT_FOUND);
    assert_int_equal(step("R0_0", 0, RULE_RETIRED), ERROR_NOT_FOUND);
}

static void test_versions(void **state)
{
    struct rule_text t = rule("A", "amount > 9");
    struct control_change ann = by("ann");
    uint32_t version = 2;
    struct error e;

    (void)state;
    assert_int_equal(draft("A", "amount > 1"), 1);
    assert_int_equal(draft("A", "amount > 2"), 2);
    assert_int_equal(view("A", 1).state, RULE_REPLACED);
    assert_int_equal(step("A", 1, RULE_APPROVED), ERROR_CONFLICT);
    assert_int_equal(step("A", 2, RULE_APPROVED), ERROR_NONE);
    assert_int_equal(step("A", 2, RULE_LIVE), ERROR_NONE);
    assert_int_equal(draft("A", "amount > 3"), 3);
    assert_int_equal(view("A", RULE_NEWEST).version, 3);
    assert_int_equal(view("A", RULE_IN_FORCE).version, 2);
    assert_string_equal(view("A", RULE_IN_FORCE).when, "amount > 2");
    assert_int_equal(step("A", 3, RULE_APPROVED), ERROR_NONE);
    assert_int_equal(step("A", 3, RULE_SHADOW), ERROR_CONFLICT); /* 2 is live */
    assert_int_equal(step("A", 3, RULE_LIVE), ERROR_NONE);
    assert_int_equal(view("A", 2).state, RULE_REPLACED);
    assert_int_equal(view("A", RULE_NEWEST).in_force, 3);
    /* somebody else has written version 4 meanwhile: that it is to become 2 or 3 is refused */
    for (version = 2; version <= 3; version++) {
        assert_false(rule_book_draft(book, control, &t, &ann, &version, &e));
        assert_int_equal(e.kind, ERROR_CONFLICT);
    }
}

static void test_versions_have_room(void **state)
{
    struct rule_view v;
    struct error e;

    (void)state;
    draft("A", "amount > 1");
    assert_int_equal(step("A", 1, RULE_APPROVED), ERROR_NONE);
    assert_int_equal(step("A", 1, RULE_LIVE), ERROR_NONE);
    for (unsigned i = 0; i < 2 * RULE_VERSIONS_KEPT; i++)
        draft("A", "amount > 2");
    assert_int_equal(view("A", RULE_NEWEST).version, 1 + 2 * RULE_VERSIONS_KEPT);
    assert_int_equal(view("A", RULE_IN_FORCE).version, 1); /* in force: never forgotten */
    assert_false(rule_book_view(book, text_of("A"), 2, &v, &e));
    assert_int_equal(e.kind, ERROR_NOT_FOUND);
}

static void test_open_rules_are_limited(void **state)
{
    struct rule_text t = rule("ONE_MORE", "true");
    struct control_change ann = by("ann");
    uint32_t version = 0;
    char name[16];
    struct error e;

    (void)state;
    for (unsigned i = 0; i < RULES_OPEN_MAX; i++) {
        snprintf(name, sizeof name, "R%u", i);
        draft(name, "amount > 1");
    }
    assert_false(rule_book_draft(book, control, &t, &ann, &version, &e));
    assert_int_equal(e.kind, ERROR_FULL);
    draft("R7", "amount > 2"); /* a new version of one is none more */
    assert_int_equal(step("R8", 1, RULE_RETIRED), ERROR_NONE);
    draft("ONE_MORE", "true");
    assert_int_equal(step("R9", 1, RULE_RETIRED), ERROR_NONE);
    assert_int_equal(draft("R8", "true"), 2); /* retired ones come back under their name */
}

static void test_made_again(void **state)
{
    struct buffer before, after, loaded;
    struct rule_book *other = rule_book_new();
    static const struct settings none;
    struct control_change bob = by("bob");
    struct error e;

    (void)state;
    draft("A", "amount > 1");
    draft("B", "amount > 2");
    assert_true(rule_book_tested(control, text_of("B"), 1, 5, 2, &bob, &e));
    assert_int_equal(step("B", 1, RULE_APPROVED), ERROR_NONE);
    assert_int_equal(step("B", 1, RULE_SHADOW), ERROR_NONE);
    draft("B", "amount > 3");
    assert_int_equal(step("A", 1, RULE_RETIRED), ERROR_NONE);
    assert_int_equal(step("A", 1, RULE_RETIRED), ERROR_CONFLICT);
    all(&before);
    assert_non_null(
        strstr(buffer_text(&before), "\"in_force\":{\"version\":1,\"state\":\"shadow\"}"));
    assert_true(rule_book_load(other, data, &e)); /* beside the writer */
    buffer_init(&loaded, 1 << 20);
    rules_format(&none, other, NULL, NULL, &loaded);
    assert_string_equal(buffer_text(&loaded), buffer_text(&before));
    close_all();
    open_all();
    all(&after);
    assert_string_equal(buffer_text(&after), buffer_text(&before));
    buffer_fini(&loaded);
    buffer_fini(&after);
    buffer_fini(&before);
    rule_book_free(other);
}

/* ---- the overlay ---- */

static const char yaml[] = "event: {time: at}\n"
                           "sources: {transactions: none.csv}\n"
                           "rules:\n"
                           "  OWN: {when: amount > 5, then: review}\n"
                           "validate: {CHECK: {check: amount > 0, then: mark}}\n"
                           "model: {kind: none}\n"
                           "outcomes: [approve, review]\n"
                           "schema:\n"
                           "  - {name: at, type: time}\n"
                           "  - {name: amount, type: real}\n";

static struct settings *parsed(void)
{
    struct settings *s;
    struct error e;

    if (!settings_parse(text_of(yaml), "test.yaml", &s, &e))
        fail_msg("%s", e.text);
    return s;
}

static void test_overlay(void **state)
{
    struct settings *s = parsed();
    struct rule_trial trial = {.name = text_of("C"),
                               .when = text_of("amount > 9"),
                               .then = text_of("review"),
                               .text = text_of("")};
    struct overlay o;
    struct error e;

    (void)state;
    for (const char *const *name = (const char *const[]){"A", "B", "C", NULL}; *name; name++) {
        draft(*name, "amount > 7");
        assert_int_equal(step(*name, 1, RULE_APPROVED), ERROR_NONE);
    }
    assert_int_equal(step("A", 1, RULE_LIVE), ERROR_NONE);
    assert_int_equal(step("C", 1, RULE_SHADOW), ERROR_NONE);
    assert_true(overlay_init(&o, s, book, NULL, &e));
    assert_int_equal(o.settings.rule_count, 3);
    assert_string_equal(o.settings.rules[0].name, "OWN");
    assert_string_equal(o.settings.rules[1].name, "A");
    assert_false(o.settings.rules[1].has_shadow); /* its text is as the settings' own */
    assert_string_equal(o.settings.rules[2].name, "C");
    assert_true(o.settings.rules[2].shadow);
    overlay_fini(&o);

    /* as if B were live: in the place that it will have after the record */
    trial.name = text_of("B");
    assert_true(overlay_init(&o, s, book, &trial, &e));
    assert_int_equal(o.settings.rule_count, 4);
    assert_string_equal(o.settings.rules[2].name, "B");
    assert_string_equal(o.settings.rules[2].when, "amount > 9");
    overlay_fini(&o);
    trial.name = text_of("C");
    trial.is_gone = true;
    assert_true(overlay_init(&o, s, book, &trial, &e));
    assert_int_equal(o.settings.rule_count, 2);
    overlay_fini(&o);
    assert_int_equal(s->rule_count, 1); /* as they were */
    settings_free(s);
}

static void expect_no_trial(const struct settings *s, const struct schema *schema, const char *name,
                            const char *when, const char *then, const char *words)
{
    struct rule_trial trial = {text_of(name), text_of(when), text_of(then),
                               text_of(""),   false,         false};
    struct error e;

    assert_false(overlay_try(s, book, &trial, schema, &e));
    if (strstr(e.text, words) == NULL)
        fail_msg("expected \"%s\" in \"%s\"", words, e.text);
}

static void test_trials(void **state)
{
    struct settings *s = parsed();
    struct schema *schema = settings_schema(s);
    struct rule_trial good = {
        text_of("A"), text_of("amount > 1"), text_of("review"), text_of(""), false, false};
    struct error e;

    (void)state;
    assert_true(overlay_try(s, book, &good, schema, &e));
    expect_no_trial(s, schema, "A", "amount >", "review", "when: 1:9: ");
    expect_no_trial(s, schema, "A", "amonut > 5", "review", "when: 1:1: ");
    expect_no_trial(s, schema, "A", "amount > 5", "decline", "then: \"decline\"");
    expect_no_trial(s, schema, "OWN", "amount > 5", "review", "the settings have a rule");
    expect_no_trial(s, schema, "CHECK", "amount > 5", "review", "the settings have a check");
    schema_free(schema);
    settings_free(s);
}

static void test_there_is_a_most(void **state)
{
    struct settings *s = parsed();
    struct overlay o;
    char name[16];
    struct error e;

    (void)state;
    for (unsigned i = 0; i < PLAN_RULES_MAX - 1; i++) { /* one rule and one check are there */
        snprintf(name, sizeof name, "R%u", i);
        draft(name, "amount > 1");
        assert_int_equal(step(name, 1, RULE_APPROVED), ERROR_NONE);
        assert_int_equal(overlay_init(&o, s, book, NULL, &e), true);
        overlay_fini(&o);
        assert_int_equal(step(name, 1, RULE_LIVE), ERROR_NONE);
    }
    assert_false(overlay_init(&o, s, book, NULL, &e));
    assert_non_null(strstr(e.text, "at most 256"));
    overlay_fini(&o);
    settings_free(s);
}

static void test_names(void **state)
{
    static const char *const bad[] = {"",   "a b", "a/b",      "a:b",
                                      "1a", "-a",  "approval", "caf\xc3\xa9"};
    char longest[RULE_NAME_MOST + 2];
    struct rule_text t = rule("_a-b.C9", "true");
    struct error e;

    (void)state;
    assert_true(rule_text_check(&t, &e));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        t.name = text_of(bad[i]);
        assert_false(rule_text_check(&t, &e));
        assert_non_null(strstr(e.text, "name: "));
    }
    memset(longest, 'x', sizeof longest);
    t.name = (struct text){longest, RULE_NAME_MOST};
    assert_true(rule_text_check(&t, &e));
    t.name.length++;
    assert_false(rule_text_check(&t, &e));
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, open_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRESH(test_states),
        FRESH(test_versions),
        FRESH(test_versions_have_room),
        FRESH(test_open_rules_are_limited),
        FRESH(test_made_again),
        FRESH(test_overlay),
        FRESH(test_trials),
        FRESH(test_there_is_a_most),
        FRESH(test_names),
    };

    return RUN(tests);
}
