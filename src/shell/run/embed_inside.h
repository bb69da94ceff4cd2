/* What the parts of the embedding API share. */
#ifndef ASSAY_RUN_EMBED_INSIDE_H
#define ASSAY_RUN_EMBED_INSIDE_H

#include "core/data/json.h"
#include "include/assay.h"
#include "shell/run/current.h"
#include "shell/run/lookup.h"
#include "shell/run/state.h"

enum {
    EMBED_ROWS = 256,         /* of a batch that are run together */
    EMBED_TEXT_MAX = 4 << 20, /* bytes of their texts */
};

/* An event of the frame, by row. */
struct embed_row {
    size_t id, id_bytes; /* in `ids` */
    bool has_own_id;
    uint64_t body; /* hash of the event's bytes */
};

struct assay {
    struct settings *settings;
    struct current current;
    struct lookups *lookups;
    struct state state;
    struct json_reader *json;
    struct frame event;
    struct problems problems;
    struct validation_bench *bench; /* NULL: nothing is refused */
    struct embed_row row[EMBED_ROWS];
    uint64_t row_seq[EMBED_ROWS];
    int64_t row_received_us[EMBED_ROWS];
    struct decision decision[EMBED_ROWS];
    struct buffer ids, encoded, answer, words;
    const char *error; /* into words, or "" */
    uint64_t seq;      /* of the newest change */
};

void embed_begin(struct assay *a); /* of a call: no error yet */
void embed_fail(struct assay *a, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
