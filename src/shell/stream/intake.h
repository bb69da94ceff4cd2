/* Messages become rows: the same reading, looking up and checking as events over HTTP.
 *
 * A batch is of one partition. What is no event gets words instead. One thread.
 */
#ifndef ASSAY_STREAM_INTAKE_H
#define ASSAY_STREAM_INTAKE_H

#include "core/data/json.h"
#include "core/decide/plan.h"
#include "shell/run/lookup.h"

enum {
    INTAKE_ROWS = 1024,
    INTAKE_ID_MAX = 256,         /* bytes of an event's id, */
    INTAKE_EVENT_MAX = 1 << 20,  /* of an encoded event, */
    INTAKE_TEXT_MAX = 256 << 20, /* and of the texts of a batch */
    INTAKE_VALUE_MAX = 8 << 20,  /* of a message, which producers may have packed, */
    INTAKE_KEY_MAX = 512 << 10,  /* of its key, which its decision has too, */
    INTAKE_TAKEN_MAX = 32 << 20, /* and of the messages of a batch: what one is does not depend on
                                    those beside it */
};

struct intake_row {
    uint64_t seq;         /* of the message: its offset and 1 */
    uint64_t body;        /* event_body_hash */
    struct hash128 token; /* of the id; the partition's */
    int64_t received_us, time_us;
    size_t id_at, id_bytes; /* in intake.ids */
    bool has_own_id;
    struct text key; /* of the message; bytes NULL: none */
};

struct intake {
    const struct plan *plan;
    const struct lookups *lookups;
    enum json_unknown unknown;
    struct json_reader *json;
    struct validation_bench *bench; /* NULL: nothing is refused */
    struct problems problems;
    struct frame frame; /* row by row with: */
    struct intake_row row[INTAKE_ROWS];
    struct buffer ids, encoded, open, personal, words;
    size_t taken; /* bytes of messages since it was cleared, of those that are no events too */
};

/* Plan and lookups outlive it. */
struct intake *intake_new(const struct plan *p, const struct lookups *l, enum json_unknown unknown);
void intake_free(struct intake *in); /* takes NULL */
void intake_clear(struct intake *in);
bool intake_is_full(const struct intake *in);

struct intake_message {
    struct text value, key;
    uint64_t seq;
    int64_t received_us; /* 0: it says none, then it is the event's time */
    const char *topic;
    int32_t partition;
};

/* Appends the message as a row. False: it is no event, and in->words says why. An event without an
 * id gets the place of its message as one: it is the same whenever it is read again. */
bool intake_read(struct intake *in, const struct intake_message *m) MUST_USE;
void intake_drop(struct intake *in); /* the row that was read last */
struct text intake_id(const struct intake *in, uint32_t row);

#endif
