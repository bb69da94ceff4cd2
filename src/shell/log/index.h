/* What readers on any thread see of a log: which segments there are, where each 64th record stands,
 * and how far it is durable. Own mutex; the log feeds it, log_read asks it. */
#ifndef ASSAY_LOG_INDEX_H
#define ASSAY_LOG_INDEX_H

#include "shell/log/log.h"

enum { INDEX_STEP = 64, INDEX_LOADED_MAX = 256 /* closed segments with offsets in memory */ };

struct index;
struct index *index_new(int directory, const char *path);
void index_free(struct index *x);

void index_add_segment(struct index *x, uint64_t first_seq, bool is_known); /* ascending */
/* A record of the newest segment; only those due are kept. */
void index_note(struct index *x, uint64_t first_seq, uint64_t seq, size_t offset);
void index_set_durable(struct index *x, uint64_t seq, const uint8_t chain[DIGEST_BYTES],
                       size_t more_bytes);

uint64_t index_durable_seq(const struct index *x);
size_t index_bytes(const struct index *x);
void index_chain(struct index *x, uint8_t chain[DIGEST_BYTES]);
uint64_t index_head(struct index *x, uint8_t chain[DIGEST_BYTES]); /* seq and chain together */
/* First seqs from `from` on, for syncing; released with mem_free. */
size_t index_segments(struct index *x, uint64_t from, uint64_t **first);

uint64_t index_first_seq(struct index *x); /* of the records there are */
/* The oldest segment, which is not the newest, is no longer there. */
void index_drop(struct index *x, uint64_t first_seq);
void index_less_bytes(struct index *x, size_t bytes); /* packed, or no longer there */

/* `chain`, where not NULL: the chain value behind it. */
bool index_read(struct index *x, uint64_t seq, struct buffer *into, struct record *r,
                uint8_t chain[DIGEST_BYTES], struct error *e) MUST_USE;

#endif
