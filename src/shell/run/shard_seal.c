/* Events in two parts on their way into the log: open, and sealed under their subject's key. What
 * may fail comes before the run is applied: splitting, and taking the key. */
#include "core/base/number.h"
#include "core/data/event.h"
#include "shell/run/shard_inside.h"

enum { LENGTH_BYTES = 4 };

/* The subject's id as text; empty where the event names none: all such are one subject. */
static struct text subject_id(const struct plan_subject *subject, const struct frame *f,
                              uint32_t row, char number[NUMBER_TEXT_MAX])
{
    struct value v = column_get(&f->column[subject->field], row);

    if (v.is_null)
        return (struct text){"", 0};
    if (v.type == TYPE_TEXT)
        return v.text;
    return (struct text){number, (size_t)number_format_int(v.integer, number)};
}

static struct sealer *sealer_of(struct shard *s)
{
    struct subject_keys *keys = plans_keys(s->plans);

    ASSERT(keys != NULL); /* opened before such a plan comes into force */
    if (s->sealer == NULL)
        s->sealer = sealer_new(keys);
    return s->sealer;
}

bool shard_part_event(struct shard *s, struct text event, struct parted *p, struct error *e)
{
    size_t at = s->parts.length;

    *p = (struct parted){.is_parted = plan_subject(s->plan) != NULL, .open_at = at};
    if (!p->is_parted)
        return true;
    buffer_clear(&s->personal);
    if (!event_split(plan_schema(s->plan), event, &s->parts, &s->personal))
        return error_set(e, ERROR_INVALID,
                         "the event cannot be parted: it is damaged, or events "
                         "decided together are over their limit");
    p->open_length = s->parts.length - at;
    p->personal_at = s->parts.length;
    p->personal_length = s->personal.length;
    buffer_add(&s->parts, s->personal.bytes, s->personal.length);
    return !s->parts.overflow ||
           error_set(e, ERROR_FULL, "events decided together are over their limit");
}

bool shard_part_row(struct shard *s, const struct frame *f, uint32_t row, struct text event,
                    struct parted *p, struct error *e)
{
    const struct plan_subject *subject = plan_subject(s->plan);
    char number[NUMBER_TEXT_MAX];
    struct hash128 token;

    if (!shard_part_event(s, event, p, e))
        return false;
    if (!p->is_parted)
        return true;
    token = subject_token(plans_keys(s->plans), text_of(subject->name),
                          subject_id(subject, f, row, number));
    return sealer_hold(sealer_of(s), token, &p->held, e);
}

bool shard_part_copy(struct shard *s, const struct record *r, struct text personal,
                     struct parted *p, struct error *e)
{
    bool is_erased;

    buffer_clear(&s->parts);
    *p = (struct parted){0};
    if (personal.length == 0)
        return true;
    if (!sealer_hold_of(sealer_of(s), r->sealed, &p->held, &is_erased, e))
        return false;
    buffer_add_slice(&s->parts, personal);
    p->personal_length = is_erased ? 0 : personal.length;
    return true;
}

struct text shard_open_part(const struct shard *s, const struct parted *p, struct text event)
{
    return p->is_parted ? (struct text){s->parts.bytes + p->open_at, p->open_length} : event;
}

size_t shard_sealed_most(const struct shard *s, const struct parted *p)
{
    return p->is_parted || p->personal_length > 0
               ? LENGTH_BYTES + p->personal_length + s->values_most + SEALED_OVERHEAD
               : 0;
}

struct text shard_seal(struct shard *s, const struct parted *p, uint64_t seq, struct text *values)
{
    bool takes_values = p->is_parted && s->seals_values && values != NULL && values->length > 0;

    buffer_clear(&s->sealed_part);
    if (p->personal_length == 0 && !takes_values)
        return (struct text){"", 0};
    buffer_clear(&s->personal);
    buffer_add_bytes32(&s->personal,
                       (struct text){s->parts.bytes + p->personal_at, p->personal_length});
    if (takes_values) {
        buffer_add_slice(&s->personal, *values);
        *values = (struct text){"", 0};
    }
    ASSERT(!s->personal.overflow);
    sealer_seal(sealer_of(s), &p->held, seq, (struct text){s->personal.bytes, s->personal.length},
                &s->sealed_part);
    return (struct text){s->sealed_part.bytes, s->sealed_part.length};
}

bool shard_commit_log(struct shard *s, struct error *e)
{
    return subject_keys_sync(plans_keys(s->plans), e) && log_commit(s->log, e);
}

bool shard_open_keys(struct shard *s, const struct plan *p, struct error *e)
{
    if (plan_subject(p) == NULL && !plans_has_keys(s->plans))
        return true;
    return plans_open_keys(s->plans, s->o.personal_key_file, e);
}
