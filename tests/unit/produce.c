/* JSON in bytes, records in bodies, ids that were seen. */
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

#include "core/data/json_raw.h"
#include "shell/produce/payload.h"
#include "shell/produce/seen.h"

static void assert_text(struct text t, const char *expected)
{
    if (!text_is(t, expected))
        fail_msg("expected %s, found %.*s", expected, TEXT_ARG(t));
}

static void members_and_items_keep_their_digits(void **state)
{
    struct text o =
        text_of(" { \"a\" : 1.50 , \"b\\u0041\":[ 1e400, {\"}\":2} ,\"]\"],\"c\":null}");
    struct json_items items;
    struct text key, value;

    assert_text(json_raw_member(o, text_of("a")), "1.50");
    assert_text(json_raw_member(o, text_of("c")), "null");
    assert_text(json_raw_member(o, text_of("d")), "");
    json_items_init(&items, json_raw_member(o, text_of("bA")));
    assert_true(json_items_next(&items, &key, &value));
    assert_text(value, "1e400");
    assert_true(json_items_next(&items, &key, &value));
    assert_text(value, "{\"}\":2}");
    assert_true(json_items_next(&items, &key, &value));
    assert_text(value, "\"]\"");
    assert_false(json_items_next(&items, &key, &value));
    json_items_init(&items, text_of("7"));
    assert_false(json_items_next(&items, &key, &value));
}

static void text_is_unescaped(void **state)
{
    static const struct {
        const char *json, *text; /* text NULL: refused */
    } cases[] = {
        {"\"a\\n\\\"\\/\\\\\"", "a\n\"/\\"},
        {"\"\\u00e9\\u20ac\\ud83d\\ude00\"", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\"\"", ""},
        {"\"\\ud83d\"", NULL},
        {"\"\\ud83dx\"", NULL},
        {"\"\\u12g4\"", NULL},
        {"\"\\x\"", NULL},
        {"\"a\\\"", NULL},
        {"5", NULL},
    };
    struct buffer out;

    buffer_init(&out, 100);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool good;

        buffer_clear(&out);
        good = json_raw_text(text_of(cases[i].json), &out);
        if (good != (cases[i].text != NULL))
            fail_msg("%s: %d", cases[i].json, good);
        if (good)
            assert_text((struct text){out.bytes, out.length}, cases[i].text);
    }
    buffer_fini(&out);
}

static void white_space_goes_but_in_text(void **state)
{
    struct buffer out;

    buffer_init(&out, 100);
    json_add_compact(&out, text_of(" {\n \"a b\" : [ 1 ,\t\"x \\\" y\" ] }\r\n"));
    assert_text((struct text){out.bytes, out.length}, "{\"a b\":[1,\"x \\\" y\"]}");
    buffer_fini(&out);
}

/* All records of a body with commas between, or "! " and the error. */
static const char *records(const char *body, const char *pointer)
{
    static char words[4096];
    struct payload *p = payload_new();
    struct buffer out;
    struct error e;

    buffer_init(&out, sizeof words - 1);
    if (!payload_begin(p, text_of(body), pointer, &e)) {
        buffer_format(&out, "! %s", e.text);
    } else {
        enum payload_item item;

        while ((item = payload_next(p, &out, &e)) != PAYLOAD_END) {
            if (item == PAYLOAD_BAD)
                buffer_format(&out, "(%s)", e.text);
            buffer_add_char(&out, ';');
        }
    }
    snprintf(words, sizeof words, "%s", buffer_text(&out));
    buffer_fini(&out);
    payload_free(p);
    return words;
}

static void records_of_bodies(void **state)
{
    static const struct {
        const char *body, *pointer, *records;
    } cases[] = {
        {"[]", NULL, ""},
        {"[{}, {\"a\": 1.0}]", NULL, "{};{\"a\":1.0};"},
        {"{\"a\":1}", "", "{\"a\":1};"},
        {"{\"columns\":[\"a\",\"b\\\"\"],\"data\":[[1.0,[2]],[null,\"x\"]]}", NULL,
         "{\"a\":1.0,\"b\\\"\":[2]};{\"a\":null,\"b\\\"\":\"x\"};"},
        {"{\"columns\":[\"a\"],\"data\":[[1,2],[],7,[3]]}", NULL,
         "(record 1 is not as long as the columns: [1,2]);(record 2 is not as long as the columns: "
         "[]);(record 3 is no array of values: 7);{\"a\":3};"},
        {"{\"columns\":[1],\"data\":[[1]]}", NULL, "! column 1 has a name that is no text"},
        {"{\"columns\":3,\"data\":[]}", NULL, "{\"columns\":3,\"data\":[]};"},
        {"[\"{\\\"a\\\":1}\", \"x\", 5]", NULL,
         "{\"a\":1};(record 2 is a text that is no JSON object: \"x\");(record 3 is no object: 5);"},
        {"{\"\":{\"~/\":[[{\"z\":0}]]}}", "//~0~1/0", "{\"z\":0};"},
        {"{\"a\":1}\n\n{\"b\":\n{\"c\":3}", NULL,
         "{\"a\":1};(record 2 is no JSON: {\"b\":);{\"c\":3};"},
        {"[1]", "/1", "! there is nothing at /1"},
        {"[1]", "/-1", "! there is nothing at /-1"},
        {"{\"a\":1}", "/a/b", "! there is nothing at /a/b"},
        {"7", NULL, "! expected an array of records or an object, found 7"},
        {" ", NULL, "! the body is empty: JSON was expected"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(records(cases[i].body, cases[i].pointer), cases[i].records);
    assert_non_null(strstr(records("nonsense", NULL), "not valid JSON"));
    assert_non_null(strstr(records("\"{\"", NULL), "the text is no JSON"));
}

static void json_inside_text_has_a_depth(void **state)
{
    struct buffer body, next;

    buffer_init(&body, 1 << 20);
    buffer_add_text(&body, "[{\"a\":1}]");
    for (int depth = 1; depth <= PAYLOAD_NESTING_MAX + 1; depth++) {
        const char *found;

        buffer_init(&next, 1 << 20);
        json_add_text(&next, (struct text){body.bytes, body.length});
        buffer_fini(&body);
        body = next;
        found = records(buffer_text(&body), NULL);
        if (depth <= PAYLOAD_NESTING_MAX)
            assert_string_equal(found, "{\"a\":1};");
        else
            assert_string_equal(found, "! JSON inside text over 8 times");
    }
    buffer_fini(&body);
}

static void the_last_ids_are_remembered_and_old_ones_forgotten(void **state)
{
    struct seen *s = seen_new();
    char id[32];

    for (uint32_t i = 0; i < 2 * SEEN_KEPT + 1; i++) {
        snprintf(id, sizeof id, "id-%u", i);
        assert_false(seen_add(s, text_of(id)));
    }
    for (uint32_t i = SEEN_KEPT + 1; i < 2 * SEEN_KEPT + 1; i++) {
        snprintf(id, sizeof id, "id-%u", i);
        assert_true(seen_add(s, text_of(id)));
    }
    assert_false(seen_add(s, text_of("id-0")));
    assert_true(seen_add(s, text_of("id-0")));
    seen_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_and_items_keep_their_digits),
        cmocka_unit_test(text_is_unescaped),
        cmocka_unit_test(white_space_goes_but_in_text),
        cmocka_unit_test(records_of_bodies),
        cmocka_unit_test(json_inside_text_has_a_depth),
        cmocka_unit_test(the_last_ids_are_remembered_and_old_ones_forgotten),
    };

    return RUN(tests);
}
