/* The registry: versions, aliases, and that what is cut short leaves the old state. */
#include "tests/unit/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "core/data/json_at.h"
#include "shell/os/file.h"
#include "shell/registry/registry_json.h"

static char data[64];

static int open_directory(void **state)
{
    (void)state;
    snprintf(data, sizeof data, "/tmp/assay-registry-XXXXXX");
    return mkdtemp(data) == NULL;
}

static int remove_directory(void **state)
{
    char command[128];
    pid_t child = fork();
    int status;

    (void)state;
    snprintf(command, sizeof command, "%s", data);
    if (child == 0) {
        execlp("rm", "rm", "-rf", command, (char *)NULL);
        _exit(1);
    }
    return waitpid(child, &status, 0) != child || status != 0;
}

/* A model by what makes its version: its bytes, inputs and recipe. */
static struct model_digests digests_of(const char *model, const char *inputs, const char *recipe)
{
    struct model_digests d;

    digest_bytes(model, strlen(model), d.model);
    digest_bytes(inputs, strlen(inputs), d.inputs);
    digest_bytes(recipe, strlen(recipe), d.recipe);
    return d;
}

static const char good[] = "{\"test\":{\"better_than_chance\":true}}";
static const char chance[] = "{\"test\":{\"better_than_chance\":false}}";
static const char untested[] = "{\"test\":null}";

static bool add_with(struct registry *r, const struct model_id *id, const char *model,
                     const struct model_digests *d, const char *metrics, struct error *e)
{
    struct buffer lineage;
    bool ok;

    buffer_init(&lineage, 4096);
    buffer_format(&lineage, "{\"name\":\"%s\"", id->name);
    registry_digests_json(d, &lineage);
    buffer_add_char(&lineage, '}');
    ok = registry_add(r, id,
                      (struct registry_file[]){{"model", model, strlen(model)},
                                               {"lineage.json", lineage.bytes, lineage.length},
                                               {"metrics.json", metrics, strlen(metrics)}},
                      3, e);
    buffer_fini(&lineage);
    return ok;
}

/* Registers and gives "NAME@VERSION". */
static const char *put(const char *name, const char *model, const char *inputs, const char *recipe,
                       const char *metrics)
{
    static char text[MODEL_ID_TEXT_MAX];
    struct model_digests d = digests_of(model, inputs, recipe);
    struct error e = {0};
    struct registry *r;
    struct model_id id;
    bool is_known;

    assert_true(registry_open(data, NULL, &r, &e));
    if (!registry_assign(r, name, &d, &id, &is_known, &e))
        fail_msg("%s", e.text);
    if (!is_known && !add_with(r, &id, model, &d, metrics, &e))
        fail_msg("%s", e.text);
    registry_close(r);
    model_id_format(&id, text);
    return text;
}

static bool promote_as(const char *words, enum alias alias, bool is_forced, struct error *e)
{
    struct alias_change change = {
        .action = "promote", .alias = alias, .is_forced = is_forced, .by = "ann", .at_us = 1};
    struct registry *r;
    bool ok;

    if (!registry_find(data, text_of(words), &change.model, e))
        return false;
    assert_true(registry_open(data, NULL, &r, e));
    ok = registry_promote(r, &change, e);
    registry_close(r);
    return ok;
}

static bool promote(const char *words, struct error *e)
{
    return promote_as(words, ALIAS_CHAMPION, false, e);
}

static bool roll_back(struct error *e)
{
    struct alias_change change = {.action = "rollback", .by = "bob", .at_us = 2};
    struct registry *r;
    bool ok;

    assert_true(registry_open(data, NULL, &r, e));
    ok = registry_rollback(r, &change, e);
    registry_close(r);
    return ok;
}

static const char *champion(void)
{
    static char text[MODEL_ID_TEXT_MAX];
    struct aliases a;
    struct error e;

    if (!registry_aliases(data, &a, &e))
        fail_msg("%s", e.text);
    if (!a.is_set[ALIAS_CHAMPION])
        return "";
    model_id_format(&a.model[ALIAS_CHAMPION], text);
    return text;
}

static void write_below(const char *file, const char *words)
{
    char path[256];
    struct error e;

    snprintf(path, sizeof path, "%s/models/%s", data, file);
    assert_true(file_write(path, words, strlen(words), 0600, &e));
}

static size_t history_lines(void)
{
    struct buffer b;
    struct error e = {0};
    struct aliases a;
    char directory[128];
    size_t lines = 0;

    snprintf(directory, sizeof directory, "%s/models", data);
    buffer_init(&b, HISTORY_BYTES_MAX);
    assert_true(registry_aliases(data, &a, &e));
    if (!aliases_history(directory, &a, &b, &e))
        fail_msg("%s", e.text);
    for (size_t i = 0; i < b.length; i++)
        lines += b.bytes[i] == '\n';
    buffer_fini(&b);
    return lines;
}

/* ---- words ---- */

static void test_versions_have_one_spelling(void **state)
{
    static const char *const bad[] = {
        "",       "1",    "1.2",    "1.2.3.4",        "01.2.3",
        "1.2.x",  "1..2", "-1.0.0", " 1.0.0",         "1.0.0 ",
        "1.0.00", "1.2.", "v1.0.0", "1000000000.0.0", "99999999999.0.0"};
    struct version v, w;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (version_parse(text_of(bad[i]), &v))
            fail_msg("\"%s\" is a version", bad[i]);
    }
    assert_true(version_parse(text_of("1.10.0"), &v));
    assert_true(version_parse(text_of("1.9.99"), &w));
    assert_true(version_compare(v, w) > 0);
    assert_true(version_parse(text_of("999999999.0.0"), &v));
}

static void test_names_are_directories(void **state)
{
    static const char *const bad[] = {"",    ".",        "..",     ".hidden",     "a/b", "a b",
                                      "a@1", "champion", "shadow", "caf\xc3\xa9", "a\nb"};
    static const char *const fine[] = {"a", "boost", "fraud.v2", "A-1_b", "-x", "championess"};
    char longest[MODEL_NAME_MAX + 2];
    struct error e;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(model_name_check(text_of(bad[i]), &e));
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
        assert_true(model_name_check(text_of(fine[i]), &e));
    memset(longest, 'a', sizeof longest);
    assert_true(model_name_check((struct text){longest, MODEL_NAME_MAX}, &e));
    assert_false(model_name_check((struct text){longest, MODEL_NAME_MAX + 1}, &e));
}

/* ---- versions ---- */

static void test_what_changes_says_which_number(void **state)
{
    (void)state;
    assert_string_equal(put("m", "one", "in", "r", good), "m@1.0.0");
    assert_string_equal(put("m", "two", "in", "r", good), "m@1.0.1");
    assert_string_equal(put("m", "three", "in", "r2", good), "m@1.1.0");
    assert_string_equal(put("m", "four", "in", "r2", good), "m@1.1.1");
    assert_string_equal(put("m", "five", "in2", "r3", good), "m@2.0.0");
    assert_string_equal(put("other", "five", "in2", "r3", good), "other@1.0.0");
}

static void test_the_same_bytes_are_the_same_version(void **state)
{
    (void)state;
    put("m", "one", "in", "r", good);
    put("m", "two", "in2", "r", good);
    assert_string_equal(put("m", "one", "in", "r", good), "m@1.0.0");
    assert_string_equal(put("m", "two", "in2", "r", good), "m@2.0.0");
}

static void test_what_a_person_writes_is_found(void **state)
{
    struct model_id id;
    struct error e = {0};
    char text[MODEL_ID_TEXT_MAX];

    (void)state;
    put("boost", "one", "in", "r", good);
    for (int i = 0; i < 12; i++) {
        char model[16];

        snprintf(model, sizeof model, "model %d", i);
        put("boost", model, "in", "r", good);
    }
    assert_true(registry_find(data, text_of("boost"), &id, &e));
    model_id_format(&id, text);
    assert_string_equal(text, "boost@1.0.12"); /* by number, not by letters */
    assert_true(registry_find(data, text_of("boost@1.0.9"), &id, &e));
    assert_false(registry_find(data, text_of("boost@1.0.13"), &id, &e));
    assert_non_null(strstr(e.text, "boost@1.0.12"));
    assert_false(registry_find(data, text_of("bost"), &id, &e));
    assert_non_null(strstr(e.text, "did you mean \"boost\""));
    assert_false(registry_find(data, text_of("boost@new"), &id, &e));
    assert_non_null(strstr(e.text, "1.2.3"));
    assert_false(registry_find(data, text_of("champion"), &id, &e));
    assert_int_equal(e.kind, ERROR_NOT_FOUND);
    assert_true(promote("boost@1.0.3", &e));
    assert_true(registry_find(data, text_of("champion"), &id, &e));
    assert_true(registry_find(data, text_of("boost@champion"), &id, &e));
    assert_int_equal(id.version.patch, 3);
    put("other", "x", "in", "r", good);
    assert_false(registry_find(data, text_of("other@champion"), &id, &e));
}

/* ---- aliases ---- */

static void test_rollback_goes_back_step_by_step(void **state)
{
    struct error e = {0};

    (void)state;
    put("m", "one", "in", "r", good);
    put("m", "two", "in", "r", good);
    put("m", "three", "in", "r", good);
    assert_false(roll_back(&e));
    assert_int_equal(e.kind, ERROR_NOT_FOUND);
    assert_true(promote("m@1.0.0", &e) && promote("m@1.0.1", &e) && promote("m@1.0.2", &e));
    assert_true(promote("m@1.0.2", &e)); /* it is already: no line, no step */
    assert_int_equal(history_lines(), 3);
    assert_true(roll_back(&e));
    assert_string_equal(champion(), "m@1.0.1");
    assert_true(roll_back(&e));
    assert_string_equal(champion(), "m@1.0.0");
    assert_false(roll_back(&e));
    assert_string_equal(champion(), "m@1.0.0");
    assert_int_equal(history_lines(), 5);
}

static void test_earlier_champions_have_a_limit(void **state)
{
    struct error e = {0};

    (void)state;
    put("m", "one", "in", "r", good);
    put("m", "two", "in", "r", good);
    for (int i = 0; i < ALIASES_EARLIER_MAX + 6; i++)
        assert_true(promote(i % 2 == 0 ? "m@1.0.0" : "m@1.0.1", &e));
    for (int i = 0; i < ALIASES_EARLIER_MAX; i++)
        assert_true(roll_back(&e));
    assert_false(roll_back(&e));
}

static void test_chance_is_not_put_in_force(void **state)
{
    struct error e = {0};

    (void)state;
    put("m", "one", "in", "r", chance);
    assert_false(promote("m", &e));
    assert_non_null(strstr(e.text, "chance"));
    assert_string_equal(champion(), "");
    assert_true(promote_as("m", ALIAS_CHALLENGER, false, &e)); /* it decides nothing */
    assert_true(promote_as("m", ALIAS_CHAMPION, true, &e));
    assert_string_equal(champion(), "m@1.0.0");
    put("from-elsewhere", "x", "in", "r", untested);
    assert_true(promote("from-elsewhere", &e)); /* nothing is known against it */
}

static void test_a_champion_that_is_gone_is_told(void **state)
{
    char path[REGISTRY_PATH_MAX], model[160];
    struct error e = {0};

    (void)state;
    put("m", "one", "in", "r", good);
    put("m", "two", "in", "r", good);
    assert_true(promote("m@1.0.0", &e) && promote("m@1.0.1", &e));
    snprintf(model, sizeof model, "%s/models/m/1.0.0/model", data);
    assert_int_equal(unlink(model), 0);
    assert_false(roll_back(&e));
    assert_non_null(strstr(e.text, "m@1.0.0 is gone"));
    assert_true(registry_champion(data, path, &e));
    assert_non_null(strstr(path, "m/1.0.1/model"));
}

static void test_no_model_says_what_to_do(void **state)
{
    char path[REGISTRY_PATH_MAX];
    struct error e = {0};

    (void)state;
    assert_false(registry_champion(data, path, &e));
    assert_non_null(strstr(e.text, "assay train"));
    put("m", "one", "in", "r", chance);
    assert_false(registry_champion(data, path, &e));
    assert_non_null(strstr(e.text, "assay model promote"));
}

static void test_a_directory_of_an_earlier_release_still_works(void **state)
{
    char path[REGISTRY_PATH_MAX];
    struct error e = {0};

    (void)state;
    put("m", "one", "in", "r", good);
    write_below("0123456789abcdef.model", "old");
    write_below("current", "0123456789abcdef");
    assert_true(registry_champion(data, path, &e));
    assert_non_null(strstr(path, "models/0123456789abcdef.model"));
    assert_true(promote("m", &e)); /* from now on the new way */
    assert_true(registry_champion(data, path, &e));
    assert_non_null(strstr(path, "m/1.0.0/model"));
}

/* ---- damage, and what is cut short ---- */

static void test_damaged_aliases_are_an_error(void **state)
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{\"champion\":7,\"earlier\":[],\"history_bytes\":0}",
        "{\"champion\":\"../x@1.0.0\",\"earlier\":[],\"history_bytes\":0}",
        "{\"champion\":\"m@1.0\",\"earlier\":[],\"history_bytes\":0}",
        "{\"earlier\":[],\"history_bytes\":-1}",
        "{\"earlier\":{},\"history_bytes\":0}",
        "{\"earlier\":[]}",
    };
    char path[REGISTRY_PATH_MAX];
    struct registry *r;
    struct error e = {0};

    (void)state;
    put("m", "one", "in", "r", good);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_below("aliases.json", bad[i]);
        assert_false(registry_champion(data, path, &e));
        assert_non_null(strstr(e.text, "aliases.json"));
        assert_false(registry_open(data, NULL, &r, &e));
    }
}

static void test_a_line_without_its_change_does_not_count(void **state)
{
    struct error e = {0};
    char path[128];
    FILE *f;

    (void)state;
    put("m", "one", "in", "r", good);
    put("m", "two", "in", "r", good);
    assert_true(promote("m@1.0.0", &e));
    snprintf(path, sizeof path, "%s/models/history.ndjson", data);
    f = fopen(path, "a"); /* cut short between the line and the aliases, and in the line */
    assert_non_null(f);
    fputs("{\"action\":\"promote\",\"model\":\"m@1.0.1\"}\n{\"act", f);
    fclose(f);
    assert_int_equal(history_lines(), 1);
    assert_string_equal(champion(), "m@1.0.0");
    assert_true(promote("m@1.0.1", &e));
    assert_int_equal(history_lines(), 2);
    assert_int_equal(truncate(path, 10), 0); /* lines that counted are missing */
    assert_false(promote("m@1.0.0", &e));
    assert_non_null(strstr(e.text, "history.ndjson"));
    assert_string_equal(champion(), "m@1.0.1");
}

static void test_unfinished_versions_are_not_seen_and_go(void **state)
{
    char path[128], file[160];
    struct model_id *id;
    struct error e = {0};
    uint32_t count;

    (void)state;
    put("m", "one", "in", "r", good);
    snprintf(path, sizeof path, "%s/models/m/.new-1.0.1", data);
    snprintf(file, sizeof file, "%s/model", path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_true(file_write(file, "half", 4, 0600, &e));
    assert_true(registry_list(data, &id, &count, &e));
    assert_int_equal(count, 1);
    mem_free(id);
    assert_string_equal(put("m", "two", "in", "r", good), "m@1.0.1");
    assert_false(file_exists(path));
}

/* As on a disk without room: no file may grow past 1 KiB. */
static void test_a_full_disk_leaves_the_old_state(void **state)
{
    static char large[1 << 20];
    struct model_digests d = digests_of("large", "in", "r");
    struct rlimit usual, small = {1024, RLIM_INFINITY};
    struct error e = {0};
    struct registry *r;
    struct model_id id, *all;
    uint32_t count;
    bool is_known;

    (void)state;
    put("m", "one", "in", "r", good);
    assert_true(promote("m", &e));
    memset(large, 'x', sizeof large - 1);
    assert_true(registry_open(data, NULL, &r, &e));
    assert_true(registry_assign(r, "m", &d, &id, &is_known, &e));
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &usual), 0);
    small.rlim_max = usual.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_false(add_with(r, &id, large, &d, good, &e));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &usual), 0);
    assert_true(registry_list(data, &all, &count, &e));
    assert_int_equal(count, 1);
    mem_free(all);
    assert_string_equal(champion(), "m@1.0.0");
    assert_true(add_with(r, &id, large, &d, good, &e)); /* with room again it works */
    registry_close(r);
}

/* Writers are killed wherever they are; what is there is whole and in order, and writing goes on.
 */
static void write_until_killed(void)
{
    for (unsigned i = 0;; i++) {
        struct error e = {0};
        char model[32];

        snprintf(model, sizeof model, "%d %u", (int)getpid(), i);
        if (!promote(put("m", model, i % 3 == 0 ? model : "in", "r", good), &e))
            _exit(1);
    }
}

static void test_killed_writers_leave_whole_versions(void **state)
{
    struct error e = {0};

    (void)state;
    put("m", "one", "in", "r", good);
    for (int i = 0; i < 12; i++) {
        struct model_id *id;
        uint32_t count;
        pid_t child = fork();
        int status;

        if (child == 0)
            write_until_killed();
        usleep(4000 + (unsigned)i * 1700);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        assert_true(registry_list(data, &id, &count, &e));
        for (uint32_t k = 0; k < count; k++) {
            struct json_document *d;
            char path[REGISTRY_PATH_MAX];

            if (!registry_read(data, &id[k], "lineage.json", &d, &e))
                fail_msg("%s", e.text);
            json_free(d);
            assert_true(registry_path(data, &id[k], "metrics.json", path, &e));
            assert_true(file_exists(path));
        }
        mem_free(id);
        history_lines();
        if (champion()[0] != 0) {
            struct model_id one;

            assert_true(registry_find(data, text_of(champion()), &one, &e));
        }
    }
    assert_true(promote(put("m", "last", "in", "r", good), &e));
}

static void test_writers_take_turns(void **state)
{
    enum { WRITERS = 4, EACH = 5 };
    pid_t child[WRITERS];
    struct model_id *id;
    struct error e = {0};
    uint32_t count;

    (void)state;
    for (int w = 0; w < WRITERS; w++) {
        child[w] = fork();
        if (child[w] != 0)
            continue;
        for (int i = 0; i < EACH; i++) {
            char model[32];

            snprintf(model, sizeof model, "%d %d", w, i);
            put("m", model, "in", "r", good);
        }
        _exit(0);
    }
    for (int w = 0; w < WRITERS; w++) {
        int status;

        assert_int_equal(waitpid(child[w], &status, 0), child[w]);
        assert_int_equal(status, 0);
    }
    assert_true(registry_list(data, &id, &count, &e));
    assert_int_equal(count, WRITERS * EACH);
    assert_int_equal(id[count - 1].version.patch, WRITERS * EACH - 1);
    mem_free(id);
}

#define IN_A_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, open_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions_have_one_spelling),
        cmocka_unit_test(test_names_are_directories),
        IN_A_DIRECTORY(test_what_changes_says_which_number),
        IN_A_DIRECTORY(test_the_same_bytes_are_the_same_version),
        IN_A_DIRECTORY(test_what_a_person_writes_is_found),
        IN_A_DIRECTORY(test_rollback_goes_back_step_by_step),
        IN_A_DIRECTORY(test_earlier_champions_have_a_limit),
        IN_A_DIRECTORY(test_chance_is_not_put_in_force),
        IN_A_DIRECTORY(test_a_champion_that_is_gone_is_told),
        IN_A_DIRECTORY(test_no_model_says_what_to_do),
        IN_A_DIRECTORY(test_a_directory_of_an_earlier_release_still_works),
        IN_A_DIRECTORY(test_damaged_aliases_are_an_error),
        IN_A_DIRECTORY(test_a_line_without_its_change_does_not_count),
        IN_A_DIRECTORY(test_unfinished_versions_are_not_seen_and_go),
        IN_A_DIRECTORY(test_a_full_disk_leaves_the_old_state),
        IN_A_DIRECTORY(test_killed_writers_leave_whole_versions),
        IN_A_DIRECTORY(test_writers_take_turns),
    };

    return RUN(tests);
}
