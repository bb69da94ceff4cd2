/* The embedding API over settings without a model. */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "include/assay.h"

static char directory[] = "/tmp/assay-embed-XXXXXX";
static char settings[64];

static void put(const char *name, const char *text)
{
    char path[64];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", directory, name);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static int make_files(void **state)
{
    (void)state;
    if (mkdtemp(directory) == NULL)
        return -1;
    put("t.csv", "id,at,card,amount,fraud\n"
                 "t1,2024-01-01 10:00:00,c1,10.50,0\n"
                 "t2,2024-01-01 11:00:00,c2,20.00,1\n");
    put("assay.yaml", "sources: {transactions: t.csv}\n"
                      "event: {id: id, time: at, label: {field: fraud, delay: 1h}}\n"
                      "entities: {card: card}\n"
                      "features:\n"
                      "  n_1d: count() by card over 1d\n"
                      "  frauds: sum(label) by card over 1d delay 1h\n"
                      "lists: {stopped: {type: text, expires: 7d}}\n"
                      "rules:\n"
                      "  STOPPED: {when: card in list(stopped), then: decline}\n"
                      "  BUSY: {when: n_1d >= 3, then: review}\n"
                      "  KNOWN: {when: frauds > 0, then: decline}\n"
                      "model: none\n");
    snprintf(settings, sizeof settings, "%s/assay.yaml", directory);
    return 0;
}

static int remove_files(void **state)
{
    static const char *const names[] = {"t.csv", "assay.yaml"};
    char path[64];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        unlink(path);
    }
    return rmdir(directory);
}

static struct assay *open_it(void)
{
    char words[ASSAY_ERROR_MAX] = "";
    struct assay *a = assay_open(settings, NULL, words, sizeof words);

    assert_string_equal(words, "");
    assert_non_null(a);
    return a;
}

static const char *decide(struct assay *a, const char *id, const char *at, const char *card)
{
    char json[256];
    size_t bytes = 0;
    const char *answer;

    snprintf(json, sizeof json, "{\"id\":\"%s\",\"at\":\"%s\",\"card\":\"%s\",\"amount\":5}", id,
             at, card);
    answer = assay_decide(a, json, strlen(json), 0, &bytes);
    if (answer != NULL) {
        assert_int_equal(bytes, strlen(answer));
        assert_string_equal(assay_error(a), "");
    }
    return answer;
}

static void rules_see_the_state(void **state)
{
    struct assay *a = open_it();
    struct assay *other = open_it();

    (void)state;
    assert_non_null(
        strstr(decide(a, "1", "2024-01-02T10:00:00Z", "c1"), "\"outcome\":\"approve\""));
    assert_non_null(
        strstr(decide(a, "2", "2024-01-02T10:01:00Z", "c1"), "\"outcome\":\"approve\""));
    assert_non_null(strstr(decide(a, "3", "2024-01-02T10:02:00Z", "c1"), "\"rules\":[\"BUSY\"]"));
    assert_non_null(
        strstr(decide(other, "3", "2024-01-02T10:02:00Z", "c1"), "\"outcome\":\"approve\""));
    assay_close(a);
    assay_close(other);
}

static void labels_of_the_past_take_effect_after_their_delay(void **state)
{
    static const char seen[] =
        "{\"id\":\"h\",\"at\":\"2024-01-02T08:00:00Z\",\"card\":\"c9\",\"amount\":1,\"fraud\":1}";
    struct assay *a = open_it();

    (void)state;
    assert_int_equal(assay_observe(a, seen, sizeof seen - 1), 0);
    assert_non_null(strstr(decide(a, "1", "2024-01-02T08:30:00Z", "c9"), "\"rules\":[]"));
    assert_non_null(strstr(decide(a, "2", "2024-01-02T09:30:00Z", "c9"), "\"KNOWN\""));
    assay_close(a);
}

static int label(struct assay *a, const char *id, const char *at, const char *card, int said,
                 const char *known)
{
    char json[256];

    snprintf(json, sizeof json, "{\"id\":\"%s\",\"at\":\"%s\",\"card\":\"%s\",\"amount\":5}", id,
             at, card);
    return assay_label(a, json, strlen(json), said, known);
}

static void labels_act_from_when_they_are_known(void **state)
{
    static const char at[] = "2024-01-02T10:00:00Z";
    struct assay *a = open_it();

    (void)state;
    assert_non_null(decide(a, "1", at, "c5"));
    assert_int_equal(label(a, "2", at, "c5", 1, NULL), -1);
    assert_non_null(strstr(assay_error(a), "no event of this id"));
    assert_int_equal(label(a, "1", at, "c6", 1, NULL), -1);
    assert_non_null(strstr(assay_error(a), "another event"));
    assert_int_equal(label(a, "1", at, "c5", 2, NULL), -1);
    assert_int_equal(label(a, "1", at, "c5", 1, "soon"), -1);
    assert_non_null(strstr(assay_error(a), "soon"));
    assert_int_equal(label(a, "1", at, "c5", 1, "2024-01-02T11:30:00Z"), 0);
    assert_non_null(strstr(decide(a, "3", "2024-01-02T11:29:00Z", "c5"), "\"rules\":[]"));
    assert_non_null(strstr(decide(a, "4", "2024-01-02T11:31:00Z", "c5"), "\"KNOWN\""));
    assert_int_equal(label(a, "1", at, "c5", -1, "2024-01-02T11:32:00Z"), 0);
    assert_null(strstr(decide(a, "5", "2024-01-02T11:33:00Z", "c5"), "\"KNOWN\""));
    assay_close(a);
}

static void lists_change_for_the_events_after(void **state)
{
    struct assay *a = open_it();

    (void)state;
    assert_null(strstr(decide(a, "1", "2024-01-02T10:00:00Z", "c5"), "STOPPED"));
    assert_int_equal(assay_list_add(a, "stopped", "c5", NULL), 1);
    assert_int_equal(assay_list_add(a, "stopped", "c6", "never"), 1);
    assert_int_equal(assay_list_add(a, "stopped", "c6", "never"), 0);
    assert_non_null(strstr(decide(a, "2", "2024-01-02T10:00:01Z", "c5"), "STOPPED"));
    assert_int_equal(assay_list_remove(a, "stopped", "c5"), 1);
    assert_int_equal(assay_list_remove(a, "stopped", "c5"), 0);
    assert_null(strstr(decide(a, "3", "2024-01-02T10:00:02Z", "c5"), "STOPPED"));
    assert_int_equal(assay_list_add(a, "started", "c5", NULL), -1);
    assert_non_null(strstr(assay_error(a), "started"));
    assert_int_equal(assay_list_add(a, "stopped", "", NULL), -1);
    assert_int_equal(assay_list_add(a, "stopped", "c5", "tomorrow"), -1);
    assay_close(a);
}

static void a_dry_run_leaves_no_trace(void **state)
{
    static const char event[] =
        "{\"id\":\"1\",\"at\":\"2024-01-02T10:00:00Z\",\"card\":\"c1\",\"amount\":5}";
    struct assay *a = open_it();

    (void)state;
    for (int i = 0; i < 5; i++) {
        const char *answer = assay_decide(a, event, sizeof event - 1, ASSAY_DRY_RUN, NULL);

        assert_non_null(answer);
        assert_non_null(strstr(answer, "\"rules\":[]"));
    }
    assert_int_equal(label(a, "1", "2024-01-02T10:00:00Z", "c1", 1, NULL), -1);
    assay_close(a);
}

static void count_answers(void *context, const char *answer, size_t bytes)
{
    int *seen = context;

    assert_int_equal(strlen(answer), bytes);
    seen[strstr(answer, "\"line\"") != NULL ? 1 : 0]++;
    seen[2] += strstr(answer, "BUSY") != NULL;
}

static void a_batch_is_as_its_lines(void **state)
{
    enum { LINES = 700 }; /* over what runs together */
    struct assay *a = open_it();
    char *text = malloc(LINES * 100), *at = text;
    int seen[3] = {0};

    (void)state;
    assert_non_null(text);
    for (int i = 0; i < LINES; i++)
        at +=
            i % 100 == 50
                ? sprintf(at, "{\"crad\":1}\n\n")
                : sprintf(at, "{\"id\":\"b%d\",\"at\":\"2024-01-02T10:00:00Z\",\"card\":\"c\"}\r\n",
                          i);
    assert_int_equal(assay_decide_batch(a, text, (size_t)(at - text), 0, count_answers, seen),
                     LINES - 7);
    assert_int_equal(seen[0], LINES - 7);
    assert_int_equal(seen[1], 7);
    assert_int_equal(seen[2], LINES - 7 - 2);
    assert_int_equal(assay_decide_batch(a, "", 0, 0, count_answers, seen), 0);
    free(text);
    assay_close(a);
}

static void what_is_refused_changes_nothing(void **state)
{
    static const char no_time[] = "{\"id\":\"1\",\"card\":\"c1\",\"amount\":1}";
    struct assay *a = open_it();

    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_null(assay_decide(a, no_time, sizeof no_time - 1, 0, NULL));
        assert_non_null(strstr(assay_error(a), "time"));
        assert_null(assay_decide(a, "{\"crad\":\"c1\"}", 13, 0, NULL));
        assert_non_null(strstr(assay_error(a), "/crad: "));
        assert_null(assay_decide(a, NULL, 0, 0, NULL));
        assert_int_equal(assay_observe(a, "[", 1), -1);
    }
    assert_non_null(strstr(decide(a, "1", "2024-01-02T10:00:00Z", "c1"), "\"rules\":[]"));
    assay_close(a);
}

static void opening_fails_with_words(void **state)
{
    char words[ASSAY_ERROR_MAX] = "", few[8];

    (void)state;
    assert_null(assay_open("/nonexistent/assay.yaml", NULL, words, sizeof words));
    assert_non_null(strstr(words, "/nonexistent/assay.yaml"));
    assert_null(assay_open("/nonexistent/assay.yaml", NULL, few, sizeof few));
    assert_int_equal(strlen(few), 7);
    assert_null(assay_open(NULL, NULL, NULL, 0));
    assay_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_see_the_state),
        cmocka_unit_test(labels_of_the_past_take_effect_after_their_delay),
        cmocka_unit_test(labels_act_from_when_they_are_known),
        cmocka_unit_test(lists_change_for_the_events_after),
        cmocka_unit_test(a_dry_run_leaves_no_trace),
        cmocka_unit_test(a_batch_is_as_its_lines),
        cmocka_unit_test(what_is_refused_changes_nothing),
        cmocka_unit_test(opening_fails_with_words),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
