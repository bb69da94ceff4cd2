/* Which rows train and which test: by time with a gap for late labels, stratified, or in folds. */
#ifndef ASSAY_TRAIN_SPLIT_H
#define ASSAY_TRAIN_SPLIT_H

#include "shell/run/feed.h"
#include "shell/settings/settings.h"

enum { SPLIT_FOLDS_MAX = 20 };

enum row_part { PART_NONE, PART_TRAIN, PART_TEST };

/* Facts of every row of the feed that splitting and evaluation need. */
struct row_facts {
    uint64_t rows;
    int64_t *time_us;
    uint8_t *label;    /* 0, 1, LABEL_UNKNOWN */
    double *amount;    /* NULL: no amount in the settings */
    uint32_t *entity;  /* the card, 0..n-1; NULL: no entity */
    uint8_t *learns;   /* 1: of a kind that is decided and has labels; NULL: all are */
    uint64_t learning; /* how many */
};

struct split {
    uint8_t *part;  /* per row: PART_*; with folds: 1 + fold */
    uint32_t folds; /* 0: one hold-out */
    int64_t train_from_us, train_until_us, test_from_us,
        test_until_us; /* by time; until exclusive */
    uint64_t train_rows, train_frauds, test_rows, test_frauds;
    uint64_t known_dropped; /* test rows of entities already known fraudulent */
    uint64_t unlabelled;    /* rows left out because their label is unknown */
    char words[256];
};

bool row_facts_collect(struct feed *f, const struct settings *s, struct row_facts *facts,
                       struct error *e) MUST_USE;
void row_facts_free(struct row_facts *facts);

/* Settles the labels first (an absent one may mean legitimate). ERROR_INVALID where a part would
 * have no row or one class only: it says which and what to change. */
bool split_make(struct row_facts *facts, const struct settings *s, struct split *split,
                struct error *e) MUST_USE;
void split_free(struct split *split);

#endif
