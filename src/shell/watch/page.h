/* Reading alerts and cases: single rows, and pages of them by key, never by offset. */
#ifndef ASSAY_WATCH_PAGE_H
#define ASSAY_WATCH_PAGE_H

#include "shell/watch/watch.h"
#include "shell/watch/words.h"

enum { PAGE_CURSOR_MAX = 64, PAGE_LIMIT_MAX = 500 };

struct alert_row {
    int64_t id;
    struct text name, queue, kind;
    int64_t entity;
    enum alert_state state; /* ALERT_SNOOZED as of the query's now */
    int64_t snoozed_us;
    struct text assignee;
    enum disposition disposition;
    int64_t case_id, version, decisions, score, priority, amount;
    bool has_amount;
    int64_t first_us, last_us, raised_us, hit_us, first_seq, last_seq;
    struct text event_id, outcome, rules, closed_by;
    int64_t closed_us;
};

enum alert_choice {
    ALERTS_ACTIVE, /* open and claimed ones, but for those that sleep */
    ALERTS_OPEN,
    ALERTS_CLAIMED,
    ALERTS_SNOOZED,
    ALERTS_CLOSED,
    ALERTS_ANY,
};

bool alert_choice_find(struct text word, enum alert_choice *c) MUST_USE;
extern const char alert_choices[]; /* "active|open|..." */
extern const char alert_sorts[];

struct alert_query {
    enum alert_choice state;
    struct text queue, name, assignee, rule, text; /* empty: any */
    int64_t entity;                                /* store_entity; 0: any */
    int64_t case_id;                               /* 0: any */
    enum disposition disposition;                  /* NONE: any */
    int min_score;
    int64_t from_us, until_us; /* raised in [from, until) */
    int sort;                  /* alert_sort_find */
    int64_t now_us;
    uint32_t limit;
    struct text cursor;
};

struct alert_query alert_query_all(uint32_t limit, int64_t now_us);
bool alert_sort_find(struct text word, int *sort) MUST_USE;
/* `next` as store_query's. */
bool alert_page(struct store *s, const struct alert_query *q,
                void (*row)(void *context, const struct alert_row *a), void *context,
                char next[PAGE_CURSOR_MAX], struct error *e) MUST_USE;
/* Calls `row` once, or ERROR_NOT_FOUND. */
bool alert_find(struct store *s, int64_t id, int64_t now_us,
                void (*row)(void *context, const struct alert_row *a), void *context,
                struct error *e) MUST_USE;

struct member_row {
    uint64_t seq;
    struct text event_id, outcome;
    int64_t time_us, score, amount;
    bool has_amount;
};

/* Decisions of an alert, the newest first, at most `most`. */
bool alert_members(struct store *s, int64_t alert, uint32_t most,
                   void (*row)(void *context, const struct member_row *m), void *context,
                   struct error *e) MUST_USE;
/* All that a case has: its alerts' and those linked by hand, by seq, each once. */
bool case_members(struct store *s, int64_t casefile, uint32_t most,
                  void (*row)(void *context, const struct member_row *m), void *context,
                  struct error *e) MUST_USE;

struct entry_row {
    uint64_t seq; /* in the control log */
    int64_t at_us;
    struct text actor, name, what, note, data;
};

/* The timeline, oldest first: of an alert, or of a case. */
bool entries_read(struct store *s, int64_t alert, int64_t casefile, uint32_t most,
                  void (*row)(void *context, const struct entry_row *m), void *context,
                  struct error *e) MUST_USE;

struct case_row {
    int64_t id;
    struct text title, assignee, opened_by;
    enum case_state state;
    enum disposition disposition;
    int64_t version, opened_us, changed_us, closed_us, note_bytes, alerts, decisions;
};

struct case_query {
    bool has_state;
    enum case_state state;
    struct text assignee, text;
    enum disposition disposition;
    int64_t entity; /* linked to it by its alerts or by hand; 0: any */
    uint32_t limit;
    struct text cursor;
};

/* The last changed first. */
bool case_page(struct store *s, const struct case_query *q,
               void (*row)(void *context, const struct case_row *c), void *context,
               char next[PAGE_CURSOR_MAX], struct error *e) MUST_USE;
bool case_find(struct store *s, int64_t id, void (*row)(void *context, const struct case_row *c),
               void *context, struct error *e) MUST_USE;

struct entity_row {
    struct text kind;
    int64_t entity;
    uint64_t seq; /* of a decision of it */
};

/* How many entities were linked to it by hand. */
bool case_entity_count(struct store *s, int64_t casefile, int64_t *count, struct error *e) MUST_USE;
/* Those of its alerts and those linked by hand, each once. */
bool case_entities(struct store *s, int64_t casefile,
                   void (*row)(void *context, const struct entity_row *r), void *context,
                   struct error *e) MUST_USE;

struct view_row {
    struct text name, query;
    int64_t changed_us;
};

bool views_read(struct store *s, struct text owner,
                void (*row)(void *context, const struct view_row *v), void *context,
                struct error *e) MUST_USE;

/* For metrics and the head of a queue. */
struct queue_row {
    struct text queue;
    int64_t open, claimed, oldest_us; /* raised; of those not closed */
};

bool queues_read(struct store *s, void (*row)(void *context, const struct queue_row *q),
                 void *context, struct error *e) MUST_USE;
/* Closed alerts by alert and disposition. */
struct disposition_row {
    struct text name;
    enum disposition disposition;
    int64_t alerts;
};

bool dispositions_read(struct store *s, void (*row)(void *context, const struct disposition_row *d),
                       void *context, struct error *e) MUST_USE;

#endif
