#include "shell/stream/snapshots.h"

#include <stdatomic.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "shell/os/clock.h"
#include "shell/run/freeze.h"
#include "shell/run/snapshot.h"
#include "shell/stream/aside.h"

enum step { RESTING, PREPARING, FROZEN, WRITING };

struct snapshots {
    int64_t every_us, begun_us; /* when the round began */
    size_t copies_max;
    struct stream_status *status;
    struct aside *aside;
    enum step step;
    bool is_round;               /* partitions from `turn` on have theirs still to come */
    uint32_t turn;               /* whose it is */
    struct partition *partition; /* PREPARING and later: of the turn */
    struct freeze *freeze;       /* the thread's while it prepares and writes */
    struct snapshot_head head;
    _Atomic bool is_stopping;
    bool is_ready; /* what the thread did was done */
    struct error e;
};

struct snapshots *snapshots_new(int64_t every_us, size_t copies_max, struct stream_status *status)
{
    struct snapshots *s = mem_alloc(sizeof *s);

    s->every_us = every_us;
    s->begun_us = clock_monotonic_us();
    s->copies_max = copies_max;
    s->status = status;
    s->aside = aside_new("assay-snapshot", true);
    return s;
}

void snapshots_free(struct snapshots *s)
{
    if (s == NULL)
        return;
    ASSERT(s->step == RESTING);
    aside_free(s->aside);
    freeze_free(s->freeze);
    mem_free(s);
}

/* ---- the thread ---- */

static void prepare(void *context)
{
    struct snapshots *s = context;
    size_t capacity = s->partition->state.capacity;

    if (s->freeze == NULL || freeze_bytes_max(s->freeze) < capacity) {
        freeze_free(s->freeze);
        s->freeze = freeze_new(capacity, FREEZE_BLOCK_LOG, s->copies_max, &s->e);
    }
    s->is_ready = s->freeze != NULL;
    if (s->is_ready)
        freeze_prepare(s->freeze, s->head.bytes + s->head.bytes / 8);
}

static bool read_frozen(void *context, size_t chunk, void *out, struct error *e)
{
    struct snapshots *s = context;

    if (atomic_load(&s->is_stopping))
        return error_set(e, ERROR_CANCELLED, "stopped");
    return freeze_read(s->freeze, chunk, out) ||
           error_set(e, ERROR_FULL,
                     "a snapshot was given up: more of the state changed while it was written "
                     "than %zu MiB; raise snapshot.memory",
                     s->copies_max >> 20);
}

static void write_frozen(void *context)
{
    struct snapshots *s = context;
    struct snapshot_source from = {read_frozen, s};

    s->is_ready = snapshot_write(s->partition->directory, &s->head, &from, &s->e);
    freeze_over(s->freeze);
}

/* ---- the worker's thread ---- */

/* Only an aid: without it more is read again. */
static void note(struct snapshots *s, bool ok)
{
    if (ok)
        stream_count(s->status, STREAM_SNAPSHOTS, 1);
    else if (s->e.kind != ERROR_CANCELLED)
        stream_status_trouble(s->status, s->e.text);
}

static void begin_next(struct snapshots *s, struct partition *const *p, uint32_t count)
{
    int64_t now_us = clock_monotonic_us();

    if (!s->is_round && now_us - s->begun_us >= s->every_us) {
        s->is_round = true;
        s->begun_us = now_us;
        s->turn = 0;
    }
    while (s->is_round && s->turn < count &&
           (p[s->turn] == NULL || !partition_has_moved(p[s->turn])))
        s->turn++;
    if (!s->is_round || s->turn == count) {
        s->is_round = false;
        return;
    }
    s->partition = p[s->turn++];
    s->head.bytes = region_header(&s->partition->state.region)->used;
    s->step = PREPARING;
    aside_start(s->aside, prepare, s);
}

static void freeze_now(struct snapshots *s)
{
    struct partition *p = s->partition;

    s->head = partition_head(p);
    if (!s->is_ready || s->head.bytes > freeze_bytes_max(s->freeze)) {
        note(s, s->is_ready);
        s->step = RESTING;
        return;
    }
    engine_watch(p->state.engine, freeze_begin(s->freeze, p->state.memory, s->head.bytes));
    s->step = FROZEN;
}

static void unfreeze(struct snapshots *s)
{
    engine_watch(s->partition->state.engine, NULL);
    freeze_end(s->freeze);
    s->step = RESTING;
}

void snapshots_cut(struct snapshots *s, struct partition *const *p, uint32_t count)
{
    snapshots_look(s);
    if (s->step == RESTING)
        begin_next(s, p, count);
    else if (s->step == PREPARING && aside_is_done(s->aside))
        freeze_now(s);
}

void snapshots_committed(struct snapshots *s)
{
    if (s->step != FROZEN)
        return;
    s->step = WRITING;
    aside_start(s->aside, write_frozen, s);
}

void snapshots_look(struct snapshots *s)
{
    if (s->step != WRITING || !aside_is_done(s->aside))
        return;
    note(s, s->is_ready);
    if (s->is_ready)
        s->partition->snapshot = (int64_t)s->head.seq;
    unfreeze(s);
}

void snapshots_stop(struct snapshots *s)
{
    atomic_store(&s->is_stopping, true);
    aside_wait(s->aside);
    atomic_store(&s->is_stopping, false);
    snapshots_look(s);
    if (s->step == FROZEN) {
        freeze_over(s->freeze);
        unfreeze(s);
    }
    s->step = RESTING;
    s->is_round = false;
}

void snapshots_now(struct snapshots *s, struct partition *const *p, uint32_t count)
{
    snapshots_stop(s);
    for (uint32_t i = 0; i < count; i++) {
        if (p[i] != NULL && partition_has_moved(p[i]) && p[i]->next == p[i]->committed)
            note(s, partition_snapshot(p[i], &s->e));
    }
    s->begun_us = clock_monotonic_us();
}
