#include "shell/run/pass.h"

struct pass_work {
    uint64_t seq[PASS_BATCH];
    int64_t received_us[PASS_BATCH];
    struct decision decisions[PASS_BATCH];
};

static bool run_batch(struct pass *p, struct pass_work *w, const struct frame *f, uint32_t first,
                      uint32_t rows, uint64_t at, struct error *e)
{
    const struct column *time = p->schema->time != FIELD_NONE ? &f->column[p->schema->time] : NULL;
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

bool pass_run(struct pass *p, const struct feed *f, struct error *e)
{
    struct pass_work *w = mem_alloc(sizeof *w);
    uint64_t at = 0;
    bool ok = true;

    for (uint32_t i = 0; i < f->count && ok; i++) {
        const struct frame *frame = &f->frames[i];

        for (uint32_t first = 0; first < frame->rows && ok; first += PASS_BATCH) {
            uint32_t left = frame->rows - first;
            uint32_t rows = left < PASS_BATCH ? left : PASS_BATCH;

            ok = run_batch(p, w, frame, first, rows, at, e);
            at += rows;
        }
        if (ok && !progress_report(p->progress, p->stage, (double)at / (double)f->counts.rows))
            ok = error_set(e, ERROR_CANCELLED, "stopped");
    }
    mem_free(w);
    return ok;
}
