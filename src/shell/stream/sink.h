/* A sink: where decisions go beside the topic of decisions.
 *
 * A batch of rows is added while a transaction is filled; then all sinks deliver; then the
 * transaction is committed, and with it the group's position. So a sink may be given rows again
 * that it has: after a crash between the two. Each kind keeps an event once nevertheless, by the
 * means that its file says.
 *
 *   open { assign (add* deliver committed)* revoke } close      forget: in place of committed
 *
 * Kinds are rows of sink_kinds (sink.c); one suite of tests holds them all to this. One thread.
 */
#ifndef ASSAY_STREAM_SINK_H
#define ASSAY_STREAM_SINK_H

#include "core/decide/decision.h"
#include "shell/settings/settings.h"
#include "shell/stream/outbox.h"

/* One decision; texts live until add returns. */
struct sink_row {
    struct text id;
    struct text json; /* as HTTP answers it */
    struct text key;  /* of the message; bytes NULL: none */
    int32_t partition;
    int64_t offset;
    int64_t time_us, received_us;
    const struct plan *plan;
    const struct decision *decision;
};

struct sink_context {
    const struct settings *settings;
    const char *topic;     /* that the events come from */
    struct outbox *outbox; /* of the transaction */
};

struct sink;

struct sink_ops {
    const char *name;
    bool (*open)(const struct sink_setting *s, const struct sink_context *c, struct sink **out,
                 struct error *e);
    void (*close)(struct sink *s);
    /* The partition is ours from `committed` on: what the sink has of it behind that is taken back,
     * or will be known again. NULL: nothing to do. */
    bool (*assign)(struct sink *s, int32_t partition, int64_t committed, struct error *e);
    void (*revoke)(struct sink *s); /* of all; NULL: nothing to do */
    /* Into memory. */
    bool (*add)(struct sink *s, const struct sink_row *r, struct error *e);
    /* All that was added is durable. ERROR_WORLD, ERROR_FULL: it is tried again, with the same.
     * NULL, and `committed` too: it is in the transaction itself. */
    bool (*deliver)(struct sink *s, struct error *e);
    /* The group's position is behind it. */
    bool (*committed)(struct sink *s, struct error *e);
    void (*forget)(struct sink *s); /* what was added and is not committed */
    /* With --once: everything was read and is committed. NULL: nothing to do. */
    bool (*through)(struct sink *s, struct error *e);
};

/* Each kind's own struct begins with it. */
struct sink {
    const struct sink_ops *ops;
    const struct sink_setting *setting;
};

bool sink_open(const struct sink_setting *s, const struct sink_context *c, struct sink **out,
               struct error *e) MUST_USE;

extern const struct sink_ops sink_topic_ops, sink_csv_ops, sink_table_ops, sink_sqlite_ops,
    sink_notify_ops;

#endif
