/* `assay label suggest`: the events without a label whose label would teach the model most.
 *
 * Uncertainty sampling (Lewis and Gale, 1994): those whose probability is nearest to a threshold of
 * the decision, in log-odds, since there a label moves decisions. Events of one entity teach much
 * the same, so each entity has one place, that of its most uncertain event: what is kept is always
 * the best of those seen so far, one an entity.
 */
#include "shell/cmd/label_suggest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/elementary.h"
#include "core/base/memory.h"
#include "core/base/number.h"
#include "core/data/json.h"
#include "shell/cmd/pass_command.h"
#include "shell/run/event_id.h"

enum { SUGGEST_MAX = 1000, SUGGEST_USUAL = 20, THRESHOLDS_MAX = PLAN_OUTCOMES_MAX };

static const double least_probability = 1e-9; /* its log-odds are finite */

struct suggested {
    double distance; /* log-odds to the nearest threshold */
    double probability;
    int64_t time_us;
    uint64_t at;
    char *id, *entity; /* copies; entity NULL: none */
};

struct suggesting {
    const struct plan *plan;
    const char *entity; /* its name, or NULL */
    int key;            /* field of the entity, or FIELD_NONE */
    double threshold[THRESHOLDS_MAX];
    uint32_t thresholds;
    struct suggested *item; /* most uncertain first */
    uint32_t count, wanted;
    uint64_t unlabelled, rows;
};

static double log_odds(double p)
{
    p = p < least_probability ? least_probability : p;
    p = p > 1 - least_probability ? 1 - least_probability : p;
    return em_logit(p);
}

static double distance_of(const struct suggesting *s, double probability)
{
    double least = INFINITY, at = log_odds(probability);

    for (uint32_t i = 0; i < s->thresholds; i++) {
        double d = fabs(at - log_odds(s->threshold[i]));

        least = d < least ? d : least;
    }
    return least;
}

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

static void item_free(struct suggested *x)
{
    mem_free(x->id);
    mem_free(x->entity);
}

static bool is_before(const struct suggested *a, const struct suggested *b)
{
    return a->distance != b->distance ? a->distance < b->distance : a->at < b->at;
}

static uint32_t place_of_entity(const struct suggesting *s, const char *entity)
{
    for (uint32_t i = 0; entity != NULL && i < s->count; i++) {
        if (s->item[i].entity != NULL && strcmp(s->item[i].entity, entity) == 0)
            return i;
    }
    return s->count;
}

/* It takes the place of its entity's, or pushes the last one out. */
static void offer(struct suggesting *s, struct suggested *x)
{
    uint32_t i = place_of_entity(s, x->entity);

    if (i < s->count && !is_before(x, &s->item[i])) {
        item_free(x);
        return;
    }
    if (i < s->count)
        item_free(&s->item[i]);
    else if (s->count == s->wanted)
        item_free(&s->item[--i]);
    else
        s->count++;
    for (; i > 0 && is_before(x, &s->item[i - 1]); i--)
        s->item[i] = s->item[i - 1];
    s->item[i] = *x;
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
        s->rows++;
        if (is_labelled(s, b, i))
            continue;
        s->unlabelled++;
        x.probability = d->probability;
        x.distance = distance_of(s, d->probability);
        if (s->count == s->wanted && !is_before(&x, &s->item[s->count - 1]))
            continue;
        x.time_us = time != FIELD_NONE ? b->frame->column[time].integer[b->first + i] : 0;
        x.id = copy_id(s, b, i);
        x.entity = copy_entity(s, b, i);
        offer(s, &x);
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
        s->entity = entity->name;
    }
    return name == NULL || s->key != FIELD_NONE ||
           error_set(e, ERROR_USAGE,
                     "--entity: expected one of `entities` whose key is a field, "
                     "found \"%s\"",
                     name);
}

static bool find_thresholds(struct suggesting *s, const struct settings *settings, const char *at,
                            struct error *e)
{
    if (at != NULL) {
        s->thresholds = 1;
        return (number_parse_real(text_of(at), '.', &s->threshold[0]) && s->threshold[0] > 0 &&
                s->threshold[0] < 1) ||
               error_set(e, ERROR_USAGE,
                         "--at: expected a probability above 0 and below 1, found "
                         "\"%s\"",
                         at);
    }
    for (uint32_t i = 0; i < settings->decision_count && i < THRESHOLDS_MAX; i++)
        s->threshold[s->thresholds++] = (double)settings->decision[i].score / 1000;
    if (s->thresholds == 0)
        s->threshold[s->thresholds++] = 0.5;
    return true;
}

/* ---- the answer ---- */

static void print_json(const struct suggesting *s, struct buffer *out)
{
    buffer_format(out, "{\"rows\":%lu,\"unlabelled\":%lu,\"entity\":", (unsigned long)s->rows,
                  (unsigned long)s->unlabelled);
    if (s->key != FIELD_NONE)
        json_add_text(out, text_of(s->entity));
    else
        buffer_add_text(out, "null");
    buffer_add_text(out, ",\"events\":[");
    for (uint32_t i = 0; i < s->count; i++) {
        const struct suggested *x = &s->item[i];
        struct value time = {.type = TYPE_TIME, .integer = x->time_us};

        buffer_add_text(out, i > 0 ? ",\n{\"id\":" : "{\"id\":");
        json_add_text(out, text_of(x->id));
        buffer_add_text(out, ",\"time\":");
        json_add_value(out, &time);
        buffer_format(out,
                      ",\"entity\":%s,\"probability\":", x->entity != NULL ? x->entity : "null");
        json_add_real(out, x->probability);
        buffer_add_text(out, ",\"distance\":");
        json_add_real(out, x->distance);
        buffer_add_char(out, '}');
    }
    buffer_add_text(out, "]}\n");
}

static void print_table(const struct suggesting *s, struct buffer *out)
{
    if (s->unlabelled == 0) {
        buffer_format(out, "all %lu events have a label\n", (unsigned long)s->rows);
        return;
    }
    buffer_format(out, "%-24s  %-20s  %-16s  %s\n", "id", "time",
                  s->key != FIELD_NONE ? s->entity : "", "probability");
    for (uint32_t i = 0; i < s->count; i++) {
        const struct suggested *x = &s->item[i];
        char time[TIME_TEXT_MAX];

        time_format(x->time_us, time);
        buffer_format(out, "%-24s  %-20s  %-16s  %.4f\n", x->id, time,
                      x->entity != NULL ? x->entity : "", x->probability);
    }
}

static bool print_suggested(struct invocation *v, const struct suggesting *s, struct error *e)
{
    struct buffer out;
    bool ok;

    buffer_init(&out, OUTPUT_MAX);
    if (v->json)
        print_json(s, &out);
    else
        print_table(s, &out);
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
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
        !find_thresholds(s, o->settings, option_get(v, "at"), e))
        return false;
    s->item = mem_array(s->wanted, sizeof *s->item);
    o->visit = see_batch;
    o->context = s;
    ok = scoring_run(o, scoring, e);
    term_clear(&v->term);
    ok = ok && print_suggested(v, s, e);
    for (uint32_t i = 0; i < s->count; i++)
        item_free(&s->item[i]);
    mem_free(s->item);
    return ok;
}

bool label_suggest(struct invocation *v, struct error *e)
{
    struct suggesting s = {0};
    int64_t wanted = SUGGEST_USUAL;

    if (!option_whole(v, "number", 1, SUGGEST_MAX, &wanted, e))
        return false;
    s.wanted = (uint32_t)wanted;
    v->argument[0] = v->argument_count > 1 ? v->argument[1] : NULL; /* "suggest" was the first */
    v->argument_count--;
    return pass_command(v, true, suggest, &s, e);
}
