/* Events in two parts on their way into the log: open, and sealed under their subject's key. */
#include "core/base/number.h"
#include "core/data/event.h"
#include "shell/run/shard_inside.h"

enum { SUBJECT_ID_MAX = TEXT_MAX };

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

struct text shard_open_part(const struct shard *s, const struct parted *p, struct text event)
{
    return p->is_parted ? (struct text){s->parts.bytes + p->open_at, p->open_length} : event;
}

struct text shard_sealed_part(const struct shard *s, const struct parted *p)
{
    return (struct text){p->sealed_length > 0 ? s->parts.bytes + p->sealed_at : "",
                         p->sealed_length};
}

bool shard_part_event(struct shard *s, struct text event, struct parted *p, struct error *e)
{
    *p = (struct parted){.is_parted = plan_subject(s->plan) != NULL, .open_at = s->parts.length};
    if (!p->is_parted)
        return true;
    buffer_clear(&s->personal);
    if (!event_split(plan_schema(s->plan), event, &s->parts, &s->personal))
        return error_set(e, ERROR_INVALID, "the event cannot be parted: it is damaged, or events "
                                           "decided together are over their limit");
    p->open_length = s->parts.length - p->open_at;
    return true;
}

bool shard_seal_event(struct shard *s, const struct frame *f, uint32_t row, uint64_t seq,
                      struct text event, struct parted *p, struct error *e)
{
    const struct plan_subject *subject = plan_subject(s->plan);
    char number[NUMBER_TEXT_MAX];
    struct hash128 token;

    if (!shard_part_event(s, event, p, e))
        return false;
    if (!p->is_parted || s->personal.length == 0)
        return true;
    token = subject_token(plans_keys(s->plans), text_of(subject->name),
                          subject_id(subject, f, row, number));
    p->sealed_at = s->parts.length;
    if (!sealer_seal(sealer_of(s), token, seq,
                     (struct text){s->personal.bytes, s->personal.length}, &s->parts, e))
        return false;
    p->sealed_length = s->parts.length - p->sealed_at;
    return true;
}

bool shard_seal_copy(struct shard *s, const struct record *r, uint64_t seq, struct text personal,
                     struct parted *p, struct error *e)
{
    buffer_clear(&s->parts);
    *p = (struct parted){0};
    if (r->sealed.length == 0 || personal.length == 0)
        return true;
    if (!sealer_seal_as(sealer_of(s), r->sealed, seq, personal, &s->parts, e))
        return false;
    p->sealed_length = s->parts.length;
    return true;
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
