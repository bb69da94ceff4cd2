#include "shell/cmd/suggested.h"

#include <math.h>
#include <string.h>

#include "core/base/elementary.h"
#include "core/base/memory.h"
#include "core/base/number.h"
#include "core/data/json.h"

enum { SUGGEST_MAX = 1000, SUGGEST_USUAL = 20 };

static const double least_probability = 1e-9; /* its log-odds are finite */

static double log_odds(double p)
{
    p = p < least_probability ? least_probability : p;
    p = p > 1 - least_probability ? 1 - least_probability : p;
    return em_logit(p);
}

double suggestions_distance(const struct suggestions *s, double probability)
{
    double least = INFINITY, at = log_odds(probability);

    for (uint32_t i = 0; i < s->thresholds; i++) {
        double d = fabs(at - log_odds(s->threshold[i]));

        least = d < least ? d : least;
    }
    return least;
}

static void item_free(struct suggested *x)
{
    mem_free(x->id);
    mem_free(x->entity);
}

bool suggested_is_before(const struct suggested *a, const struct suggested *b)
{
    return a->distance != b->distance ? a->distance < b->distance : a->at < b->at;
}

static uint32_t place_of_entity(const struct suggestions *s, const char *entity)
{
    for (uint32_t i = 0; entity != NULL && i < s->count; i++) {
        if (s->item[i].entity != NULL && strcmp(s->item[i].entity, entity) == 0)
            return i;
    }
    return s->count;
}

bool suggestions_have_entity(const struct suggestions *s, const char *entity)
{
    return place_of_entity(s, entity) < s->count;
}

bool suggestions_want(const struct suggestions *s, const struct suggested *x)
{
    return s->count < s->wanted || suggested_is_before(x, &s->item[s->count - 1]);
}

void suggestions_offer(struct suggestions *s, struct suggested *x)
{
    uint32_t i = place_of_entity(s, x->entity);

    if (i < s->count && !suggested_is_before(x, &s->item[i])) {
        item_free(x);
        return;
    }
    if (i < s->count)
        item_free(&s->item[i]);
    else if (s->count == s->wanted)
        item_free(&s->item[--i]);
    else
        s->count++;
    for (; i > 0 && suggested_is_before(x, &s->item[i - 1]); i--)
        s->item[i] = s->item[i - 1];
    s->item[i] = *x;
}

static bool find_thresholds(struct suggestions *s, const struct settings *settings, const char *at,
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
    for (uint32_t i = 0; i < settings->decision_count && i < PLAN_OUTCOMES_MAX; i++)
        s->threshold[s->thresholds++] = (double)settings->decision[i].score / 1000;
    if (s->thresholds == 0)
        s->threshold[s->thresholds++] = 0.5;
    return true;
}

bool suggestions_open(struct invocation *v, const struct settings *settings, struct suggestions *s,
                      struct error *e)
{
    int64_t wanted = SUGGEST_USUAL;

    if (!option_whole(v, "number", 1, SUGGEST_MAX, &wanted, e) ||
        !find_thresholds(s, settings, option_get(v, "at"), e))
        return false;
    s->wanted = (uint32_t)wanted;
    s->item = mem_array(s->wanted, sizeof *s->item);
    return true;
}

void suggestions_close(struct suggestions *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        item_free(&s->item[i]);
    mem_free(s->item);
}

/* ---- the answer ---- */

static void print_json(const struct suggestions *s, struct buffer *out)
{
    buffer_format(out, "{\"rows\":%lu,\"unlabelled\":%lu,\"entity\":", (unsigned long)s->rows,
                  (unsigned long)s->unlabelled);
    if (s->entity != NULL)
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

static void print_table(const struct suggestions *s, struct buffer *out)
{
    if (s->unlabelled == 0) {
        buffer_format(out, "all %lu events have a label\n", (unsigned long)s->rows);
        return;
    }
    buffer_format(out, "%-24s  %-20s  %-16s  %s\n", "id", "time",
                  s->entity != NULL ? s->entity : "", "probability");
    for (uint32_t i = 0; i < s->count; i++) {
        const struct suggested *x = &s->item[i];
        char time[TIME_TEXT_MAX];

        time_format(x->time_us, time);
        buffer_format(out, "%-24s  %-20s  %-16s  %.4f\n", x->id, time,
                      x->entity != NULL ? x->entity : "", x->probability);
    }
}

bool suggestions_print(struct invocation *v, const struct suggestions *s, struct error *e)
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
