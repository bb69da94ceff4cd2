/* The bodies of log records, as values. */
#ifndef ASSAY_RUN_BODY_H
#define ASSAY_RUN_BODY_H

#include "core/decide/engine.h"
#include "shell/log/log.h"

struct plan_body {
    struct text settings;              /* settings_print_plan */
    uint8_t id[PLAN_ID_BYTES];
    uint8_t model[DIGEST_BYTES];       /* SHA-256 of the model file, zeros: no model */
};

struct event_body {                    /* RECORD_OBSERVE and RECORD_DECISION */
    struct text event;                 /* record_encode */
    struct text decision;              /* decision_format; empty in RECORD_OBSERVE */
};

struct label_body {
    uint64_t seq;                      /* of the labelled event */
    uint8_t label;                     /* 0, 1, LABEL_UNKNOWN (taken back) */
    int64_t effective_us;
    struct text id;                    /* of the event, as given */
    struct text source;                /* who says so: "chargeback", "review", ... */
};

void plan_body_format(const struct plan_body *b, struct buffer *out);
bool plan_body_parse(struct text body, struct plan_body *b, struct error *e) MUST_USE;
void event_body_format(const struct event_body *b, struct buffer *out);
bool event_body_parse(struct text body, struct event_body *b, struct error *e) MUST_USE;
void label_body_format(const struct label_body *b, struct buffer *out);
bool label_body_parse(struct text body, struct label_body *b, struct error *e) MUST_USE;

#endif
