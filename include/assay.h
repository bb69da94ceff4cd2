/* Assay inside another program: the plan in force and the state of one shard, without log, store or
 * HTTP.
 *
 *   char words[ASSAY_ERROR_MAX];
 *   struct assay *a = assay_open("assay.yaml", NULL, words, sizeof words);
 *   const char *answer = a ? assay_decide(a, json, strlen(json), 0, NULL) : NULL;
 *
 * Decisions are those that `assay score` and `assay serve` make of the same events in the same
 * order, to the bit. What is decided, observed, labelled or listed changes the state of the handle
 * and nothing else: nothing is recorded, an event that comes twice counts twice, and the state ends
 * with the handle.
 *
 * Threads: a handle belongs to one thread at a time, any thread, and starts none of its own;
 * several handles are independent of each other and may run side by side. assay_version may be
 * called by any thread at any time. Do not change the environment while assay_open runs.
 *
 * Texts are UTF-8. What a call returns is the handle's and valid until the next call on it. Out of
 * memory ends the process.
 *
 * Build with: cc program.c $(pkg-config --cflags --libs assay)
 */
#ifndef ASSAY_H
#define ASSAY_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { ASSAY_ERROR_MAX = 1024 }; /* bytes that are enough for any words of assay_open */

/* How to decide: these may be added up. */
enum {
    ASSAY_EXPLAIN = 1, /* reasons also where the outcome is the mildest */
    ASSAY_WORDS = 2,   /* each reason with its sentence, as `text` */
    ASSAY_DRY_RUN = 4, /* decide, and leave the state as it is */
};

struct assay;

const char *assay_version(void); /* "0.1.0" */

/* The plan of a settings file (assay.yaml) with the model that `assay train` made last.
 * `data_directory` goes over that of the settings; NULL leaves theirs. The state is empty: observe
 * what came before. NULL on failure, with words in `error` (may be NULL) cut to error_bytes. */
struct assay *assay_open(const char *settings, const char *data_directory, char *error,
                         size_t error_bytes);
void assay_close(struct assay *a); /* takes NULL */

/* One event as a JSON object, by the field names of the settings' source: decided, then counted in
 * the state. The answer is the object that POST /v1/decisions gives, without `seq`;
 * zero-terminated, *answer_bytes long (may be NULL). NULL where the event is not taken: assay_error
 * says why, the state is as before. */
const char *assay_decide(struct assay *a, const char *json, size_t length, unsigned how,
                         size_t *answer_bytes);

/* The same for a line each of NDJSON, in their order; blank lines are passed over. `take` gets one
 * answer for each, valid until it returns, and must not call into the handle; that of an event
 * which is not taken is {"line":3,"errors":[{"pointer":"/amount","detail":"..."}]}, and the rest
 * goes on. Returns how many events were taken. */
size_t assay_decide_batch(struct assay *a, const char *ndjson, size_t length, unsigned how,
                          void (*take)(void *context, const char *answer, size_t answer_bytes),
                          void *context);

/* The same without a decision: history, in order of time. An event's label field takes effect after
 * the settings' label delay. 0, or -1 where the event is not taken. */
int assay_observe(struct assay *a, const char *json, size_t length);

/* What an event turned out to be: the event as it was decided or observed, with its id. `label` is
 * 1 fraud, 0 legitimate, -1 taken back. `known` is when that became known, as a time such as
 * 2026-04-30T01:13:55Z; NULL is now. It acts on the features of events from that time on; of one
 * event the last word counts. 0, or -1: no such event among the ids that are remembered (`ids` in
 * the settings), another one under its id, or a time that cannot be read. */
int assay_label(struct assay *a, const char *json, size_t length, int label, const char *known);

/* A list of the settings: `value` as text ("7" in a list of numbers). `expires` is "7d", a time or
 * "never"; NULL as the list's settings say. 1 where the list is another now, 0 where it said that
 * already, -1 where it is refused. The change is in force for all events after it. */
int assay_list_add(struct assay *a, const char *list, const char *value, const char *expires);
int assay_list_remove(struct assay *a, const char *list, const char *value);

/* Why the last call failed: one line for each bad field. "" where it did not. */
const char *assay_error(const struct assay *a);

#ifdef __cplusplus
}
#endif

#endif
