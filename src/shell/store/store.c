#include "shell/store/store.h"

#include "core/decide/plan.h"
#include "shell/link/postgres.h"
#include "shell/store/backend.h"

static const struct store_ops *const kinds[STORE_KINDS] = {
    [STORE_SQLITE] = &sqlite_ops,
    [STORE_POSTGRES] = &postgres_ops,
};

const struct store_sorting store_sorts[] = {
    [STORE_TIME_DOWN] = {"-time", "DESC", '<', STORE_KEY_TIME},
    [STORE_TIME_UP] = {"time", "ASC", '>', STORE_KEY_TIME},
    [STORE_SCORE_DOWN] = {"-score", "DESC", '<', STORE_KEY_SCORE},
    [STORE_SCORE_UP] = {"score", "ASC", '>', STORE_KEY_SCORE},
    [STORE_SEQ_DOWN] = {"-seq", "DESC", '<', STORE_KEY_SEQ},
    [STORE_SEQ_UP] = {"seq", "ASC", '>', STORE_KEY_SEQ},
};

int64_t store_key_of(const struct store_query *q, const struct store_decision *d)
{
    switch (store_sorts[q->sort].key) {
    case STORE_KEY_SCORE:
        return d->score;
    case STORE_KEY_SEQ:
        return (int64_t)d->seq;
    case STORE_KEY_TIME:
        break;
    }
    return d->time_us;
}

int store_band(int score)
{
    return score < STORE_BANDS * STORE_BAND_WIDTH ? score / STORE_BAND_WIDTH : STORE_BANDS - 1;
}

int64_t store_span_us(enum store_span span)
{
    return span == STORE_MINUTE ? INT64_C(60000000) : INT64_C(3600000000);
}

int64_t store_span_keep_us(enum store_span span)
{
    return (span == STORE_MINUTE ? STORE_MINUTES_DAYS : STORE_HOURS_DAYS) * INT64_C(86400000000);
}

bool store_sort_find(struct text word, enum store_sort *sort)
{
    for (size_t i = 0; i < sizeof store_sorts / sizeof *store_sorts; i++) {
        if (text_is(word, store_sorts[i].word)) {
            *sort = (enum store_sort)i;
            return true;
        }
    }
    return false;
}

struct store_query store_query_all(uint32_t limit)
{
    return (struct store_query){.from_us = INT64_MIN,
                                .until_us = INT64_MAX,
                                .received_from_us = INT64_MIN,
                                .received_until_us = INT64_MAX,
                                .max_score = PLAN_SCORE_MAX,
                                .limit = limit};
}

void store_place_print(const struct store_place *place, struct buffer *out)
{
    if (place->kind == STORE_POSTGRES)
        postgres_place_of(place->where, out);
    else
        buffer_add_text(out, place->where);
}

bool store_open(const struct store_place *place, enum store_mode mode, struct store **s,
                struct error *e)
{
    bool ignored;

    return store_open_checked(place, mode, s, &ignored, e);
}

bool store_open_checked(const struct store_place *place, enum store_mode mode, struct store **s,
                        bool *is_damaged, struct error *e)
{
    *is_damaged = false;
    return kinds[place->kind]->open(place->where, mode, s, is_damaged, e);
}

bool store_is_damaged(const struct store *s)
{
    return s->is_damaged;
}

bool store_is_there(struct store *s)
{
    return s->ops->is_there(s);
}

void store_close(struct store *s)
{
    if (s != NULL)
        s->ops->close(s);
}

bool store_remove(const struct store_place *place, struct error *e)
{
    return kinds[place->kind]->remove(place->where, e);
}

int64_t store_entity(struct text kind, struct hash128 token)
{
    if (token.low == 0 && token.high == 0)
        return 0;
    return (int64_t)hash_mix(token.low ^ hash_bytes(kind.bytes, kind.length, token.high));
}

bool store_begin(struct store *s, struct error *e)
{
    return s->ops->begin(s, e);
}

bool store_add_decision(struct store *s, const struct store_decision *d, struct error *e)
{
    return s->ops->add_decision(s, d, e);
}

bool store_add_label(struct store *s, const struct store_label *l, struct error *e)
{
    return s->ops->add_label(s, l, e);
}

bool store_commit(struct store *s, uint64_t projected_seq, struct error *e)
{
    return s->ops->commit(s, projected_seq, e);
}

void store_rollback(struct store *s)
{
    s->ops->rollback(s);
}

bool store_projected(struct store *s, uint64_t *seq, struct error *e)
{
    return s->ops->projected(s, seq, e);
}

bool store_query(struct store *s, const struct store_query *q,
                 void (*row)(void *context, const struct store_decision *d), void *context,
                 char next[STORE_CURSOR_MAX], struct error *e)
{
    return s->ops->query(s, q, row, context, next, e);
}

bool store_find(struct store *s, struct text event_id, uint64_t *seq, struct error *e)
{
    return s->ops->find(s, event_id, seq, e);
}

bool store_entity_decisions(struct store *s, int64_t entity, uint64_t before_seq, uint64_t *seq,
                            uint32_t most, uint32_t *found, struct error *e)
{
    return s->ops->entity_decisions(s, entity, before_seq, seq, most, found, e);
}

bool store_label_of(struct store *s, uint64_t seq, uint8_t *label, struct error *e)
{
    return s->ops->label_of(s, seq, label, e);
}

bool store_traffic(struct store *s, const struct store_traffic_query *q,
                   void (*row)(void *context, const struct store_traffic *t), void *context,
                   struct error *e)
{
    return s->ops->traffic(s, q, row, context, e);
}

bool store_count(struct store *s, struct store_totals *t, struct error *e)
{
    return s->ops->count(s, t, e);
}
