/* Decides payments in this process: no server, no log.
 *
 *   decide SETTINGS HISTORY EVENTS
 *
 * HISTORY and EVENTS are NDJSON, an event a line, oldest first. What is in HISTORY (with its label)
 * is observed, so that windows are warm; each of EVENTS is decided and its answer printed as JSON.
 * What is declined goes to a list for a day, and is told as fraud, as a review might find out.
 */
#include <assay.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const char *what, const char *words)
{
    fprintf(stderr, "decide: %s: %s\n", what, words);
    return EXIT_FAILURE;
}

/* The member's text, as far as it fits; there are no escapes in those asked for. */
static void text_of(const char *json, const char *member, char *out, size_t bytes)
{
    char key[64];
    const char *at;

    snprintf(key, sizeof key, "\"%s\":\"", member);
    at = strstr(json, key);
    snprintf(out, bytes, "%.*s", at != NULL ? (int)strcspn(at + strlen(key), "\"") : 0,
             at != NULL ? at + strlen(key) : "");
}

static bool observe_all(struct assay *a, FILE *f, const char *name)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length;

    while ((length = getline(&line, &room, f)) > 0) {
        if (assay_observe(a, line, (size_t)length) == 0)
            continue;
        fail(name, assay_error(a));
        break;
    }
    free(line);
    return length <= 0;
}

/* After a decline: the terminal is blocked for a day, and the event is called a fraud. */
static bool learn(struct assay *a, const char *event, size_t length)
{
    char terminal[32], known[64];
    const char *at = strstr(event, "\"terminal_id\":");

    text_of(event, "timestamp", known, sizeof known); /* the past, lived again: found out at once */
    snprintf(terminal, sizeof terminal, "%ld", at != NULL ? strtol(at + 14, NULL, 10) : 0L);
    return assay_label(a, event, length, 1, known) == 0 &&
           assay_list_add(a, "blocked_terminals", terminal, "1d") >= 0;
}

static bool decide_all(struct assay *a, FILE *f, const char *name)
{
    char *line = NULL, outcome[32];
    size_t room = 0;
    ssize_t length;

    while ((length = getline(&line, &room, f)) > 0) {
        const char *answer =
            assay_decide(a, line, (size_t)length, ASSAY_EXPLAIN | ASSAY_WORDS, NULL);

        if (answer == NULL) { /* not an event: tell it and go on */
            fail(name, assay_error(a));
            continue;
        }
        puts(answer);
        text_of(answer, "outcome", outcome, sizeof outcome);
        if (strcmp(outcome, "decline") == 0 && !learn(a, line, (size_t)length)) {
            fail(name, assay_error(a));
            break;
        }
    }
    free(line);
    return length <= 0;
}

int main(int argc, char **argv)
{
    char words[ASSAY_ERROR_MAX];
    struct assay *a;
    FILE *history, *events;
    bool ok;

    if (argc != 4)
        return fail("usage", "decide SETTINGS HISTORY EVENTS");
    history = fopen(argv[2], "r");
    events = fopen(argv[3], "r");
    if (history == NULL || events == NULL)
        return fail(history == NULL ? argv[2] : argv[3], "cannot be opened");
    a = assay_open(argv[1], NULL, words, sizeof words);
    if (a == NULL)
        return fail(argv[1], words);
    ok = observe_all(a, history, argv[2]) && decide_all(a, events, argv[3]);
    assay_close(a);
    fclose(history);
    fclose(events);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
