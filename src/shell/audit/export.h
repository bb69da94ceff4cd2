/* The audit as a file: one entry a line (NDJSON), oldest first, and a last line that says what is
 * in it:
 *
 *   {"manifest":{"entries":1200,"decisions":1100,"control":100,"from":...,"to":...,
 *     "first_decisions":..,"last_decisions":..,"first_control":..,"last_control":..,
 *     "decisions_head":{"seq":..,"chain":..},"control_head":{...},"filter":{...},
 *     "sha256":"<of all lines before>","checkpoint":{...}}}
 *
 * The checkpoint (log "audit", seq: the entries, chain: the SHA-256) is signed by the key of the
 * data directory; null without one. */
#ifndef ASSAY_AUDIT_EXPORT_H
#define ASSAY_AUDIT_EXPORT_H

#include "shell/audit/checkpoint.h"
#include "shell/audit/trail.h"

struct export_options {
    struct trail_options trail;      /* ascending; limit and work are the export's */
    const struct signature_key *key; /* NULL: not signed */
    int64_t now_us;
    /* Takes bytes in order; false stops with the error that it set. */
    bool (*write)(void *context, struct text bytes, struct error *e);
    void *context;
};

bool audit_export(const struct export_options *o, struct trail_counts *c, struct error *e) MUST_USE;

#endif
