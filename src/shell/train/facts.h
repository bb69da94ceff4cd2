/* Facts of every row of the feed that splitting, evaluation and checks need, taken in one pass. */
#ifndef ASSAY_TRAIN_FACTS_H
#define ASSAY_TRAIN_FACTS_H

#include "shell/run/feed.h"
#include "shell/settings/settings.h"

enum { FACTS_IDS_MAX = 200000 /* rows; with more, ids are not kept */ };

/* A field of times, besides the event's own. */
struct time_fact {
    int field;
    uint64_t rows;  /* that have it */
    uint64_t later; /* where it lies after the event */
};

struct row_facts {
    uint64_t rows;
    int64_t *time_us;
    uint8_t *label;    /* 0, 1, LABEL_UNKNOWN */
    double *amount;    /* NULL: no amount in the settings */
    uint32_t *entity;  /* the card, 0..n-1; NULL: no entity */
    uint32_t *group;   /* whose rows stay on one side, 0..n-1; NULL: no such wish */
    uint8_t *learns;   /* 1: of a kind that is decided and has labels; NULL: all are */
    uint64_t learning; /* how many */
    bool has_no_label; /* split_make says so: no event has one, and the kind of model needs none;
                          all are 0 then, which means nothing */
    bool wants_unlabelled; /* a recipe can use training rows without a label */
    uint64_t *content; /* hash of all cells but the id; NULL: the split is by time, where rows on
                          both sides differ */
    struct text *id;   /* NULL: no ids, or too many rows */
    struct arena texts;
    struct time_fact *times;
    uint32_t time_count;
};

bool row_facts_collect(struct feed *f, const struct settings *s, struct row_facts *facts,
                       struct error *e) MUST_USE;
void row_facts_free(struct row_facts *facts);

#endif
