/* docs/language.md is held to the function table: every function is there with its signature, and
 * every example has the value that it states. */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/lang_fixture.h"

static char *read_document(void)
{
    FILE *f = fopen(SOURCE_ROOT "/docs/language.md", "rb");
    char *text = calloc(1 << 16, 1);

    assert_non_null(f);
    assert_true(fread(text, 1, (1 << 16) - 1, f) > 1000);
    fclose(f);
    return text;
}

static void every_example_has_its_value(void **state)
{
    const struct function_info *info;
    struct fixture x;
    char got[ERROR_TEXT_MAX];
    size_t count;

    (void)state;
    fixture_init(&x);
    info = lang_functions(&count);
    assert_true(count > 40);
    for (size_t i = 0; i < count; i++) {
        evaluate(&x, info[i].example, 0, got, sizeof got);
        if (strcmp(got, info[i].result) != 0)
            print_message("# %s: %s\n", info[i].example, got);
        assert_string_equal(got, info[i].result);
        assert_true(i == 0 || strcmp(info[i - 1].name, info[i].name) < 0);
        assert_int_equal(strncmp(info[i].signature, info[i].name, strlen(info[i].name)), 0);
    }
    fixture_fini(&x);
}

static void every_function_is_in_the_document(void **state)
{
    static const char *const derived[] = {"zscore", "ratio", "share", NULL};
    const struct function_info *info;
    char *text = read_document(), row[1024];
    size_t count;

    (void)state;
    info = lang_functions(&count);
    for (size_t i = 0; i < count; i++) {
        snprintf(row, sizeof row, "| `%s` | %s | `%s` | `%s` |", info[i].signature, info[i].summary,
                 info[i].example, info[i].result);
        if (strstr(text, row) == NULL)
            print_message("# not in docs/language.md: %s\n", row);
        assert_non_null(strstr(text, row));
    }
    for (int i = 0; i < AGG_KINDS; i++) {
        snprintf(row, sizeof row, "`%s(", aggregate_name((enum aggregate_kind)i));
        assert_non_null(strstr(text, row));
    }
    for (const char *const *name = derived; *name != NULL; name++) {
        snprintf(row, sizeof row, "`%s(", *name);
        assert_non_null(strstr(text, row));
    }
    free(text);
}

static void the_document_names_no_function_that_is_not(void **state)
{
    const struct function_info *info;
    char *text = read_document(), *at = strstr(text, "## Functions");
    size_t count, rows = 0;

    (void)state;
    info = lang_functions(&count);
    assert_non_null(at);
    for (at = strstr(at, "\n| `"); at != NULL; at = strstr(at + 1, "\n| `"))
        rows++;
    assert_int_equal(rows, count);
    (void)info;
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_example_has_its_value),
        cmocka_unit_test(every_function_is_in_the_document),
        cmocka_unit_test(the_document_names_no_function_that_is_not),
    };

    return RUN(tests);
}
