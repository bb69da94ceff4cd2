/* The bodies of log records, as values. */
#ifndef ASSAY_RUN_BODY_H
#define ASSAY_RUN_BODY_H

#include "core/decide/engine.h"
#include "shell/log/log.h"

struct plan_body {
    struct text settings; /* settings_print_plan */
    uint8_t id[PLAN_ID_BYTES];
    uint8_t model[DIGEST_BYTES]; /* SHA-256 of the model file, zeros: no model */
};

/* Who asked for what a record holds, and in which request; at the end of the bodies of decisions,
 * labels and list changes. Empty ones take no bytes. */
struct asked {
    struct text caller;  /* "key:ask_3f9a", "user:ann"; empty: nobody was asked who they are */
    struct text request; /* the request's id */
};

enum { ASKED_OVERHEAD = 12 }; /* bytes, beside the texts */

struct event_body {       /* RECORD_OBSERVE and RECORD_DECISION */
    struct text id;       /* of the event, as text */
    struct text event;    /* event_encode */
    struct text decision; /* decision_format; empty in RECORD_OBSERVE */
    struct text values;   /* values_format; empty: not kept (a log of before; too long texts) */
    struct asked asked;
};

/* A label record holds a copy of its event, so that replay needs no look back. */
struct label_body {
    uint64_t seq;        /* of the labelled event's record */
    uint32_t plan;       /* of that record */
    uint8_t label;       /* 0, 1, LABEL_UNKNOWN (taken back) */
    int64_t received_us; /* of the labelled event */
    int64_t effective_us;
    struct text id;     /* of the event, as given */
    struct text source; /* who says so: "chargeback", "review", ... */
    struct text event;  /* event_encode, under the plan of that record */
    struct asked asked;
};

struct history_body {   /* RECORD_HISTORY */
    uint64_t events;    /* observed before this record */
    int64_t until_us;   /* newest event time among them */
    struct text source; /* the file or glob they came from */
};

/* Changes of one list, made together: RECORD_LIST. Values are in their shortest text; the record's
 * time of receipt is when they were added or removed. A list that the plan in force does not have,
 * or a value that is none of its type, is passed over: the plan may have changed since. */
struct list_body {
    struct text list;
    uint8_t origin; /* enum list_origin */
    uint64_t file;  /* the content of its file that this completes; 0: none */
    struct text by; /* who says so */
    uint32_t count; /* of the items, at most LIST_CHANGES_MAX */
    struct text items;
    struct asked asked;
};

struct list_item {
    bool is_removal;
    int64_t expires_us; /* LIST_NEVER */
    struct text value;
    struct text note;
    bool is_again;    /* an entry written again, because its record is to be cut: it moves here, */
    int64_t added_us; /* and came into the list then */
};

void plan_body_format(const struct plan_body *b, struct buffer *out);
bool plan_body_parse(struct text body, struct plan_body *b, struct error *e) MUST_USE;
void event_body_format(const struct event_body *b, struct buffer *out);
bool event_body_parse(struct text body, struct event_body *b, struct error *e) MUST_USE;
void label_body_format(const struct label_body *b, struct buffer *out);
bool label_body_parse(struct text body, struct label_body *b, struct error *e) MUST_USE;
void history_body_format(const struct history_body *b, struct buffer *out);
bool history_body_parse(struct text body, struct history_body *b, struct error *e) MUST_USE;
/* The items are given apart: b->items is not read. */
void list_body_format(const struct list_body *b, const struct list_item *item, struct buffer *out);
bool list_body_parse(struct text body, struct list_body *b, struct error *e) MUST_USE;
/* Item after item of a body that was parsed: `at` begins with reader_init over b->items. */
void list_item_next(struct reader *at, struct list_item *item);

#endif
