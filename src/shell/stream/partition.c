#include "shell/stream/partition.h"

#include <stdio.h>

#include "core/base/panic.h"
#include "shell/os/file.h"
#include "shell/run/list_feed.h"

enum { FIRST_LIST_RECORD = 1 };

/* The lists as their files have them, in a state that has seen no event. */
static bool fill_lists(const struct partition_options *o, struct partition *p, struct error *e)
{
    uint64_t seq = FIRST_LIST_RECORD;
    struct list_taker taker = {p->state.engine, o->plan, &seq};
    struct list_feed *lists;
    bool ok;

    if (!list_feed_open(o->settings, &lists, e))
        return false;
    ok = list_feed_into_engine(lists, INT64_MAX, &taker, e);
    list_feed_close(lists);
    return ok;
}

/* The newest snapshot at or before `committed`; false: none, and the state is empty. */
static bool restore(const struct partition_options *o, struct partition *p, int64_t committed)
{
    struct state *s = &p->state;
    struct snapshot_head h;
    struct error e;
    bool has_snapshot = false;

    engine_close(s->engine);
    s->engine = NULL;
    state_wipe(s);
    if (committed > 0 &&
        snapshot_read(p->directory, engine_layout(o->plan), (uint64_t)committed, s, &h) &&
        region_open(&s->region, s->memory, s->capacity, h.bytes, engine_layout(o->plan), &e)) {
        has_snapshot = true;
        p->snapshot = (int64_t)h.seq;
    } else {
        state_wipe(s);
        region_init(&s->region, s->memory, s->capacity, engine_layout(o->plan));
    }
    s->engine = engine_open(o->plan, &s->region, &o->state.engine);
    return has_snapshot;
}

bool partition_open(const struct partition_options *o, int32_t number, int64_t committed,
                    int64_t first, struct partition **out, int64_t *lost, struct error *e)
{
    struct partition *p = mem_alloc(sizeof *p);

    p->number = number;
    p->plan = o->plan;
    p->snapshot = -1;
    p->end = INT64_MAX;
    if (snprintf(p->directory, sizeof p->directory, "%s/%s-%d/snapshots", o->directory, o->topic,
                 number) >= (int)sizeof p->directory) {
        mem_free(p);
        return error_set(e, ERROR_INVALID, "path of the data directory is over %d bytes",
                         DATA_PATH_MAX);
    }
    if (!file_make_directories(p->directory, 0777, e) ||
        !state_open(&p->state, o->plan, &o->state, e)) {
        mem_free(p);
        return false;
    }
    if (!restore(o, p, committed) && !fill_lists(o, p, e)) {
        partition_close(p);
        return false;
    }
    p->committed = p->rebuilt = committed > first ? committed : first;
    p->next = p->snapshot > 0 ? p->snapshot : 0;
    *lost = p->next < first && committed > 0 ? first - p->next : 0;
    if (p->next < first)
        p->next = first;
    *out = p;
    return true;
}

void partition_close(struct partition *p)
{
    if (p == NULL)
        return;
    state_close(&p->state);
    mem_free(p);
}

bool partition_is_repeated(struct partition *p, struct intake *in, bool *is_other)
{
    uint32_t at = in->frame.rows - 1;
    struct intake_row *row = &in->row[at];
    const struct id_entry *known;
    struct id_entry entry;

    row->token = engine_id_token(p->state.engine, intake_id(in, at));
    known = engine_id_find(p->state.engine, row->token);
    if (known != NULL) {
        *is_other = known->body != row->body;
        return true;
    }
    entry = (struct id_entry){row->token, row->body, row->seq, row->received_us};
    engine_id_add(p->state.engine, &entry);
    return false;
}

void partition_run(struct partition *p, struct intake *in, struct decision *decisions)
{
    uint64_t seq[INTAKE_ROWS];
    int64_t received_us[INTAKE_ROWS];

    for (uint32_t i = 0; i < in->frame.rows; i++) {
        seq[i] = in->row[i].seq;
        received_us[i] = in->row[i].received_us;
    }
    engine_run(p->state.engine, &in->frame, 0, in->frame.rows, seq, received_us, decisions);
}

bool partition_has_moved(const struct partition *p)
{
    return p->next > 0 && p->next >= p->rebuilt && p->next != p->snapshot;
}

struct snapshot_head partition_head(const struct partition *p)
{
    return (struct snapshot_head){.seq = (uint64_t)p->next,
                                  .history = 1,
                                  .layout = engine_layout(p->plan),
                                  .bytes = region_header(&p->state.region)->used};
}

bool partition_snapshot(struct partition *p, struct error *e)
{
    struct snapshot_head h = partition_head(p);

    ASSERT(p->next == p->committed);
    if (!snapshot_write_bytes(p->directory, &h, p->state.memory, e))
        return false;
    p->snapshot = p->next;
    return true;
}
