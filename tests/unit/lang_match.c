/* Patterns: what they find, what is refused, and what meets a limit. */
#include "tests/unit/test.h"

#include "core/lang/pattern.h"
#include "tests/unit/lang_fixture.h"

static void check(const struct fixture *x, const char *source, const char *expected)
{
    char got[ERROR_TEXT_MAX];

    evaluate(x, source, 0, got, sizeof got);
    if (strstr(got, expected) != got)
        fail_msg("%s: expected %s, got %s", source, expected, got);
}

static void they_find_what_they_say(void **state)
{
    static const char *const cases[][2] = {
        {"matches('abc', 'b')", "true"},
        {"matches('abc', '^b')", "false"},
        {"matches('', '^$')", "true"},
        {"matches('123\n', '^[0-9]+$')", "false"}, /* $ is the end, not before a last newline */
        {"matches('CAF\xc3\x89', '(?i)caf\xc3\xa9')", "true"},
        {"matches('caf\xc3\xa9', '^caf.$')", "true"}, /* a character, not a byte */
        {"matches('\xc3\xa9', '\\w')", "false"},      /* of ASCII */
        {"matches('it''s', '''')", "true"},
        {"matches(name, '^[A-Z][a-z]+ Out')", "true"},
        {"matches(if(flag, null, 'x'), 'x')", "null"},
        {"not matches('a', 'b')", "true"},
        {"extract('order 42 of 99', '[0-9]+')", "42"},
        {"extract('order 42 of 99', 'of ([0-9]+)')", "99"},
        {"extract('order', '[0-9]+')", "null"},
        {"extract('b', '(a)?(b)')", "null"}, /* the first group took no part */
        {"extract('b', '(b)|(a)')", "b"},
        {"extract('ab', 'a\\Kb')", "b"},
        {"extract('x', '')", ""},
        {"length(extract('aaa', 'a*'))", "3"},
    };
    struct fixture x;

    (void)state;
    fixture_init(&x);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(&x, cases[i][0], cases[i][1]);
    fixture_fini(&x);
}

static void mistakes_have_their_place(void **state)
{
    static const char *const cases[][2] = {
        {"matches(name, 'ab(')", "f: 1:15: expected a pattern, found a mistake at byte 4 of it: "
                                 "missing closing parenthesis"},
        {"matches(name, name)", "f: 1:15: expected a pattern, a text, written as a literal"},
        {"matches(name, 5)", "f: 1:15: expected a pattern, a text, written as a literal"},
        {"matches(name)", "f: 1:1: expected matches(t, pattern) -> bool, found matches(text)"},
        {"matches(n, 'a')",
         "f: 1:1: expected matches(t, pattern) -> bool, found matches(int, text)"},
        {"matches(name, '\\p{Lu}')",
         "f: 1:15: expected a pattern, found a mistake at byte 1 of it: "
         "\\p, \\P, \\X and script runs depend on the Unicode version"},
        {"matches(name, '[a\\P{L}]')", "f: 1:15: expected a pattern, found a mistake at byte 3"},
        {"matches(name, 'a(*sr:b)')", "f: 1:15: expected a pattern, found a mistake at byte 2"},
        {"matches(name, '(*UCP)a')", "f: 1:15: expected a pattern, found a mistake"},
        {"matches(name, 'a\\C')", "f: 1:15: expected a pattern, found a mistake"},
        {"matches('p', '\\\\p') or matches('\\p', '\\Q\\p\\E')", "true"}, /* a p all the same */
    };
    struct fixture x;
    char source[256] = "matches(name, '";

    (void)state;
    fixture_init(&x);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(&x, cases[i][0], cases[i][1]);
    for (int i = 0; i <= PATTERN_GROUPS_MAX; i++)
        strcat(source, "(a)");
    strcat(source, "')");
    check(&x, source, "f: 1:15: expected a pattern, found a mistake at byte 1 of it: over 32");
    strcpy(source, "matches(name, '");
    memset(source + strlen(source), '(', 65);
    memset(source + 15 + 65, ')', 65);
    strcpy(source + 15 + 130, "')");
    check(&x, source,
          "f: 1:15: expected a pattern, found a mistake at byte 66 of it: "
          "parentheses are too deeply nested");
    fixture_fini(&x);
}

static enum pattern_result find(const char *pattern, struct text t)
{
    char words[PATTERN_WORDS_MAX];
    struct text part;
    size_t at;
    struct pattern *p = pattern_new(text_of(pattern), words, &at);
    struct pattern_memory *m;
    enum pattern_result found;

    assert_non_null(p);
    m = pattern_memory_new();
    found = pattern_find(p, m, t, &part);
    pattern_memory_free(m);
    pattern_free(p);
    return found;
}

static void limits_end_a_search(void **state)
{
    char text[4096];

    (void)state;
    memset(text, 'a', sizeof text);
    /* Ways to cut thirty letters: 2^30. */
    assert_int_equal(find("^(a+)+$", (struct text){text, 30}), PATTERN_FOUND);
    assert_int_equal(find("^(a+)+[bc]", (struct text){text, 30}), PATTERN_GAVE_UP);
    assert_int_equal(find("^(a+)+[bc]", (struct text){text, 8}), PATTERN_NOT_FOUND);
    assert_int_equal(find("^(a|b)*$", (struct text){text, 4096}), PATTERN_FOUND);
    assert_int_equal(find("^(?:(a)|(b))*?[cd]", (struct text){text, 4096}), PATTERN_GAVE_UP);
    assert_int_equal(find("a.*[bc]", (struct text){text, 4096}), PATTERN_NOT_FOUND);
    assert_int_equal(find("a", (struct text){"a\xff", 2}), PATTERN_GAVE_UP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_find_what_they_say),
        cmocka_unit_test(mistakes_have_their_place),
        cmocka_unit_test(limits_end_a_search),
    };

    return RUN(tests);
}
