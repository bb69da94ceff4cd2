/* The named time zones of a program: each is asked for once and is then the program's. */
#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "core/base/panic.h"
#include "core/lang/node.h"

void program_lend_zones(struct program *p, const struct zone_source *s)
{
    p->zone_source = *s;
}

bool program_set_time_zone(struct program *p, struct text zone, struct error *e)
{
    ASSERT(p->count == 0);
    return program_read_zone(p, zone, &p->standard_zone, e);
}

uint32_t program_zone_count(const struct program *p)
{
    return p->zone_count;
}

const struct zone *program_zone(const struct program *p, uint32_t index)
{
    ASSERT(index < p->zone_count);
    return p->zones[index];
}

/* '+07:00', '-03:30', 'Z' or 'UTC'. */
static bool read_offset(struct text t, int64_t *offset_us)
{
    int hours, minutes;

    *offset_us = 0;
    if (text_is(t, "Z") || text_is(t, "UTC"))
        return true;
    if (t.length != 6 || (t.bytes[0] != '+' && t.bytes[0] != '-') || t.bytes[3] != ':')
        return false;
    for (int i = 1; i < 6; i++) {
        if (i != 3 && (t.bytes[i] < '0' || t.bytes[i] > '9'))
            return false;
    }
    hours = (t.bytes[1] - '0') * 10 + t.bytes[2] - '0';
    minutes = (t.bytes[4] - '0') * 10 + t.bytes[5] - '0';
    if (hours > 14 || minutes > 59)
        return false;
    *offset_us = (hours * 60 + minutes) * 60 * US_PER_SECOND * (t.bytes[0] == '-' ? -1 : 1);
    return true;
}

static const struct zone *find(const struct program *p, struct text name)
{
    for (uint32_t i = 0; i < p->zone_count; i++) {
        if (text_is(name, p->zones[i]->name))
            return p->zones[i];
    }
    return NULL;
}

static const struct zone *ask(struct program *p, struct text name, struct error *e)
{
    struct zone *z;

    if (p->zone_count == LANG_ZONES_MAX) {
        error_set(e, ERROR_INVALID, "expected at most %d named time zones", LANG_ZONES_MAX);
        return NULL;
    }
    z = p->zone_source.find(p->zone_source.context, name, e);
    if (z == NULL)
        return NULL;
    if (p->zones == NULL)
        p->zones = mem_array(LANG_ZONES_MAX, sizeof *p->zones);
    return p->zones[p->zone_count++] = z;
}

bool program_read_zone(struct program *p, struct text t, struct literal *l, struct error *e)
{
    *l = (struct literal){0};
    if (read_offset(t, &l->number))
        return true;
    l->number = 0;
    if (p->zone_source.find == NULL || !zone_is_name(t))
        return error_set(e, ERROR_INVALID,
                         "expected a zone such as '+07:00', 'UTC' or 'Asia/Jakarta', found '%.*s'",
                         (int)(t.length > 40 ? 40 : t.length), t.bytes);
    l->zone = find(p, t);
    if (l->zone == NULL)
        l->zone = ask(p, t, e);
    return l->zone != NULL;
}
