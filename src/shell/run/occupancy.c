#include "shell/run/occupancy.h"

#include "core/data/json.h"

void occupancy_of(const struct engine *n, const struct plan *p, struct occupancy *o)
{
    *o = (struct occupancy){.groups = velocity_group_count(plan_layout(p))};
    for (uint32_t g = 0; g < o->groups; g++)
        engine_count(n, g, &o->group[g]);
}

uint64_t occupancy_forgotten(const struct occupancy *o)
{
    uint64_t count = 0;

    for (uint32_t g = 0; g < o->groups; g++)
        count += o->group[g].evicted + o->group[g].dropped;
    return count;
}

static void add_number(struct buffer *out, const char *name, uint64_t value)
{
    buffer_format(out, ",\"%s\":%lu", name, (unsigned long)value);
}

void occupancy_add_json(const struct occupancy *o, const struct plan *p, struct buffer *out)
{
    buffer_add_char(out, '[');
    for (uint32_t g = 0; g < o->groups; g++) {
        const struct velocity_counts *c = &o->group[g];

        buffer_add_text(out, g > 0 ? ",{\"kind\":" : "{\"kind\":");
        json_add_text(out, text_of(velocity_group_name(plan_layout(p), g)));
        add_number(out, "level", (uint64_t)velocity_group_level(plan_layout(p), g));
        add_number(out, "entities", c->entities);
        add_number(out, "events", c->events);
        add_number(out, "bytes", c->bytes);
        add_number(out, "evicted", c->evicted);
        add_number(out, "expired", c->expired);
        add_number(out, "dropped", c->dropped);
        buffer_add_char(out, '}');
    }
    buffer_add_char(out, ']');
}

void occupancy_add_words(const struct occupancy *o, const struct plan *p, struct buffer *out)
{
    bool is_first = true;

    if (occupancy_forgotten(o) == 0)
        return;
    buffer_format(out, "memory (%lu MiB for windows) was full: ",
                  (unsigned long)(plan_velocity_options(p)->memory_bytes >> 20));
    for (uint32_t g = 0; g < o->groups; g++) {
        const struct velocity_counts *c = &o->group[g];

        if (c->evicted + c->dropped == 0)
            continue;
        buffer_format(out, "%sof kind %s %lu evicted, %lu left, %lu events dropped",
                      is_first ? "" : "; ", velocity_group_name(plan_layout(p), g),
                      (unsigned long)c->evicted, (unsigned long)c->entities,
                      (unsigned long)c->dropped);
        is_first = false;
    }
    buffer_add_text(out, "; features that may lack their events say `forgotten`; hint: raise "
                         "`memory` (`assay check --rate` tells what is needed)\n");
}
