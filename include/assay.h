/* Assay inside another program: the plan in force and the state of one shard, without log, store or
 * HTTP.
 *
 *   char words[ASSAY_ERROR_MAX];
 *   struct assay *a = assay_open("assay.yaml", NULL, words, sizeof words);
 *   const char *answer = a ? assay_decide(a, json, strlen(json), NULL) : NULL;
 *
 * Decisions are those that `assay score` and `assay serve` make of the same events in the same
 * order. What is decided or observed changes the state of the handle and nothing else: nothing is
 * recorded, repeated ids are not recognised, and the state ends with the handle. A handle belongs
 * to one thread at a time; several handles are independent of each other.
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
 * zero-terminated, *answer_bytes long (may be NULL), valid until the next call on the handle. NULL
 * where the event is not taken: assay_error says why, the state is as before. */
const char *assay_decide(struct assay *a, const char *json, size_t length, size_t *answer_bytes);

/* The same without a decision: history, in order of time. An event's label field takes effect after
 * the settings' label delay. 0, or -1 where the event is not taken. */
int assay_observe(struct assay *a, const char *json, size_t length);

/* Why the last call failed: one line for each bad field. "" where it did not. */
const char *assay_error(const struct assay *a);

#ifdef __cplusplus
}
#endif

#endif
