/* What metrics say of alerts: read from the store every FIGURES_EVERY_US, by the labeller. */
#ifndef ASSAY_WATCH_FIGURES_H
#define ASSAY_WATCH_FIGURES_H

#include "core/decide/alerts.h"
#include "shell/watch/page.h"

enum { FIGURES_QUEUES = 64, FIGURES_ALERTS = 64, FIGURES_EVERY_US = 5000000 };

struct queue_figures {
    char name[ALERT_NAME_MAX + 1];
    uint64_t open, claimed;
    int64_t oldest_us; /* when it was raised */
};

struct closed_figures {
    char name[ALERT_NAME_MAX + 1];
    uint64_t alerts[DISPOSITIONS];
};

struct watch_figures {
    uint32_t queues, names; /* beyond the room: left out */
    struct queue_figures queue[FIGURES_QUEUES];
    struct closed_figures closed[FIGURES_ALERTS];
    struct watch_status status;
};

bool figures_read(struct store *s, struct watch_figures *f, struct error *e) MUST_USE;
/* The last that were read. */
void watch_figures(struct watch *w, struct watch_figures *f);

#endif
