/* Random streams for the tests of velocity, and a naive oracle for their results. */
#ifndef ASSAY_TESTS_VELOCITY_STREAM_H
#define ASSAY_TESTS_VELOCITY_STREAM_H

#include "core/velocity/velocity.h"

enum {
    NODE_KEY_A,
    NODE_KEY_B,
    NODE_INT,
    NODE_DECIMAL,
    NODE_REAL,
    NODE_TEXT,
    NODE_BOOL,
    NODE_TIME,
    NODE_WHERE_A,
    NODE_WHERE_B,
    NODE_RESULTS,
    AGGREGATES_MAX = 16,
    NODES = NODE_RESULTS + AGGREGATES_MAX,
    ROWS_MAX = 512,
    STEPS_MAX = ROWS_MAX,
};

struct stream_step {
    uint32_t row, event; /* before this row, that row is labelled */
    uint8_t label;
};

struct stream {
    uint64_t random;
    uint32_t rows;
    uint32_t count; /* of aggregates */
    struct aggregate aggregate[AGGREGATES_MAX];
    struct velocity_options options;
    struct column column[NODES]; /* results: as the oracle has them */
    int64_t time_us[ROWS_MAX];
    uint64_t seq[ROWS_MAX];
    uint8_t insert[ROWS_MAX];
    uint8_t comparable[ROWS_MAX]; /* within lateness: everything it can see is retained */
    int64_t watermark_us[ROWS_MAX];
    struct stream_step step[STEPS_MAX];
    uint32_t steps;
};

void stream_init(struct stream *s, uint64_t seed);
void stream_fini(struct stream *s);
uint32_t stream_random(struct stream *s, uint32_t below);
/* Fill the results' columns by going through all events for every row. */
void stream_oracle(struct stream *s);

#endif
