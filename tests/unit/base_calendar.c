#include "tests/unit/test.h"

#include "core/base/calendar.h"

static int64_t read_time(const char *text, enum time_layout layout)
{
    int64_t us = INT64_MIN;

    if (!time_parse(text_of(text), layout, &us))
        assert_int_equal(us, INT64_MIN); /* untouched on failure */
    return us;
}

static void every_day_is_the_next_one(void **state)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t expected = -719162; /* 0001-01-01, known */

    for (int year = 1; year <= 9999; year++) {
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

        for (int month = 1; month <= 12; month++) {
            int last = days[month - 1] + (month == 2 && leap);

            for (int day = 1; day <= last; day++, expected++) {
                struct civil c;

                if (days_from_civil(year, month, day) != expected)
                    fail_msg("%d-%d-%d", year, month, day);
                c = civil_from_time(expected * US_PER_DAY + US_PER_DAY - 1);
                if (c.year != year || c.month != month || c.day != day || c.hour != 23 ||
                    c.us != 999999)
                    fail_msg("back: %d-%d-%d", year, month, day);
            }
        }
    }
    assert_int_equal(expected * US_PER_DAY - 1, TIME_MAX_US);
    assert_int_equal(civil_from_time(0).weekday, 3);               /* Thursday */
    assert_int_equal(civil_from_time(-4 * US_PER_DAY).weekday, 6); /* Sunday */
    assert_int_equal(civil_from_time(TIME_MIN_US).weekday, 0);     /* Monday */
}

static void iso_times_are_read(void **state)
{
    const int64_t t = INT64_C(1522540831) * US_PER_SECOND;
    static const char *const bad[] = {
        "",
        "2018",
        "2018-04",
        "2018-04-31",
        "2018-13-01",
        "2018-02-29",
        "2018-04-01T",
        "2018-04-01 24:00:00",
        "2018-04-01 00:60:00",
        "2018-04-01 00:00:60",
        "0000-01-01",
        "2018-04-01 00:00:31+24:00",
        "2018-04-01 00:00:31+7",
        "2018-04-01 00:00:31.",
        "2018-04/01",
        "18-04-01",
        "2018-04-01 00:00:31 x",
        "2018-04-01Z ",
        "20180401",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-00:01",
        "2018-04-01 00",
    };

    assert_int_equal(read_time("2018-04-01 00:00:31", TIME_ISO), t);
    assert_int_equal(read_time("2018/04/01T00:00:31Z", TIME_ISO), t);
    assert_int_equal(read_time("2018-04-01t07:00:31+07:00", TIME_ISO), t);
    assert_int_equal(read_time("2018-03-31 20:30:31 -0330", TIME_ISO), t);
    assert_int_equal(read_time("2018-04-01 00:00:31 UTC", TIME_ISO), t);
    assert_int_equal(read_time("2018-04-01T00:00:31.123456789Z", TIME_ISO), t + 123456);
    assert_int_equal(read_time("2018-04-01T00:00:31.5", TIME_ISO), t + 500000);
    assert_int_equal(read_time("2018-04-01", TIME_ISO), t - 31 * US_PER_SECOND);
    assert_int_equal(read_time("1900-01-01", TIME_ISO), INT64_C(-2208988800) * US_PER_SECOND);
    assert_int_equal(read_time("9999-12-31 23:59:59.999999", TIME_ISO), TIME_MAX_US);
    assert_int_equal(read_time("0001-01-01", TIME_ISO), TIME_MIN_US);
    assert_int_equal(read_time("2000-02-29", TIME_ISO), INT64_C(951782400) * US_PER_SECOND);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (read_time(bad[i], TIME_ISO) != INT64_MIN)
            fail_msg("\"%s\" was taken", bad[i]);
    }
}

static void local_times_are_read(void **state)
{
    const int64_t day = INT64_C(1546214400) * US_PER_SECOND; /* 2018-12-31 */

    assert_int_equal(read_time("31/12/2018", TIME_DAY_FIRST), day);
    assert_int_equal(read_time("31.12.2018 23:59", TIME_DAY_FIRST),
                     day + 1439 * 60 * US_PER_SECOND);
    assert_int_equal(read_time("31-12-2018 23:59:59", TIME_DAY_FIRST), day + 86399 * US_PER_SECOND);
    assert_int_equal(read_time("12/31/2018 11:59 PM", TIME_MONTH_FIRST),
                     day + 1439 * 60 * US_PER_SECOND);
    assert_int_equal(read_time("12/31/2018 12:00 am", TIME_MONTH_FIRST), day);
    assert_int_equal(read_time("12/31/2018, 12:00:00 PM", TIME_MONTH_FIRST), day + US_PER_DAY / 2);
    assert_int_equal(read_time("31/12/2018", TIME_MONTH_FIRST), INT64_MIN);
    assert_int_equal(read_time("12/31/2018 13:00 PM", TIME_MONTH_FIRST), INT64_MIN);
    assert_int_equal(read_time("12/31/2018 0:00 PM", TIME_MONTH_FIRST), INT64_MIN);
    assert_int_equal(read_time("31/12-2018", TIME_DAY_FIRST), INT64_MIN);
    assert_int_equal(read_time("31/12/18", TIME_DAY_FIRST), INT64_MIN);
}

static void unix_times_are_read(void **state)
{
    assert_int_equal(read_time("1546300814", TIME_UNIX_S), INT64_C(1546300814000000));
    assert_int_equal(read_time("1546300814.2512345", TIME_UNIX_S), INT64_C(1546300814251234));
    assert_int_equal(read_time("-1.5", TIME_UNIX_S), -1500000);
    assert_int_equal(read_time("1651936358000", TIME_UNIX_MS), INT64_C(1651936358000000));
    assert_int_equal(read_time("1651936358000.25", TIME_UNIX_MS), INT64_C(1651936358000250));
    assert_int_equal(read_time("1651936358000001", TIME_UNIX_US), INT64_C(1651936358000001));
    assert_int_equal(read_time("253402300799", TIME_UNIX_S), TIME_MAX_US - 999999);
    assert_int_equal(read_time("253402300800", TIME_UNIX_S), INT64_MIN);
    assert_int_equal(read_time("-62135596801", TIME_UNIX_S), INT64_MIN);
    assert_int_equal(read_time("99999999999999999999", TIME_UNIX_US), INT64_MIN);
    assert_int_equal(read_time("1e9", TIME_UNIX_S), INT64_MIN);
    assert_int_equal(read_time("-", TIME_UNIX_S), INT64_MIN);
    assert_int_equal(read_time(".5", TIME_UNIX_S), INT64_MIN);
}

static void times_are_written(void **state)
{
    char out[TIME_TEXT_MAX];
    static const int64_t times[] = {0, 1, -1, 1522540831123456, TIME_MIN_US, TIME_MAX_US, 500000};
    static const char *const texts[] = {
        "1970-01-01T00:00:00Z",        "1970-01-01T00:00:00.000001Z", "1969-12-31T23:59:59.999999Z",
        "2018-04-01T00:00:31.123456Z", "0001-01-01T00:00:00Z",        "9999-12-31T23:59:59.999999Z",
        "1970-01-01T00:00:00.5Z"};

    for (int i = 0; i < 7; i++) {
        assert_int_equal(time_format(times[i], out), strlen(texts[i]));
        assert_string_equal(out, texts[i]);
        assert_int_equal(read_time(out, TIME_ISO), times[i]);
    }
    assert_int_equal(time_format(INT64_MAX, out), 27);
    assert_int_equal(time_format(INT64_MIN, out), 20);
}

static void durations_go_both_ways(void **state)
{
    static const char *const bad[] = {"",
                                      "7",
                                      "d",
                                      "7y",
                                      "7 d",
                                      "1.5h",
                                      "7dd",
                                      "--7d",
                                      "+7d",
                                      "15250285w",
                                      "99999999999999999999s"};
    char out[TIME_TEXT_MAX];
    int64_t us = 7;

    assert_true(duration_parse(text_of("90m"), &us));
    assert_int_equal(us, 5400 * US_PER_SECOND);
    assert_int_equal(duration_format(us, out), 3);
    assert_string_equal(out, "90m");
    duration_format(14 * US_PER_DAY, out);
    assert_string_equal(out, "2w");
    duration_format(-US_PER_DAY, out);
    assert_string_equal(out, "-1d");
    duration_format(1500000, out);
    assert_string_equal(out, "1.5s");
    duration_format(0, out);
    assert_string_equal(out, "0s");
    duration_format(INT64_MIN, out);
    assert_string_equal(out, "-9223372036854.775808s");
    us = 7;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (duration_parse(text_of(bad[i]), &us) || us != 7)
            fail_msg("\"%s\" was taken", bad[i]);
    }
}

static void layouts_have_names(void **state)
{
    enum time_layout layout;

    for (int i = 0; i < TIME_LAYOUTS; i++) {
        assert_true(time_layout_find(text_of(time_layout_name((enum time_layout)i)), &layout));
        assert_int_equal(layout, i);
    }
    assert_false(time_layout_find(text_of("unix"), &layout));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_is_the_next_one), cmocka_unit_test(iso_times_are_read),
        cmocka_unit_test(local_times_are_read),      cmocka_unit_test(unix_times_are_read),
        cmocka_unit_test(times_are_written),         cmocka_unit_test(durations_go_both_ways),
        cmocka_unit_test(layouts_have_names),
    };

    return RUN(tests);
}
