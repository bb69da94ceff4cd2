/* `assay label suggest`: the events without a label whose label would teach the model most.
 *
 * Uncertainty sampling (Lewis and Gale, 1994): those whose probability is nearest to a threshold of
 * the decision, in log-odds, since there a label moves decisions. Events of one entity teach much
 * the same, so each entity has one place, that of its most uncertain event: what is kept is always
 * the best of those seen so far, one an entity (suggested.h). Here they come from a file;
 * label_suggest_url.c asks a running service for those in its store.
 */
#include "shell/cmd/label_suggest.h"

#include <string.h>

#include "core/base/memory.h"
#include "core/data/json.h"
#include "shell/cmd/pass_command.h"
#include "shell/cmd/suggested.h"
#include "shell/run/event_id.h"

struct suggesting {
    struct suggestions best;
    const struct plan *plan;
    int key; /* field of the entity, or FIELD_NONE */
};

static char *copy_id(const struct suggesting *s, const struct pass_batch *b, uint32_t i)
{
    struct buffer text;
    char *copy;

    buffer_init(&text, 64 << 10);
    if (!event_id_text(plan_schema(s->plan), b->frame, b->first + i, &text))
        buffer_format(&text, "%lu", (unsigned long)(b->at + i + 1));
    copy = mem_text(text.bytes, text.length);
    buffer_fini(&text);
    return copy;
}

/* The key's value as JSON writes it; NULL where it has none. */
static char *copy_entity(const struct suggesting *s, const struct pass_batch *b, uint32_t i)
{
    struct buffer text;
    struct value v;
    char *copy;

    if (s->key == FIELD_NONE)
        return NULL;
    v = column_get(&b->frame->column[s->key], b->first + i);
    if (v.is_null)
        return NULL;
    buffer_init(&text, 64 << 10);
    json_add_value(&text, &v);
    copy = mem_text(text.bytes, text.length);
    buffer_fini(&text);
    return copy;
}

static bool is_labelled(const struct suggesting *s, const struct pass_batch *b, uint32_t i)
{
    int label = plan_schema(s->plan)->label;

    return label != FIELD_NONE && !b->frame->column[label].null[b->first + i];
}

static bool see_batch(void *context, const struct pass_batch *b, struct error *e)
{
    struct suggesting *s = context;
    int time = plan_schema(s->plan)->time;

    for (uint32_t i = 0; i < b->rows; i++) {
        const struct decision *d = &b->decisions[i];
        struct suggested x = {.at = b->at + i};

        if (!decision_is_made(d))
            continue;
        s->best.rows++;
        if (is_labelled(s, b, i))
            continue;
        s->best.unlabelled++;
        x.probability = d->probability;
        x.distance = suggestions_distance(&s->best, d->probability);
        if (!suggestions_want(&s->best, &x))
            continue;
        x.time_us = time != FIELD_NONE ? b->frame->column[time].integer[b->first + i] : 0;
        x.id = copy_id(s, b, i);
        x.entity = copy_entity(s, b, i);
        suggestions_offer(&s->best, &x);
    }
    return true;
}

/* ---- what is asked for ---- */

/* The entity of that name, else the first whose key is a field. */
static bool find_entity(struct suggesting *s, const struct settings *settings, const char *name,
                        struct error *e)
{
    const struct schema *schema = plan_schema(s->plan);

    s->key = FIELD_NONE;
    for (uint32_t i = 0; i < settings->entity_count && s->key == FIELD_NONE; i++) {
        const struct entity_setting *entity = &settings->entities[i];

        if (name != NULL && strcmp(entity->name, name) != 0)
            continue;
        s->key = schema_find(schema, text_of(entity->key));
        s->best.entity = s->key != FIELD_NONE ? entity->name : NULL;
    }
    return name == NULL || s->key != FIELD_NONE ||
           error_set(e, ERROR_USAGE,
                     "--entity: expected one of `entities` whose key is a field, "
                     "found \"%s\"",
                     name);
}

static bool suggest(struct invocation *v, struct scoring_options *o, struct scoring *scoring,
                    void *context, struct error *e)
{
    struct suggesting *s = context;
    bool ok;

    s->plan = scoring->current.made.plan;
    if (plan_model(s->plan) == NULL)
        return error_set(e, ERROR_INVALID,
                         "label suggest: model.kind is none, and only a model can be uncertain");
    if (!find_entity(s, o->settings, option_get(v, "entity"), e) ||
        !suggestions_open(v, o->settings, &s->best, e))
        return false;
    o->visit = see_batch;
    o->context = s;
    ok = scoring_run(o, scoring, e);
    term_clear(&v->term);
    ok = ok && suggestions_print(v, &s->best, e);
    suggestions_close(&s->best);
    return ok;
}

bool label_suggest(struct invocation *v, struct error *e)
{
    struct suggesting s = {.key = FIELD_NONE};

    if (option_get(v, "url") != NULL)
        return label_suggest_url(v, e);
    v->argument[0] = v->argument_count > 1 ? v->argument[1] : NULL; /* "suggest" was the first */
    v->argument_count--;
    return pass_command(v, true, suggest, &s, e);
}
