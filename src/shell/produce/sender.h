/* Records into a topic of Kafka: keyed, at a rate, in batches whose delivery is waited for and
 * counted.
 *
 * A batch is held here until the brokers have it (link/kafka.h borrows bytes). A record that is too
 * large for the topic, or that was not delivered within the client's patience, is counted as
 * failed, and the rest goes on. One thread.
 */
#ifndef ASSAY_PRODUCE_SENDER_H
#define ASSAY_PRODUCE_SENDER_H

#include "shell/link/kafka.h"

enum {
    SENDER_BATCH_BYTES = 8 << 20, /* a batch is sent when it has so many, */
    SENDER_FIELD_MAX = 256,       /* bytes of the name of a field */
    SENDER_BARREN_MAX = 3,        /* batches in a row of which nothing is delivered: it ends */
    SENDER_STOP_MS = 30000,       /* waiting for delivery after a stop, at most */
};

struct sender_options {
    struct kafka_options kafka;
    const char *topic;
    const char *key; /* field whose value is the key: name, or names with dots; NULL: no key */
    const char *id;  /* field by which a record that comes again is left out; NULL: all are sent */
    const struct kafka_header *header;
    uint32_t headers;
    double rate;              /* records a second; 0: as fast as it goes */
    bool (*is_stopped)(void); /* asked while it waits */
};

struct sender_counts {
    uint64_t sent;        /* delivered */
    uint64_t failed;      /* not */
    uint64_t repeated;    /* left out by their id */
    uint64_t without_key; /* sent without, because the field is absent or null */
    uint64_t bytes;       /* of the records, without keys */
};

struct sender;

/* The options and what they name are borrowed. */
bool sender_open(const struct sender_options *o, struct sender **s, struct error *e) MUST_USE;
void sender_close(struct sender *s); /* what is not flushed is gone */
/* A valid JSON object; copied. Waits for the rate; sends full batches. False where nothing can be
 * sent any more. */
bool sender_add(struct sender *s, struct text record, struct error *e) MUST_USE;
/* Waits until all is delivered or given up. */
bool sender_flush(struct sender *s, struct error *e) MUST_USE;
void sender_counts(const struct sender *s, struct sender_counts *c);
/* What the first record failed with; "": none has. */
const char *sender_failure(const struct sender *s);

#endif
