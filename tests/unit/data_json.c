#include "tests/unit/test.h"

#include <math.h>
#include <stdio.h>

#include "core/base/number.h"
#include "core/data/json.h"

struct sample {
    const char *text;
    size_t length; /* 0: strlen */
};

/* What RFC 8259 and our own rules refuse, by category. */
static const struct sample refused[] = {
    {"", 0},
    {" ", 0},
    {"{", 0},
    {"}", 0},
    {"[", 0},
    {"]", 0},
    {"[1", 0},
    {"[1,", 0},
    {"[1,]", 0},
    {"[,1]", 0},
    {"[1,,2]", 0},
    {"[1 2]", 0},
    {"[1]]", 0},
    {"[1],", 0},
    {"1 2", 0},
    {"{\"a\":1,}", 0},
    {"{,}", 0},
    {"{\"a\"}", 0},
    {"{\"a\":}", 0},
    {"{\"a\" 1}", 0},
    {"{a:1}", 0},
    {"{'a':1}", 0},
    {"{1:1}", 0},
    {"{\"a\":1 \"b\":2}", 0},
    {"{\"a\":1}}", 0},
    {"{\"a\":1} x", 0},
    {"{null:1}", 0},
    {"{\"a\"::1}", 0},
    {"[01]", 0},
    {"[-01]", 0},
    {"[1.]", 0},
    {"[.5]", 0},
    {"[-.5]", 0},
    {"[+1]", 0},
    {"[1e]", 0},
    {"[1e+]", 0},
    {"[1.e1]", 0},
    {"[0x1]", 0},
    {"[1_0]", 0},
    {"[--1]", 0},
    {"[-]", 0},
    {"[NaN]", 0},
    {"[Infinity]", 0},
    {"[-Infinity]", 0},
    {"[1e999]", 0},
    {"[-1e999]", 0},
    {"[1a]", 0},
    {"[1,5e]", 0},
    {"[0e]", 0},
    {"[1.2.3]", 0},
    {"[\xef\xbc\x91]", 0},
    {"[100000000000000000000]", 0},
    {"[nul]", 0},
    {"[True]", 0},
    {"[TRUE]", 0},
    {"[truee]", 0},
    {"[nullx]", 0},
    {"[fals]", 0},
    {"[\"a]", 0},
    {"[\"\\x\"]", 0},
    {"[\"\\u12\"]", 0},
    {"[\"\\u12g4\"]", 0},
    {"[\"\\\"]", 0},
    {"[\"\\ud800\"]", 0},
    {"[\"\\udc00\"]", 0},
    {"[\"\\ud800\\u0041\"]", 0},
    {"[\"\t\"]", 0},
    {"[\"\n\"]", 0},
    {"[\"\x1f\"]", 0},
    {"[\"\0\"]", 5},
    {"['a']", 0},
    {"[\"\\'\"]", 0},
    {"[\"\xff\"]", 0},
    {"[\"\xc0\x80\"]", 0},
    {"[\"\xed\xa0\x80\"]", 0},
    {"[\"\xf4\x90\x80\x80\"]", 0},
    {"[\"\xe0\xb8\"]", 0},
    {"[\"\x80\"]", 0},
    {"[1]\0", 4},
    {"[1\0]", 4},
    {"\0", 1},
    {"[1]//x", 0},
    {"/* x */[1]", 0},
    {"[1]#", 0},
    {"\f[1]", 0},
    {"[1\xc2\xa0]", 0},
    {"\xff\xfe[\0", 4},
    {"{\"a\":1,\"a\":2}", 0},
    {"{\"a\":1,\"\\u0061\":2}", 0},
    {"[{\"x\":[{\"b\":1,\"b\":1}]}]", 0},
};

static const struct sample taken[] = {
    {"{}", 0},
    {"[]", 0},
    {"0", 0},
    {"-0", 0},
    {"null", 0},
    {"\"\"", 0},
    {" [1] \n\t\r", 0},
    {"[1e5,1E+5,1e-5,0e1,0.5,-0.0,123.456e78]", 0},
    {"[9223372036854775807]", 0},
    {"[-9223372036854775808]", 0},
    {"[18446744073709551615]", 0},
    {"[1e-999]", 0},
    {"[\"\\u0000\\ud83d\\ude00\\/\\b\\f\\n\\r\\t\\\\\\\"\"]", 0},
    {"[\"\x7f\"]", 0},
    {"[\"\xf4\x8f\xbf\xbf\"]", 0},
    {"{\"\":0}", 0},
    {"{\"a\":{\"a\":1},\"b\":{\"a\":2}}", 0},
    {"[\"\xe2\x80\xa8\"]", 0},
    {"{\"a\":1,\"A\":2}", 0},
    {"[[],[[]],{}]", 0},
    {"[0.1e1,true,false,null]", 0},
};

static struct json_document *parse(struct json_reader *r, const struct sample *s, struct error *e)
{
    size_t length = s->length > 0 ? s->length : strlen(s->text);
    char *exact = mem_array(length, 1); /* the sanitizer sees a byte read too many */
    struct json_document *d;

    memcpy(exact, s->text, length);
    d = json_parse(r, exact, length, e);
    mem_free(exact);
    return d;
}

static void only_json_is_taken(void **state)
{
    struct json_reader *r = json_reader_new();
    struct error e;

    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct json_document *d = parse(r, &refused[i], &e);

        if (d != NULL)
            fail_msg("%s was taken", refused[i].text);
        assert_int_equal(e.kind, ERROR_INVALID);
    }
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        struct json_document *d = parse(r, &taken[i], &e);

        if (d == NULL)
            fail_msg("%s: %s", taken[i].text, e.text);
        json_free(d);
    }
    json_reader_free(r);
}

static void depth_has_its_limit(void **state)
{
    struct json_reader *r = json_reader_new();
    struct error e;
    char text[4 * JSON_DEPTH_MAX];

    for (int depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        struct json_document *d;

        memset(text, '[', (size_t)depth);
        text[depth] = '1';
        memset(text + depth + 1, ']', (size_t)depth);
        d = json_parse(r, text, 2 * (size_t)depth + 1, &e);
        assert_true((d != NULL) == (depth == JSON_DEPTH_MAX));
        json_free(d);
    }
    json_reader_free(r);
}

static void many_keys_are_compared_too(void **state)
{
    struct json_reader *r = json_reader_new();
    struct buffer b;
    struct error e;
    struct json_document *d;

    buffer_init(&b, 1 << 20);
    buffer_add_char(&b, '{');
    for (int i = 0; i < 1000; i++)
        buffer_format(&b, "\"k%d\":%d,", i, i);
    buffer_add_text(&b, "\"last\":0}");
    d = json_parse(r, b.bytes, b.length, &e);
    assert_non_null(d);
    assert_int_equal(json_get(&d->root, "k777")->integer, 777);
    json_free(d);
    b.length -= strlen("\"last\":0}");
    buffer_add_text(&b, "\"k500\":0}");
    assert_null(json_parse(r, b.bytes, b.length, &e));
    assert_non_null(strstr(e.text, "k500"));
    buffer_fini(&b);
    json_reader_free(r);
}

/* ---- events ---- */

struct events {
    struct json_reader *reader;
    struct schema *schema;
    struct frame frame;
    struct problems problems;
};

static void events_begin(struct events *v)
{
    static const struct {
        const char *name;
        enum type type;
        enum time_layout layout;
    } fields[] = {
        {"id", TYPE_TEXT, 0},    {"amount", TYPE_DECIMAL, 0},   {"n", TYPE_INT, 0},
        {"share", TYPE_REAL, 0}, {"time", TYPE_TIME, TIME_ISO}, {"seen", TYPE_TIME, TIME_UNIX_MS},
        {"ok", TYPE_BOOL, 0},    {"age", TYPE_DURATION, 0},     {"card.country", TYPE_TEXT, 0}};
    struct error e;

    memset(v, 0, sizeof *v);
    v->reader = json_reader_new();
    v->schema = schema_new();
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        assert_true(schema_add(v->schema, text_of(fields[i].name), fields[i].type, &e));
        v->schema->fields[i].layout = fields[i].layout;
    }
    frame_init(&v->frame, v->schema, 16, 1 << 20);
}

static void events_end(struct events *v)
{
    json_reader_free(v->reader);
    frame_fini(&v->frame);
    schema_free(v->schema);
}

static bool read_event(struct events *v, const char *text, enum json_unknown unknown)
{
    v->problems.count = v->problems.more = 0;
    return json_read_event(v->reader, text, strlen(text), v->schema, unknown, &v->frame,
                           &v->problems);
}

static void an_event_is_read_by_its_schema(void **state)
{
    struct events v;
    const struct column *c;

    events_begin(&v);
    c = v.frame.column;
    assert_true(read_event(&v,
                           "{\"amount\":57.16,\"id\":\"x\",\"n\":5.0,\"share\":1,"
                           "\"time\":\"2018-04-01T00:00:31Z\",\"seen\":1522540831000,\"ok\":true,"
                           "\"age\":\"90m\",\"card\":{\"country\":\"TH\"}}",
                           JSON_UNKNOWN_REFUSE));
    assert_int_equal(c[1].integer[0], 57160000);
    assert_int_equal(c[2].integer[0], 5);
    assert_true(c[3].real[0] == 1);
    assert_int_equal(c[4].integer[0], INT64_C(1522540831000000));
    assert_int_equal(c[5].integer[0], INT64_C(1522540831000000));
    assert_int_equal(c[6].integer[0], 1);
    assert_int_equal(c[7].integer[0], 5400 * US_PER_SECOND);
    assert_true(text_is(c[8].text[0], "TH"));
    assert_true(read_event(&v,
                           "{\"id\":18446744073709551615,\"amount\":\"9000000000000.123456\","
                           "\"n\":\"12\",\"share\":\"0.5\",\"seen\":\"2018-04-01\",\"ok\":0,"
                           "\"age\":null,\"card.country\":[1, 2]}",
                           JSON_UNKNOWN_REFUSE));
    assert_true(text_is(c[0].text[1], "18446744073709551615"));
    assert_int_equal(c[1].integer[1], INT64_C(9000000000000123456));
    assert_int_equal(c[2].integer[1], 12);
    assert_true(c[3].real[1] == 0.5);
    assert_int_equal(c[4].null[1], 1);
    assert_int_equal(c[5].integer[1], INT64_C(1522540800000000));
    assert_int_equal(c[7].null[1], 1);
    assert_true(text_is(c[8].text[1], "[1,2]"));
    assert_true(read_event(&v, "{\"amount\":85.64999999999999,\"n\":1e3}", JSON_UNKNOWN_REFUSE));
    assert_int_equal(c[1].integer[2], 85650000);
    assert_int_equal(c[2].integer[2], 1000);
    assert_int_equal(c[0].null[2], 1);
    assert_int_equal(v.frame.rows, 3);
    events_end(&v);
}

static void bad_events_name_each_bad_field(void **state)
{
    static const struct {
        const char *text, *pointer, *words;
    } bad[] = {
        {"[]", "", "expected an object"},
        {"{\"amount\":1", "", "not valid JSON"},
        {"{\"amount\":\"abc\"}", "/amount", "found \"abc\""},
        {"{\"amount\":true}", "/amount", "found true or false"},
        {"{\"amount\":1e300}", "/amount", "a number"},
        {"{\"n\":1.5}", "/n", "a whole number"},
        {"{\"n\":9223372036854775808}", "/n", "a whole number"},
        {"{\"n\":\"1.5\"}", "/n", "a whole number"},
        {"{\"time\":1522540831}", "/time", "a time"},
        {"{\"time\":\"2018-13-01\"}", "/time", "2018-13-01"},
        {"{\"ok\":2}", "/ok", "true or false"},
        {"{\"id\":\"\\u0000\"}", "/id", "NUL"},
        {"{\"id\":\"a\\u0000b\"}", "/id", "NUL"},
        {"{\"amuont\":1}", "/amuont", "did you mean \"amount\""},
        {"{\"amount\":1,\"amount\":1}", "/amount", "twice"},
        {"{\"card\":{\"country\":\"TH\",\"city\":1}}", "/card.city", "no such field"},
        {"{\"card.country\":\"TH\",\"card\":{\"country\":\"TH\"}}", "/card.country", "twice"},
        {"{\"id\":{\"a\":1,\"a\":2}}", "", "twice"},
    };
    struct events v;

    events_begin(&v);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (read_event(&v, bad[i].text, JSON_UNKNOWN_REFUSE))
            fail_msg("%s was taken", bad[i].text);
        assert_int_equal(v.frame.rows, 0);
        if (strcmp(v.problems.items[0].pointer, bad[i].pointer) != 0 ||
            strstr(v.problems.items[0].detail, bad[i].words) == NULL)
            fail_msg("%s: %s: %s", bad[i].text, v.problems.items[0].pointer,
                     v.problems.items[0].detail);
    }
    assert_false(read_event(&v, "{\"n\":\"x\",\"ok\":\"x\",\"age\":5}", JSON_UNKNOWN_REFUSE));
    assert_int_equal(v.problems.count, 3);
    assert_true(read_event(&v, "{\"other\":{\"a\":1},\"n\":1}", JSON_UNKNOWN_SKIP));
    assert_false(read_event(&v, "{\"other\":1,\"other\":2}", JSON_UNKNOWN_SKIP));
    events_end(&v);
}

static void problems_are_bounded(void **state)
{
    struct events v;
    struct buffer b;

    events_begin(&v);
    buffer_init(&b, 1 << 20);
    buffer_add_char(&b, '{');
    for (int i = 0; i < 100; i++)
        buffer_format(&b, "%s\"%0300d\":1", i ? "," : "", i);
    buffer_add_char(&b, '}');
    assert_false(read_event(&v, buffer_text(&b), JSON_UNKNOWN_REFUSE));
    assert_int_equal(v.problems.count, JSON_PROBLEMS_MAX);
    assert_int_equal(v.problems.more, 100 - JSON_PROBLEMS_MAX);
    buffer_fini(&b);
    events_end(&v);
}

static void what_is_written_is_json(void **state)
{
    static const char hostile[] = "a\"b\\c\n\r\t\x01\x7f\xe0\xb8\x81\xff\xc0\x80\xe0\xb8";
    struct value values[] = {
        {.type = TYPE_BOOL, .integer = 1},
        {.type = TYPE_INT, .integer = INT64_MIN},
        {.type = TYPE_DECIMAL, .integer = 57160000},
        {.type = TYPE_REAL, .real = 0.1},
        {.type = TYPE_REAL, .real = NAN},
        {.type = TYPE_TEXT, .text = {hostile, sizeof hostile - 1}},
        {.type = TYPE_TIME, .integer = 0},
        {.type = TYPE_DURATION, .integer = US_PER_DAY},
        {.type = TYPE_TEXT, .is_null = true},
    };
    struct json_reader *r = json_reader_new();
    struct json_document *d;
    struct buffer b;
    struct error e;

    buffer_init(&b, 1 << 16);
    buffer_add_char(&b, '[');
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        if (i > 0)
            buffer_add_char(&b, ',');
        json_add_value(&b, &values[i]);
    }
    buffer_add_char(&b, ']');
    assert_string_equal(buffer_text(&b),
                        "[true,-9223372036854775808,57.16,0.1,null,"
                        "\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u007f\xe0\xb8\x81\xef\xbf\xbd\xef\xbf\xbd"
                        "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\","
                        "\"1970-01-01T00:00:00Z\",\"1d\",null]");
    d = json_parse(r, b.bytes, b.length, &e);
    assert_non_null(d);
    assert_int_equal(d->root.count, 9);
    json_free(d);
    json_reader_free(r);
    buffer_fini(&b);
}

/* What each kind calls the shared fields, and what it has. */
static struct schema *kinds_schema(void)
{
    struct schema *s = schema_new();
    struct error e = {0};
    const struct event_kind pay = {(char *)"pay", (char *)"pay_id", (char *)"paid", TIME_ISO, true};
    const struct event_kind login = {(char *)"login", NULL, (char *)"at", TIME_UNIX_S, false};

    assert_true(schema_add_kind(s, &pay, &e) && schema_add_kind(s, &login, &e));
    assert_false(schema_add_kind(s, &login, &e));
    assert_true(schema_add(s, text_of("kind"), TYPE_TEXT, &e));
    assert_true(schema_add(s, text_of("id"), TYPE_TEXT, &e));
    assert_true(schema_add(s, text_of("time"), TYPE_TIME, &e));
    assert_true(schema_add(s, text_of("amount"), TYPE_INT, &e));
    assert_true(schema_add(s, text_of("ok"), TYPE_BOOL, &e));
    assert_true(schema_add(s, text_of("who"), TYPE_TEXT, &e));
    s->kind = 0;
    s->id = 1;
    s->time = 2;
    s->fields[3].kinds = 1;
    s->fields[4].kinds = 2;
    s->fields[5].kinds = 3;
    return s;
}

static const struct {
    const char *json;
    const char *pointer; /* NULL: it is an event */
    int kind;
} kind_events[] = {
    {"{\"kind\":\"pay\",\"pay_id\":\"a\",\"paid\":\"1970-01-01T00:00:07Z\",\"amount\":5}", NULL, 0},
    {"{\"at\":7,\"ok\":true,\"kind\":\"login\",\"who\":\"x\"}", NULL, 1},
    {"{\"kind\":\"pay\",\"paid\":7}", "/paid", 0},
    {"{\"kind\":\"pay\",\"ok\":true}", "/ok", 0},
    {"{\"kind\":\"login\",\"time\":7}", "/time", 1},
    {"{\"kind\":\"login\",\"id\":7}", "/id", 1},
    {"{\"kind\":\"refund\"}", "/kind", 0},
    {"{\"kind\":null}", "/kind", 0},
    {"{\"kind\":\"pay\",\"kind\":\"login\"}", "/kind", 0},
    {"{\"pay_id\":\"a\"}", "/kind", 0},
};

static void events_of_several_kinds_go_by_their_own_names(void **state)
{
    struct schema *s = kinds_schema();
    struct json_reader *r = json_reader_new();
    struct frame f;

    (void)state;
    frame_init(&f, s, 1, 1 << 16);
    for (int round = 0; round < 2; round++) { /* with what the reader remembers of the last ones */
        for (size_t i = 0; i < sizeof kind_events / sizeof kind_events[0]; i++) {
            struct problems p = {0};
            const char *json = kind_events[i].json, *pointer = kind_events[i].pointer;
            bool is_event;

            frame_clear(&f);
            is_event = json_read_event(r, json, strlen(json), s, JSON_UNKNOWN_REFUSE, &f, &p);
            assert_int_equal(is_event, pointer == NULL);
            if (pointer != NULL) {
                assert_string_equal(p.items[0].pointer, pointer);
                continue;
            }
            assert_int_equal(frame_kind(&f, 0, s), kind_events[i].kind);
            assert_int_equal(f.column[2].integer[0], 7000000);
            assert_int_equal(f.column[1].null[0], kind_events[i].kind == 1);
        }
    }
    frame_fini(&f);
    json_reader_free(r);
    schema_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_json_is_taken),
        cmocka_unit_test(depth_has_its_limit),
        cmocka_unit_test(many_keys_are_compared_too),
        cmocka_unit_test(an_event_is_read_by_its_schema),
        cmocka_unit_test(bad_events_name_each_bad_field),
        cmocka_unit_test(problems_are_bounded),
        cmocka_unit_test(what_is_written_is_json),
        cmocka_unit_test(events_of_several_kinds_go_by_their_own_names),
    };

    return RUN(tests);
}
