#include "tests/unit/test.h"

#include "core/base/error.h"
#include "core/base/text.h"

static void utf8_is_checked(void **state)
{
    (void)state;
    assert_true(text_is_utf8(text_of("Jalan Sudirman, \xe0\xb8\x81")));
    assert_false(text_is_utf8((struct text){"\xc0\x80", 2}));         /* overlong */
    assert_false(text_is_utf8((struct text){"\xed\xa0\x80", 3}));     /* surrogate */
    assert_false(text_is_utf8((struct text){"\xf4\x90\x80\x80", 4})); /* past U+10FFFF */
    assert_false(text_is_utf8((struct text){"abc\xe0\xb8", 5}));      /* cut short */
}

static void a_slip_finds_its_name(void **state)
{
    const struct text names[] = {{"amount", 6}, {"customer", 8}, {"terminal", 8}};

    (void)state;
    assert_int_equal(text_nearest(text_of("amuont"), names, 3), 0);
    assert_int_equal(text_nearest(text_of("costumer"), names, 3), 1);
    assert_int_equal(text_nearest(text_of("zebra"), names, 3), -1);
}

static void an_error_is_one_line_of_text(void **state)
{
    struct error e;

    (void)state;
    error_set(&e, ERROR_WORLD, "it answers %s",
              "\x1b[2J\r\nassay: all well\x7f\xc2\x9b"
              "1m \xe0\xb8\x81");
    assert_string_equal(e.text, "it answers  [2J  assay: all well   1m \xe0\xb8\x81");
    error_prefix(&e, "%s",
                 "\x9b\xff"
                 "a\xe0");
    assert_string_equal(e.text, "??a?: it answers  [2J  assay: all well   1m \xe0\xb8\x81");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_is_checked),
        cmocka_unit_test(a_slip_finds_its_name),
        cmocka_unit_test(an_error_is_one_line_of_text),
    };

    return RUN(tests);
}
