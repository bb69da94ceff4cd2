/* What a kind of store does, and what the kinds share; private to store/. */
#ifndef ASSAY_STORE_BACKEND_H
#define ASSAY_STORE_BACKEND_H

#include "shell/store/rows.h"

struct store_ops {
    /* *is_damaged, false before: it failed because what is there is no store, or a broken one. */
    bool (*open)(const char *where, enum store_mode mode, struct store **s, bool *is_damaged,
                 struct error *e);
    bool (*is_there)(struct store *s);
    bool (*remove)(const char *where, struct error *e);
    void (*close)(struct store *s);
    bool (*begin)(struct store *s, struct error *e);
    bool (*add_decision)(struct store *s, const struct store_decision *d, struct error *e);
    bool (*add_label)(struct store *s, const struct store_label *l, struct error *e);
    bool (*commit)(struct store *s, uint64_t projected_seq, struct error *e);
    void (*rollback)(struct store *s);
    bool (*projected)(struct store *s, uint64_t *seq, struct error *e);
    bool (*query)(struct store *s, const struct store_query *q,
                  void (*row)(void *context, const struct store_decision *d), void *context,
                  char next[STORE_CURSOR_MAX], struct error *e);
    bool (*find)(struct store *s, struct text event_id, uint64_t *seq, struct error *e);
    bool (*entity_decisions)(struct store *s, int64_t entity, uint64_t before_seq, uint64_t *seq,
                             uint32_t most, uint32_t *found, struct error *e);
    bool (*label_of)(struct store *s, uint64_t seq, uint8_t *label, struct error *e);
    bool (*traffic)(struct store *s, const struct store_traffic_query *q,
                    void (*row)(void *context, const struct store_traffic *t), void *context,
                    struct error *e);
    bool (*count)(struct store *s, struct store_totals *t, struct error *e);
    bool (*ask)(struct store *s, const char *sql, bool is_kept, const struct store_value *value,
                uint32_t values, const struct store_visitor *v, struct error *e);
};

/* Each kind's own struct begins with it. */
struct store {
    const struct store_ops *ops;
    bool is_damaged; /* a file that SQLite found so; never a database, which is mended by others */
};

extern const struct store_ops sqlite_ops, postgres_ops;

/* By enum store_sort. */
struct store_sorting {
    const char *word;
    const char *order; /* of key and seq */
    char compare;      /* what the next page is to the cursor */
    enum { STORE_KEY_TIME, STORE_KEY_SCORE, STORE_KEY_SEQ } key;
};
extern const struct store_sorting store_sorts[];
int64_t store_key_of(const struct store_query *q, const struct store_decision *d);

/* How long counts of a span are kept, behind the newest one. */
int64_t store_span_keep_us(enum store_span span);

/* Pages go on by key (sort value, seq), never by offset, so a page costs the same however deep it
 * is and rows that arrive meanwhile neither repeat nor hide one. A cursor is that key with a hash
 * of the query it belongs to, in hex; a cursor of another query is refused. */
struct store_cursor {
    int64_t key; /* the score, the time in microseconds, or the seq */
    uint64_t seq;
};
void store_cursor_format(const struct store_query *q, const struct store_cursor *c,
                         char out[STORE_CURSOR_MAX]);
bool store_cursor_parse(const struct store_query *q, struct store_cursor *c,
                        struct error *e) MUST_USE;

#endif
