/* How far a margin can be trusted: tables of steps, and their look-up. */
#include "core/model/model.h"

#include "core/base/memory.h"
#include "core/base/panic.h"

static void steps_free(struct margin_steps *s)
{
    mem_free(s->margin);
    mem_free(s->value);
    *s = (struct margin_steps){0};
}

void conformal_free(struct conformal *c)
{
    for (int k = 0; k < 2; k++) {
        steps_free(&c->p_value[k]);
        steps_free(&c->bound[k]);
    }
    *c = (struct conformal){0};
}

/* Steps whose margin is below, or with `same` also equal. */
static uint32_t steps_before(const struct margin_steps *s, double margin, bool same)
{
    uint32_t low = 0, high = s->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (s->margin[middle] < margin || (same && s->margin[middle] == margin))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A step holds from its margin upwards. */
static double value_from(const struct margin_steps *s, double margin, double before)
{
    uint32_t steps = steps_before(s, margin, true);

    return steps > 0 ? s->value[steps - 1] : before;
}

/* A step holds up to its margin. */
static double value_until(const struct margin_steps *s, double margin, double after)
{
    uint32_t steps = steps_before(s, margin, false);

    return steps < s->count ? s->value[steps] : after;
}

void conformal_at(const struct conformal *c, double margin, struct uncertainty *u)
{
    u->p_value[0] = value_until(&c->p_value[0], margin, 1 / (c->rows[0] + 1.0));
    u->p_value[1] = value_from(&c->p_value[1], margin, 1 / (c->rows[1] + 1.0));
    u->bound[0] = value_from(&c->bound[0], margin, 0);
    u->bound[1] = value_until(&c->bound[1], margin, 1);
    u->set = 0;
    for (int k = 0; k < 2; k++) {
        /* Not p > 1 - level: 1 - 0.9 is less than 0.1. */
        if (u->p_value[k] + c->level > 1)
            u->set |= (uint8_t)(1 << k);
    }
}
