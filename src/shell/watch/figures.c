#include "shell/watch/figures.h"

#include <stdio.h>
#include <string.h>

#include "shell/watch/watch_inside.h"

static void take_queue(void *context, const struct queue_row *q)
{
    struct watch_figures *f = context;
    struct queue_figures *one;

    if (f->queues == FIGURES_QUEUES)
        return;
    one = &f->queue[f->queues++];
    snprintf(one->name, sizeof one->name, "%.*s", TEXT_ARG(q->queue));
    one->open = (uint64_t)q->open;
    one->claimed = (uint64_t)q->claimed;
    one->oldest_us = q->oldest_us;
}

/* The rows of one alert stand together. */
static void take_disposition(void *context, const struct disposition_row *d)
{
    struct watch_figures *f = context;

    if (f->names == 0 || !text_is(d->name, f->closed[f->names - 1].name)) {
        if (f->names == FIGURES_ALERTS)
            return;
        snprintf(f->closed[f->names++].name, sizeof f->closed[0].name, "%.*s", TEXT_ARG(d->name));
    }
    if (d->disposition < DISPOSITIONS)
        f->closed[f->names - 1].alerts[d->disposition] = (uint64_t)d->alerts;
}

bool figures_read(struct store *s, struct watch_figures *f, struct error *e)
{
    memset(f, 0, sizeof *f);
    return queues_read(s, take_queue, f, e) && dispositions_read(s, take_disposition, f, e);
}

void watch_figures(struct watch *w, struct watch_figures *f)
{
    pthread_mutex_lock(&w->lock);
    *f = *w->figures;
    pthread_mutex_unlock(&w->lock);
    watch_status(w, &f->status);
}
