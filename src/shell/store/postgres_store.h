/* The store in a PostgreSQL database; private to store/.
 *
 * Schemas: raw (what `assay load` brought), feature, label, score, alert, model, audit. Ours are
 * score.decision, score.entity, label.label, audit.projection and audit.migration; the others wait
 * for what fills them. Rows are what the SQLite store has, with words and timestamps instead of
 * numbers: people read them with psql.
 *
 * score.decision and score.entity are partitioned by month of receipt: the order of the log, which
 * no sender can steer, so a month is dropped whole. Partitions are made one month ahead of what is
 * written, by a function of the owner's, so that the writer needs no right to make tables.
 *
 * A batch is one transaction: COPY of its rows, the labels onto their decisions, audit.projection.
 * Rows at or below audit.projection are left out, so a batch whose commit was not heard of is safe
 * to repeat. Commits are asynchronous: a crash of the server may lose the newest, never a part of
 * one, and the writer then goes on from what audit.projection says.
 */
#ifndef ASSAY_STORE_POSTGRES_STORE_H
#define ASSAY_STORE_POSTGRES_STORE_H

#include "core/base/calendar.h"
#include "shell/link/postgres.h"
#include "shell/store/backend.h"

enum {
    POSTGRES_QUERY_MS = 5000, /* of one reader's statement */
    POSTGRES_MONTHS_MAX = 64, /* known to have partitions; then asked for again */
};

struct postgres_store {
    struct store is;
    struct postgres *db;
    enum store_mode mode;
    uint64_t session; /* for which the session was set up */

    /* the writer's */
    uint64_t projected;                    /* as the database has it */
    uint64_t decision_seq, label_seq;      /* the newest row of the batch */
    struct buffer decision, entity, label; /* rows of the batch, in COPY's form */
    int32_t wanted[POSTGRES_MONTHS_MAX];   /* months since year 0 of the batch's rows */
    int32_t known[POSTGRES_MONTHS_MAX];    /* that have partitions */
    uint32_t wanted_count, known_count;
    bool is_open; /* a transaction */
};

#define POSTGRES_WATCH "alert." /* the schema of alerts and cases: "@" of rows.h */

static inline struct postgres_store *postgres_of(struct store *is)
{
    return (struct postgres_store *)is; /* its first member */
}

/* Whether the database has our schemas in this version; *has false where it has none at all.
 * ERROR_INVALID for a newer version or, of a reader, an older one. */
bool postgres_schema_check(struct postgres *db, bool *has, bool *is_old, struct error *e) MUST_USE;
/* Brings them up to this version: forward only, in one transaction, under a lock. */
bool postgres_schema_migrate(struct postgres *db, struct error *e) MUST_USE;

/* Connected, and the session set up for the store's mode. */
bool postgres_store_ready(struct postgres_store *s, struct error *e) MUST_USE;

/* "2026-11-21T17:24:10Z"; "infinity" past what a calendar has. */
const char *postgres_time(int64_t time_us, char out[TIME_TEXT_MAX]);

bool postgres_query(struct store *is, const struct store_query *q,
                    void (*row)(void *context, const struct store_decision *d), void *context,
                    char next[STORE_CURSOR_MAX], struct error *e) MUST_USE;
bool postgres_find(struct store *is, struct text event_id, uint64_t *seq, struct error *e) MUST_USE;
bool postgres_entity_decisions(struct store *is, int64_t entity, uint64_t before_seq, uint64_t *seq,
                               uint32_t most, uint32_t *found, struct error *e) MUST_USE;
bool postgres_label_of(struct store *is, uint64_t seq, uint8_t *label, struct error *e) MUST_USE;
bool postgres_traffic(struct store *is, const struct store_traffic_query *q,
                      void (*row)(void *context, const struct store_traffic *t), void *context,
                      struct error *e) MUST_USE;
bool postgres_store_ask(struct store *is, const char *sql, bool is_kept,
                        const struct store_value *value, uint32_t values,
                        const struct store_visitor *v, struct error *e) MUST_USE;
bool postgres_count(struct store *is, struct store_totals *t, struct error *e) MUST_USE;

#endif
