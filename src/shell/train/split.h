/* Which rows train and which test: by time with a gap for late labels, stratified, in folds, or by
 * time several times (prequential: Gama et al. 2013; the Fraud Detection Handbook's form with a
 * delay of the labels). */
#ifndef ASSAY_TRAIN_SPLIT_H
#define ASSAY_TRAIN_SPLIT_H

#include "shell/settings/settings.h"
#include "shell/train/facts.h"

enum { SPLIT_FOLDS_MAX = SETTINGS_FOLDS_MAX };

/* Unlabelled: of the time of training, without a known label, and no row of its group is tested;
 * only where row_facts.wants_unlabelled. */
enum row_part { PART_NONE, PART_TRAIN, PART_TEST, PART_UNLABELLED = 255 };

struct split {
    uint8_t *part;  /* per row: PART_*; with folds: 1 + fold */
    uint32_t folds; /* 0: one hold-out */
    int64_t train_from_us, train_until_us, test_from_us,
        test_until_us; /* by time; until exclusive */
    uint64_t train_rows, train_frauds, test_rows, test_frauds;
    uint64_t known_dropped;   /* test rows of entities already known fraudulent */
    uint64_t group_dropped;   /* by time: test rows of groups that training has seen */
    bool has_no_label;        /* row_facts.has_no_label: classes mean nothing */
    uint64_t unlabelled_rows; /* PART_UNLABELLED */
    uint64_t unlabelled;      /* rows left out because their label is unknown */
    char words[640];
};

static inline bool part_has_label(uint8_t part)
{
    return part != PART_NONE && part != PART_UNLABELLED;
}

/* Settles the labels first (an absent one may mean legitimate). ERROR_INVALID where a part would
 * have no row or one class only: it says which and what to change. */
bool split_make(struct row_facts *facts, const struct settings *s, struct split *split,
                struct error *e) MUST_USE;
void split_free(struct split *split);

/* Further splits of the same rows. */
struct split_list {
    struct split *split;
    uint32_t count;
};

/* Prequential: the folds before the latest, which split_make made; none otherwise. */
bool split_earlier(const struct row_facts *facts, const struct settings *s,
                   struct split_list *earlier, struct error *e) MUST_USE;

/* Splits of rows that no test looks at, to choose between settings on: by time where the test is by
 * time, else stratified, of the training rows; with windows of given length, windows that end where
 * the earliest training ends. Those that would lack a class are left out; ERROR_INVALID where none
 * is left, or where every row is tested (folds). */
bool split_inner(const struct row_facts *facts, const struct settings *s,
                 const struct split *latest, const struct split_list *earlier, uint32_t folds,
                 struct split_list *inner, struct error *e) MUST_USE;
void split_list_free(struct split_list *l);

#endif
