#include "shell/run/pass.h"

struct pass_work {
    uint64_t seq[PASS_BATCH];
    int64_t received_us[PASS_BATCH];
    struct decision decisions[PASS_BATCH];
};

/* NULL where events have none. */
static const struct column *times_of(const struct pass *p, const struct frame *f)
{
    int time = plan_schema(p->plan)->time;

    return time != FIELD_NONE ? &f->column[time] : NULL;
}

static bool run_batch(struct pass *p, struct pass_work *w, const struct frame *f, uint32_t first,
                      uint32_t rows, uint64_t at, struct error *e)
{
    const struct column *time = times_of(p, f);
    struct pass_batch b = {.frame = f, .first = first, .rows = rows, .at = at};

    for (uint32_t i = 0; i < rows; i++) {
        w->seq[i] = p->next_seq++;
        w->received_us[i] = time != NULL ? time->integer[first + i] : 0;
    }
    engine_run(p->engine, f, first, rows, w->seq, w->received_us, p->decides ? w->decisions : NULL);
    b.registers = engine_registers(p->engine);
    b.workers = p->workers;
    b.decisions = p->decides ? w->decisions : NULL;
    return p->visit == NULL || p->visit(p->context, &b, e);
}

/* Changes of lists that are due before row `first` are made; *rows is cut at the next ones. */
static bool change_lists(struct pass *p, const struct frame *f, uint32_t first, uint32_t *rows,
                         struct error *e)
{
    const struct column *time = times_of(p, f);
    struct list_taker taker = {p->engine, p->plan, &p->next_seq};
    uint32_t before;

    if (p->lists == NULL)
        return true;
    before = list_feed_rows(p->lists, time, first, *rows);
    if (before == 0) {
        if (!list_feed_into_engine(p->lists, time != NULL ? time->integer[first] : 0, &taker, e))
            return false;
        before = list_feed_rows(p->lists, time, first, *rows);
    }
    *rows = before;
    return true;
}

static bool run_frame(struct pass *p, struct pass_work *w, const struct frame *frame, uint64_t at,
                      struct error *e)
{
    for (uint32_t first = 0, rows; first < frame->rows; first += rows) {
        rows = frame->rows - first < PASS_BATCH ? frame->rows - first : PASS_BATCH;
        if (!change_lists(p, frame, first, &rows, e) ||
            !run_batch(p, w, frame, first, rows, at + first, e))
            return false;
    }
    return true;
}

bool pass_run(struct pass *p, struct feed *f, struct error *e)
{
    struct pass_work *w = mem_alloc(sizeof *w);
    const struct frame *frame = NULL;
    uint64_t at = 0;
    bool ok = feed_begin(f, true, e);

    while (ok && (ok = feed_next(f, &frame, e)) && frame != NULL) {
        ok = run_frame(p, w, frame, at, e);
        at += frame->rows;
        if (ok && !progress_report(p->progress, p->stage, (double)at / (double)f->counts.rows))
            ok = error_set(e, ERROR_CANCELLED, "stopped");
    }
    mem_free(w);
    return ok;
}
