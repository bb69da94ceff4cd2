/* The store: decisions and labels as rows that can be searched. A projection of the log, never the
 * truth: `rm store.sqlite; assay rebuild` gives equal rows. So it keeps only what lists are sorted
 * and filtered by; inputs and reasons of one decision are read from the log at its seq.
 *
 * Two kinds with one behaviour, held by one suite of tests: an SQLite file (sqlite.h), and a
 * PostgreSQL database (postgres_store.h) which several programs may read. One writer, the
 * projector; any number of readers, each with a struct store of its own. A struct store is one
 * thread's at a time.
 */
#ifndef ASSAY_STORE_STORE_H
#define ASSAY_STORE_STORE_H

#include <stdint.h>

#include "core/base/buffer.h"
#include "core/base/cursor.h"
#include "core/base/error.h"
#include "core/base/hash.h"

enum {
    STORE_VERSION = 4,      /* of the SQLite file */
    STORE_BUCKET_BITS = 16, /* of seqs: all pages of the newest bucket are few, and written often */
    STORE_LIMIT_MAX = 1000, /* rows of one answer */
    STORE_CURSOR_MAX = CURSOR_TEXT_MAX,
    STORE_SCAN_MAX = 50000, /* rows of a time range that are sorted rather than scanned by score */
    STORE_STEPS_MAX = 400000000, /* steps of one query inside SQLite: some seconds */
    STORE_LOOK_MAX = 100000,     /* rows that one page looks at, where not every row is in it */
    STORE_BANDS = 20,            /* of the scores in the store's counts */
    STORE_BAND_WIDTH = 50,       /* 1000 is in the last one */
    STORE_MINUTES_DAYS = 3,      /* counts of minutes are kept so long, by time of receipt, */
    STORE_HOURS_DAYS = 100,      /* those of hours so long */
};

/* A row of the table of decisions. As input and as output; texts are borrowed. */
struct store_decision {
    uint64_t seq;
    struct text event_id;
    int64_t received_us, time_us;
    double probability;
    int score;
    struct text outcome, level;
    uint16_t flags;        /* enum decision_flag */
    struct text plan;      /* first 16 hex digits of the plan's id */
    struct text rules;     /* a JSON array of names */
    uint8_t label;         /* 0, 1, LABEL_UNKNOWN; output only */
    const int64_t *entity; /* input only: store_entity of each that it is about, 0 left out */
    uint32_t entities;
};

/* How the store knows an entity: its kind's name with the keyed token of its key, so that no key
 * can be read there. 0 where the token is that of a null key. */
int64_t store_entity(struct text kind, struct hash128 token);

struct store_label {
    uint64_t seq;       /* of the label's record */
    uint64_t event_seq; /* of the labelled event's */
    struct text event_id;
    uint8_t label; /* 0, 1, LABEL_UNKNOWN: taken back */
    struct text source;
    int64_t effective_us, received_us;
};

struct store;

enum store_kind { STORE_SQLITE, STORE_POSTGRES, STORE_KINDS };

struct store_place {
    enum store_kind kind;
    const char *where; /* a file's path; a URL, or NULL for that of DATABASE_URL */
};

/* For people: the path, or the URL without user and password. */
void store_place_print(const struct store_place *place, struct buffer *out);

/* A writer makes the file, or brings the database's schemas up to this version; a reader gets
 * ERROR_NOT_FOUND where there is nothing yet. ERROR_INVALID where another version made it (the
 * hint: what to do). Of a database the writer is alone: another one gets ERROR_CONFLICT. */
enum store_mode { STORE_WRITE, STORE_READ };
bool store_open(const struct store_place *place, enum store_mode mode, struct store **s,
                struct error *e) MUST_USE;
void store_close(struct store *s); /* takes NULL */
const char *store_library(void);   /* the version of SQLite */
/* The same, and where it fails whether what is in the file is no store, or a damaged one. A
 * database that is away, or broken, is neither damaged nor gone: those who keep it bring it back.
 */
bool store_open_checked(const struct store_place *place, enum store_mode mode, struct store **s,
                        bool *is_damaged, struct error *e) MUST_USE;
bool store_is_damaged(const struct store *s); /* something found the file so since it was opened */
bool store_is_there(struct store *s);         /* the file of its path is the one that is open */
/* Deletes what was projected; it is no error where there is nothing. */
bool store_remove(const struct store_place *place, struct error *e) MUST_USE;

/* Writing: everything between begin and commit is one transaction. Rows come in the order of their
 * seq; one whose seq is there already is left as it is, so a repeated projection changes nothing.
 * After a failure of begin, of an addition or of commit: rollback. What is away may come back: then
 * begin succeeds again, and what was committed is what store_projected says. */
bool store_begin(struct store *s, struct error *e) MUST_USE;
bool store_add_decision(struct store *s, const struct store_decision *d, struct error *e) MUST_USE;
bool store_add_label(struct store *s, const struct store_label *l, struct error *e) MUST_USE;
/* projected_seq: the log's records up to here are in the store. */
bool store_commit(struct store *s, uint64_t projected_seq, struct error *e) MUST_USE;
void store_rollback(struct store *s);
bool store_projected(struct store *s, uint64_t *seq, struct error *e) MUST_USE;

/* Reading. */
enum store_sort {
    STORE_TIME_DOWN,
    STORE_TIME_UP,
    STORE_SCORE_DOWN,
    STORE_SCORE_UP,
    STORE_SEQ_DOWN,
    STORE_SEQ_UP,
};

/* "-time", "time", "-score", "score", "-seq", "seq" */
bool store_sort_find(struct text word, enum store_sort *sort) MUST_USE;

struct store_query {
    int64_t from_us, until_us; /* event time, [from, until); INT64_MIN, INT64_MAX: open */
    enum store_sort sort;
    int64_t received_from_us, received_until_us; /* the same of receipt */
    struct text outcome, level, rule;            /* empty: any */
    struct text id_prefix;                       /* of event ids; empty: any */
    int64_t entity;                              /* store_entity; 0: any */
    int min_score, max_score;                    /* 0, PLAN_SCORE_MAX: any */
    bool has_label;                              /* `label` is asked for, LABEL_UNKNOWN included */
    uint8_t label;
    uint32_t limit;     /* 1..STORE_LIMIT_MAX */
    struct text cursor; /* empty: from the start */
};

/* All, newest event first: what a query begins with. */
struct store_query store_query_all(uint32_t limit);

/* Calls `row` for each row in order; its texts live until it returns. `next` becomes the cursor of
 * the following page, or "" where this was the last. Where rows that match are few, a page ends
 * after STORE_LOOK_MAX rows that were looked at: it may be short, or empty, and have a next one.
 * ERROR_USAGE: the cursor is none of this query; ERROR_FULL: more than STORE_STEPS_MAX steps. */
bool store_query(struct store *s, const struct store_query *q,
                 void (*row)(void *context, const struct store_decision *d), void *context,
                 char next[STORE_CURSOR_MAX], struct error *e) MUST_USE;
/* The newest decision of an event id; ERROR_NOT_FOUND. */
bool store_find(struct store *s, struct text event_id, uint64_t *seq, struct error *e) MUST_USE;
/* Seqs of an entity's decisions before `before_seq` (UINT64_MAX: all), the newest first, at most
 * `most`, into `seq`; returns how many through *found. */
bool store_entity_decisions(struct store *s, int64_t entity, uint64_t before_seq, uint64_t *seq,
                            uint32_t most, uint32_t *found, struct error *e) MUST_USE;
/* The label of the decision at seq as the store knows it; LABEL_UNKNOWN where it knows of none. */
bool store_label_of(struct store *s, uint64_t seq, uint8_t *label, struct error *e) MUST_USE;

/* How many decisions there were, by time of receipt: a count for each step of time (whole minutes;
 * from a day on whole hours), outcome and band of scores that has any, the oldest first. */
enum store_span { STORE_MINUTE, STORE_HOUR, STORE_SPANS };

struct store_traffic_query {
    enum store_span span;
    int64_t from_us, until_us; /* whole steps of the span */
    int64_t step_us;           /* a multiple of the span */
};

struct store_traffic {
    int64_t start_us; /* of the step */
    struct text outcome;
    int band;
    uint64_t count;
};

bool store_traffic(struct store *s, const struct store_traffic_query *q,
                   void (*row)(void *context, const struct store_traffic *t), void *context,
                   struct error *e) MUST_USE;
int64_t store_span_us(enum store_span span);
int store_band(int score);

struct store_totals {
    uint64_t decisions, labels, labelled;
};

bool store_count(struct store *s, struct store_totals *t, struct error *e) MUST_USE;

#endif
