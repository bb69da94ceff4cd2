#include "core/velocity/evict.h"

#include <sched.h>

#include "core/base/panic.h"
#include "core/velocity/forget.h"
#include "core/velocity/table.h"

enum { TURNS_WAITED = 1024 };

static uint64_t level_budget(const struct velocity *v, int level)
{
    const struct velocity_layout *l = v->layout;
    uint32_t groups = 0;

    for (uint32_t i = 0; i < l->group_count; i++)
        groups += l->groups[i].level == level;
    return (v->budget_bytes / l->group_count - forget_bytes(v)) * groups;
}

static uint32_t level_groups(const struct velocity *v, int level)
{
    uint32_t groups = 0;

    for (uint32_t i = 0; i < v->layout->group_count; i++)
        groups += v->layout->groups[i].level == level;
    return groups;
}

static uint64_t level_bytes(const struct velocity *v, int level)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < v->layout->group_count; i++) {
        if (v->layout->groups[i].level == level)
            bytes += v->state[i].counts.bytes;
    }
    return bytes;
}

size_t room_entity_bytes(const struct velocity *v, uint32_t group)
{
    return v->budget_bytes / v->layout->group_count / ENTITY_PART;
}

/* A turn at the region is a few dozen instructions: waiting for it costs less than sleeping. Who
 * takes longer has lost its processor, and may have ours. */
void room_hold(const struct velocity *v)
{
    for (unsigned turns = 1;
         v->lock != NULL && __atomic_exchange_n(v->lock, 1, __ATOMIC_ACQUIRE) != 0; turns++) {
        if (turns % TURNS_WAITED == 0)
            sched_yield();
    }
}

void room_leave(const struct velocity *v)
{
    if (v->lock != NULL)
        __atomic_store_n(v->lock, 0, __ATOMIC_RELEASE);
}

region_ref room_try(struct velocity *v, uint32_t group, size_t bytes)
{
    struct group_state *s = &v->state[group];
    size_t taken = region_class_bytes(bytes);
    region_ref ref;

    if (s->counts.bytes + taken > s->share_bytes)
        return 0;
    room_hold(v);
    ref = region_alloc(v->region, bytes);
    room_leave(v);
    if (ref != 0)
        s->counts.bytes += taken;
    return ref;
}

region_ref room_alloc(struct velocity *v, uint32_t group, size_t bytes)
{
    region_ref ref = room_try(v, group, bytes);

    for (int i = 0; ref == 0 && i < EVICT_TRIES && room_evict(v, group); i++)
        ref = room_try(v, group, bytes);
    return ref;
}

void room_free(struct velocity *v, uint32_t group, region_ref ref, size_t bytes)
{
    v->state[group].counts.bytes -= region_class_bytes(bytes);
    room_hold(v);
    region_free(v->region, ref, bytes);
    room_leave(v);
}

/* The hand's segment, once it stands in one; segments that share directory entries count once. */
static struct directory_entry hand_entry(const struct velocity *v, uint32_t group)
{
    return table_directory(v, group)[v->state[group].hand_segment];
}

static struct slot *hand_slot(const struct velocity *v, uint32_t group)
{
    struct segment *s = region_at(v->region, hand_entry(v, group).segment);

    return &s->slot[v->state[group].hand_slot];
}

static void hand_advance(struct velocity *v, uint32_t group)
{
    struct group_state *s = &v->state[group];
    struct directory_entry d = hand_entry(v, group);
    uint32_t span = 1u << (s->depth - d.depth);

    if (++s->hand_slot < 1u << d.log)
        return;
    s->hand_slot = 0;
    s->hand_segment = ((s->hand_segment & ~(span - 1)) + span) & ((1u << s->depth) - 1);
}

/* A segment under the hand may have been replaced by smaller ones since. */
static void hand_settle(struct velocity *v, uint32_t group)
{
    struct group_state *s = &v->state[group];

    if (s->hand_slot >= 1u << hand_entry(v, group).log)
        s->hand_slot = 0;
}

static struct hash128 token_at(const struct velocity *v, struct directory_entry d, uint32_t slot)
{
    const struct segment *s = region_at(v->region, d.segment);
    const struct entity *e = region_at(v->region, s->slot[slot].ref);

    return e->token;
}

/* The oldest of the next entities; the hand goes on behind them. At most one round. */
static bool evict_oldest(struct velocity *v, uint32_t group)
{
    struct group_state *s = &v->state[group];
    struct directory_entry where = {0};
    uint32_t at = 0, seen = 0;
    uint64_t limit = (uint64_t)2 << (SEGMENT_SLOTS_LOG + s->depth);
    int64_t oldest_us = INT64_MAX;

    hand_settle(v, group);
    for (uint64_t i = 0; i < limit && seen < EVICT_SLOTS && seen < s->counts.entities; i++) {
        const struct slot *slot = hand_slot(v, group);

        if (slot->ref != 0 && slot->ref != v->pinned) {
            if (where.segment == 0 || slot->newest_us < oldest_us) {
                where = hand_entry(v, group);
                at = s->hand_slot;
                oldest_us = slot->newest_us;
            }
        }
        seen += slot->ref != 0;
        hand_advance(v, group);
    }
    if (where.segment == 0)
        return false;
    forget_add(v, group, token_at(v, where, at));
    table_remove(v, group, where, at);
    s->counts.evicted++;
    return true;
}

bool room_evict(struct velocity *v, uint32_t group)
{
    return evict_oldest(v, group);
}

/* Whether the group had to evict since shares were dealt, and has less than its part. */
static bool is_short(const struct velocity *v, uint32_t group, uint64_t part)
{
    const struct group_state *s = &v->state[group];

    return s->counts.evicted + s->counts.dropped > s->evicted_before && s->counts.bytes < part;
}

static uint32_t largest_group(const struct velocity *v, int level)
{
    uint32_t largest = UINT32_MAX;

    for (uint32_t i = 0; i < v->layout->group_count; i++) {
        if (v->layout->groups[i].level == level &&
            (largest == UINT32_MAX || v->state[i].counts.bytes > v->state[largest].counts.bytes))
            largest = i;
    }
    return largest;
}

/* What is free, in equal parts on top of what each group has. For groups that are short, the
 * largest makes way first. */
void room_share(struct velocity *v, int level)
{
    uint32_t groups = level_groups(v, level), largest = largest_group(v, level);
    uint64_t budget = level_budget(v, level), part = budget / groups, wanted = 0, bytes, left;

    for (uint32_t i = 0; i < v->layout->group_count; i++) {
        if (v->layout->groups[i].level == level && is_short(v, i, part))
            wanted += budget / SHARE_PART;
    }
    for (int i = 0; i < SHARE_EVICT && wanted > 0; i++) {
        if (level_bytes(v, level) + wanted <= budget || v->state[largest].counts.bytes <= part ||
            !evict_oldest(v + largest, largest))
            break;
    }
    bytes = level_bytes(v, level);
    left = bytes < budget ? budget - bytes : 0;
    for (uint32_t i = 0; i < v->layout->group_count; i++) {
        struct group_state *s = &v->state[i];

        if (v->layout->groups[i].level != level)
            continue;
        s->share_bytes = s->counts.bytes + left / groups;
        s->evicted_before = s->counts.evicted + s->counts.dropped;
    }
}

bool room_is_ample(const struct velocity *v, int level, uint32_t rows)
{
    uint64_t needed = level_bytes(v, level) / 2;

    for (uint32_t i = 0; i < v->layout->group_count; i++) {
        const struct group *g = &v->layout->groups[i];

        if (g->level == level)
            needed += (uint64_t)rows * (ROW_BYTES + (g->has_text ? ROW_TEXTS * TEXT_MAX : 0));
    }
    return region_room(v->region) >= needed;
}

/* The first idle entity's slot among `slots` of them, or their number. Most stretches have none,
 * and whether a slot is used is chance: so all are looked at before one jump. */
static uint32_t find_idle(const struct slot *slot, uint32_t slots, int64_t bound_us)
{
    uint32_t any = 0, i = 0;

    for (uint32_t k = 0; k < slots; k++)
        any |= (slot[k].ref != 0) & (slot[k].newest_us <= bound_us);
    if (!any)
        return slots;
    while (slot[i].ref == 0 || slot[i].newest_us > bound_us)
        i++;
    return i;
}

/* Look at up to `slots` slots of the hand's segment and free the idle entities. A freed one's place
 * is looked at again, as another slot may have moved into it. Returns how many are left to look at;
 * the hand stands at the next. */
static int expire_stretch(struct velocity *v, uint32_t group, int slots, int64_t bound_us)
{
    struct group_state *s = &v->state[group];
    struct directory_entry d = hand_entry(v, group);
    const struct segment *segment = region_at(v->region, d.segment);
    uint32_t end = 1u << d.log;

    while (slots > 0) {
        uint32_t left = end - s->hand_slot, most = left < (uint32_t)slots ? left : (uint32_t)slots;
        uint32_t passed = find_idle(&segment->slot[s->hand_slot], most, bound_us);
        uint32_t at = s->hand_slot + passed;

        slots -= (int)passed;
        s->hand_slot = at;
        if (at == end) {
            s->hand_slot = end - 1;
            hand_advance(v, group);
            return slots;
        }
        if (slots == 0)
            break;
        table_remove(v, group, d, at);
        s->counts.expired++;
        slots--;
    }
    return 0;
}

void room_expire(struct velocity *v, uint32_t group, int64_t watermark_us)
{
    const struct group *g = &v->layout->groups[group];
    int64_t bound_us = time_before(watermark_us, g->idle_us);

    v->state[group].unswept = 0;
    forget_turn(v, group, watermark_us);
    hand_settle(v, group);
    for (int slots = EXPIRE_SLOTS; slots > 0;)
        slots = expire_stretch(v, group, slots, bound_us);
}
