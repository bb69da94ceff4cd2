/* The page that `assay train` leaves behind: what was learned from which data, how good it is with
 * what certainty, and what speaks against using it. One HTML file without scripts and without any
 * outside resource, for screens light and dark, phones and paper.
 *
 * Everything is borrowed and only read. Text from the data may hold anything: it is escaped.
 */
#ifndef ASSAY_SHELL_REPORT_REPORT_H
#define ASSAY_SHELL_REPORT_REPORT_H

#include "core/base/buffer.h"
#include "core/stats/metrics.h"

enum {
    REPORT_DRAWN_MAX = 6, /* models drawn side by side: one colour and one dash pattern each */
    REPORT_BYTES_MAX = 16 << 20,
};

struct report_feature {
    const char *name;
    const char *expression;
    double missing_share;
    double min, mean, max; /* NaN for text */
    double importance;     /* loss of average precision when shuffled; NaN = not measured */
    double contribution;   /* mean |contribution| to the log-odds; NaN = not measured */
};

/* One part of the data in time: training, gap, test, ... in order. */
struct report_part {
    const char *name; /* "Training" */
    int64_t from_us, until_us;
    uint64_t rows, frauds;
    bool is_used; /* false for a gap */
};

enum report_finding { REPORT_PASSED, REPORT_NOTE, REPORT_WARNING };

/* One honesty check in words, or a remark that the reader must know. */
struct report_check {
    enum report_finding finding;
    const char *words;
};

/* Figures side by side, ready to be read: cells as text, row by row, the first row the headings. */
struct report_table {
    const char *id, *title;
    const char *note; /* or NULL */
    uint32_t columns, rows;
    const char *const *cell;
    uint32_t words; /* by bit: columns of words, which stand left as the first does */
};

struct report_count {
    const char *words; /* why rows were rejected */
    uint64_t rows;
};

/* A threshold that the settings use, by the name of its outcome. */
struct report_choice {
    const char *name; /* "review" */
    uint32_t row;     /* of metrics.threshold */
};

struct report_model {
    const char *name;    /* "boost" */
    const char *options; /* "300 trees of at most 31 leaves, learning rate 0.1, seed 1" */
    const struct metrics *metrics;
    const struct report_choice *choice;
    uint32_t choices;
};

struct report_data {
    const char *title;
    const char *version; /* of Assay, or NULL */
    int64_t made_us;     /* when, or 0: not said */
    const char *model_file;

    const char *source;
    uint64_t rows, frauds;
    int64_t from_us, until_us;
    uint64_t moved; /* rows that sorting by time moved */
    const struct report_count *reject;
    uint32_t rejects;

    const char *split; /* in words: "by time, with a gap of 7 days for late labels" */
    const struct report_part *part;
    uint32_t parts;

    const struct report_feature *feature;
    uint32_t features;
    uint32_t shuffled, shuffled_frauds; /* rows that importance is measured on; 0: not measured */
    uint32_t explained;                 /* rows that contributions are averaged over; 0: not said */

    const struct report_model *model; /* at least one */
    uint32_t models;                  /* charts have the first REPORT_DRAWN_MAX of them */
    uint32_t best;                    /* the one that was saved: verdict, thresholds, importance;
                                       * among the first */
    double alert_cost;
    const char *money; /* unit, "EUR", or "" */

    const struct report_check *check;
    uint32_t checks;

    const struct report_table *table; /* comparison, folds, search, highest scores */
    uint32_t tables;

    bool has_no_label; /* no event has one: metrics have no figure, frauds mean nothing */
};

void report_write_html(const struct report_data *data, struct buffer *out);

#endif
