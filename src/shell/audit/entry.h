/* One record of either log as an entry of the audit. */
#ifndef ASSAY_AUDIT_ENTRY_H
#define ASSAY_AUDIT_ENTRY_H

#include "core/data/json.h"
#include "shell/audit/trail.h"

struct entry_writer; /* what it needs; one thread */
struct entry_writer *entry_writer_new(const char *shard_directory);
void entry_writer_free(struct entry_writer *w);

/* Appends the entry where the filter takes it; *taken says whether. `chain` is the record's. */
bool entry_of_decision(struct entry_writer *w, const struct record *r,
                       const uint8_t chain[DIGEST_BYTES], const struct trail_filter *f,
                       struct buffer *out, bool *taken, struct error *e) MUST_USE;
bool entry_of_control(struct entry_writer *w, const struct record *r,
                      const uint8_t chain[DIGEST_BYTES], const struct trail_filter *f,
                      struct buffer *out, bool *taken, struct error *e) MUST_USE;

#endif
