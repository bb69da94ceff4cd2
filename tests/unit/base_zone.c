/* Time zones: TZif files made byte by byte, rules, and one text for one behaviour. The real
 * database is compared with another reader of it in tests/system/test_zones.py. */
#include "tests/unit/test.h"

#include "core/base/calendar.h"
#include "core/base/zone.h"

/* --- a TZif file ----------------------------------------------------------------------------- */

struct tzif_spec {
    char version; /* 0, '2', '3' */
    uint32_t leaps;
    uint32_t count;
    const int64_t *at;
    const uint8_t *kind;
    uint32_t kinds;
    const int32_t *offset;
    const char *footer;
};

static void add_big(struct buffer *b, uint64_t v, int bytes)
{
    while (bytes-- > 0)
        buffer_add_u8(b, (uint8_t)(v >> 8 * bytes));
}

static void add_block(struct buffer *b, const struct tzif_spec *s, int width)
{
    buffer_add_text(b, "TZif");
    buffer_add_u8(b, (uint8_t)s->version);
    for (int i = 0; i < 15; i++)
        buffer_add_u8(b, 0);
    add_big(b, 0, 4);
    add_big(b, 0, 4);
    add_big(b, s->leaps, 4);
    add_big(b, s->count, 4);
    add_big(b, s->kinds, 4);
    add_big(b, 4, 4);
    for (uint32_t i = 0; i < s->count; i++)
        add_big(b, (uint64_t)s->at[i], width);
    for (uint32_t i = 0; i < s->count; i++)
        buffer_add_u8(b, s->kind[i]);
    for (uint32_t i = 0; i < s->kinds; i++) {
        add_big(b, (uint32_t)s->offset[i], 4);
        buffer_add_u8(b, 0);
        buffer_add_u8(b, 0);
    }
    buffer_add(b, "LMT", 4);
}

static void make_file(const struct tzif_spec *s, struct buffer *b)
{
    buffer_init(b, ZONE_FILE_MAX);
    add_block(b, s, 4);
    if (s->version != 0) {
        add_block(b, s, 8);
        buffer_format(b, "\n%s\n", s->footer);
    }
}

static struct zone *read_file(const struct tzif_spec *s, struct error *e)
{
    struct buffer b;
    struct zone *z;

    make_file(s, &b);
    z = zone_parse_tzif(text_of("Test/Zone"), (struct text){b.bytes, b.length}, e);
    buffer_fini(&b);
    return z;
}

static void check_text(struct zone *z, const char *expected)
{
    struct buffer text;

    assert_non_null(z);
    buffer_init(&text, ZONE_TEXT_MAX);
    zone_format(z, &text);
    assert_string_equal(buffer_text(&text), expected);
    buffer_fini(&text);
    zone_free(z);
}

static const int64_t two_at[] = {-100, 5000};
static const uint8_t two_kinds[] = {1, 2};
static const int32_t offsets[] = {3599, 3600, 7200};

static struct tzif_spec small(void)
{
    return (struct tzif_spec){.version = '2',
                              .count = 2,
                              .at = two_at,
                              .kind = two_kinds,
                              .kinds = 3,
                              .offset = offsets,
                              .footer = "ABC-2"};
}

static void files_are_read(void **state)
{
    struct tzif_spec s = small();
    struct error e;

    (void)state;
    check_text(read_file(&s, &e), "3599 -100/3600 5000/7200 std-2:00:00");
    s.version = '3';
    s.footer = "";
    check_text(read_file(&s, &e), "3599 -100/3600 5000/7200");
    s.version = 0;
    check_text(read_file(&s, &e), "3599 -100/3600 5000/7200");
    s.count = 0;
    check_text(read_file(&s, &e), "3599");
    s.version = '2';
    s.footer = "<+02>-2";
    check_text(read_file(&s, &e), "3599 std-2:00:00"); /* the rule for all times */
}

static void refuse(const struct tzif_spec *s, const char *words)
{
    struct error e;

    assert_null(read_file(s, &e));
    assert_int_equal(e.kind, ERROR_INVALID);
    if (strstr(e.text, words) == NULL)
        fail_msg("expected %s, got %s", words, e.text);
}

static void damaged_files_are_refused(void **state)
{
    static const uint8_t bad_kind[] = {1, 3};
    static const int64_t unordered[] = {5000, 5000};
    static const int32_t far[] = {0, 26 * 3600, 0};
    struct tzif_spec s = small();
    struct buffer b;
    struct error e;

    (void)state;
    s.kind = bad_kind;
    refuse(&s, "time zone Test/Zone: its file names a kind of time that it does not have");
    s = small();
    s.at = unordered;
    refuse(&s, "not in the order of time");
    s = small();
    s.offset = far;
    refuse(&s, "an offset is over 26 hours");
    s = small();
    s.leaps = 1;
    refuse(&s, "right/");
    s = small();
    s.kinds = 0;
    refuse(&s, "or none");
    s = small();
    s.footer = "EST5EDT";
    refuse(&s, "no POSIX TZ string");
    s = small();
    make_file(&s, &b);
    for (size_t length = 0; length < b.length; length++)
        assert_null(zone_parse_tzif(text_of("Z"), (struct text){b.bytes, length}, &e));
    b.bytes[32] = 0x7f; /* 2,130,706,434 changes */
    assert_null(zone_parse_tzif(text_of("Z"), (struct text){b.bytes, b.length}, &e));
    assert_non_null(strstr(e.text, "2,048"));
    buffer_fini(&b);
}

/* A file with its changes written out until 2037 and one that leaves them to the rule. */
static void one_behaviour_has_one_text(void **state)
{
    static const int64_t at[] = {1173596400, 1194156000, 1205046000, 1225605600, 1236495600};
    static const uint8_t kind[] = {1, 0, 1, 0, 1};
    static const int32_t offset[] = {-18000, -14400};
    struct tzif_spec s = {.version = '2',
                          .at = at,
                          .kind = kind,
                          .kinds = 2,
                          .offset = offset,
                          .footer = "EST5EDT,M3.2.0,M11.1.0"};
    struct error e;

    (void)state;
    for (s.count = 1; s.count <= 5; s.count++)
        check_text(read_file(&s, &e), "-18000 1173596400/-14400 "
                                      "std5:00:00dst4:00:00,M3.2.0/2:00:00,M11.1.0/2:00:00");
}

/* --- texts and rules ------------------------------------------------------------------------- */

static struct zone *zone(const char *rules)
{
    struct error e;
    struct zone *z = zone_parse_text(text_of("Test/Zone"), text_of(rules), &e);

    if (z == NULL)
        fail_msg("%s: %s", rules, e.text);
    return z;
}

static void texts_are_held_to_their_form(void **state)
{
    static const char *const wrong[] = {
        "",
        "x",
        "25200 x",
        "25200 5/",
        "25200 /5",
        "25200 5/93600",
        "93600",
        "0 5/1 5/2",
        "0 5/1 4/2",
        "0 std0 5/1",
        "0 std",
        "0 s0",
        "0 std25",
        "0 std0dst",
        "0 std0dst,M3.2.0",
        "0 std0dst,M13.1.0,J1",
        "0 std0dst,M1.6.0,J1",
        "0 std0dst,M1.1.7,J1",
        "0 std0dst,J0,J1",
        "0 std0dst,J1,J366",
        "0 std0dst,J1,366",
        "0 std0dst,J1/168,J2",
        "0 std0dst,J1,J2,",
        "0 <std0",
        "0 std0dst,J1/1:60,J2",
    };
    struct buffer many;
    struct error e;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (zone_parse_text(text_of("Z"), text_of(wrong[i]), &e) != NULL)
            fail_msg("taken: %s", wrong[i]);
    }
    check_text(zone("0 std0dst,J1/-167,365/167:59:59"),
               "0 std0:00:00dst-1:00:00,J1/-167:00:00,365/167:59:59");
    buffer_init(&many, 1 << 20);
    buffer_add_text(&many, "0");
    for (int i = 0; i < ZONE_CHANGES_MAX; i++)
        buffer_format(&many, " %d/%d", i, 60 * (i % 2 + 1));
    zone_free(zone(buffer_text(&many)));
    buffer_add_text(&many, " 5000/1");
    assert_null(zone_parse_text(text_of("Z"), text_of(buffer_text(&many)), &e));
    assert_non_null(strstr(e.text, "at most 2,048 changes"));
    buffer_fini(&many);
}

static int64_t time_of(const char *iso)
{
    int64_t t;

    assert_true(time_parse(text_of(iso), TIME_ISO, &t));
    return t;
}

static void rules_hold_for_ever(void **state)
{
    static const struct {
        const char *rules, *at;
        int seconds;
    } cases[] = {
        {"0 std5dst,M3.2.0,M11.1.0", "2018-03-11T06:59:59Z", -18000},
        {"0 std5dst,M3.2.0,M11.1.0", "2018-03-11T07:00:00Z", -14400},
        {"0 std5dst,M3.2.0,M11.1.0", "2018-11-04T05:59:59.999999Z", -14400},
        {"0 std5dst,M3.2.0,M11.1.0", "9999-07-01T00:00:00Z", -14400},
        {"0 std5dst,M3.2.0,M11.1.0", "0001-01-01T00:00:00Z", -18000},
        {"0 std-10:30dst-11,M10.1.0,M4.1.0", "2050-01-01T00:00:00Z", 39600},
        {"0 std-10:30dst-11,M10.1.0,M4.1.0", "2050-07-01T00:00:00Z", 37800},
        {"0 std-1dst0,M10.5.0,M3.5.0/1", "2050-01-01T00:00:00Z", 0}, /* winter is the exception */
        {"0 std-1dst0,M10.5.0,M3.5.0/1", "2050-07-01T00:00:00Z", 3600},
        {"0 std5dst,0/0,J365/25", "2050-01-01T05:00:00Z", -14400}, /* summer all year */
        {"0 std5dst,0/0,J365/25", "2050-12-31T23:59:59Z", -14400},
        {"0 std0dst,J60/0,J61/0", "2020-03-01T12:00:00Z", 3600}, /* J60 is 1 March, leap or not */
        {"0 std0dst,J60/0,J61/0", "2020-02-29T12:00:00Z", 0},
        {"0 std0dst,59/0,60/0", "2020-02-29T12:00:00Z", 3600},    /* 59 counts the leap day */
        {"0 std0dst,J10/-167,J20", "2020-01-03T01:00:00Z", 3600}, /* seven days before the tenth */
        {"0 std0dst,J10/-167,J20", "2020-01-03T00:59:59Z", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct zone *z = zone(cases[i].rules);

        if (zone_offset_us(z, time_of(cases[i].at)) != cases[i].seconds * US_PER_SECOND)
            fail_msg("%s at %s", cases[i].rules, cases[i].at);
        zone_free(z);
    }
}

static void days_begin_where_they_do(void **state)
{
    static const struct {
        const char *rules, *at, *start;
    } cases[] = {
        {"25200", "2018-04-01T16:59:59Z", "2018-03-31T17:00:00Z"},
        /* Clocks go from 00:00 to 01:00: the day has no midnight. */
        {"-10800 1541300400/-7200", "2018-11-04T20:00:00Z", "2018-11-04T03:00:00Z"},
        {"-10800 1541300400/-7200", "2018-11-04T02:59:59Z", "2018-11-03T03:00:00Z"},
        /* From 24:00 back to 23:00: midnight comes an hour later. */
        {"-7200 1550368800/-10800", "2019-02-17T20:00:00Z", "2019-02-17T03:00:00Z"},
        {"-7200 1550368800/-10800", "2019-02-17T02:30:00Z", "2019-02-16T02:00:00Z"},
        /* From 00:01 back to 23:01: midnight comes twice, the first one counts. */
        {"-9000 1162089060/-12600", "2006-10-29T20:00:00Z", "2006-10-29T02:30:00Z"},
        /* A day that was left out: 30 December 2011 in Apia. */
        {"-36000 1325239200/50400", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"},
        {"-36000 1325239200/50400", "2011-12-30T09:59:59Z", "2011-12-29T10:00:00Z"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct zone *z = zone(cases[i].rules);
        char got[TIME_TEXT_MAX];

        time_format(zone_day_start_us(z, time_of(cases[i].at)), got);
        assert_string_equal(got, cases[i].start);
        zone_free(z);
    }
}

static void names_stay_below_the_folder(void **state)
{
    (void)state;
    assert_true(zone_is_name(text_of("America/Argentina/Buenos_Aires")));
    assert_true(zone_is_name(text_of("Etc/GMT+7")));
    assert_false(zone_is_name(text_of("")));
    assert_false(zone_is_name(text_of("/etc/passwd")));
    assert_false(zone_is_name(text_of("../passwd")));
    assert_false(zone_is_name(text_of("Asia/Ja karta")));
    assert_false(zone_is_name((struct text){"Asia\0", 5}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_read),
        cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(one_behaviour_has_one_text),
        cmocka_unit_test(texts_are_held_to_their_form),
        cmocka_unit_test(rules_hold_for_ever),
        cmocka_unit_test(days_begin_where_they_do),
        cmocka_unit_test(names_stay_below_the_folder),
    };

    return RUN(tests);
}
