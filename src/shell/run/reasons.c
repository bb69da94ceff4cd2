#include "shell/run/reasons.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/calendar.h"
#include "core/base/number.h"
#include "core/data/json.h"
#include "core/model/population.h"

void reasons_text(const struct decision *d, const struct plan *p, struct buffer *out)
{
    const char *between = "";

    for (uint32_t k = 0; k < plan_rule_count(p); k++) {
        if (!decision_has_rule(d, k) || plan_rule_is_shadow(p, k))
            continue;
        buffer_format(out, "%s%s", between, plan_rule_name(p, k));
        between = "; ";
    }
    for (uint32_t k = 0; k < d->reasons; k++) {
        buffer_format(out, "%s%s %+.2f", between, plan_feature_name(p, d->reason[k].feature),
                      d->reason[k].contribution);
        between = "; ";
    }
}

double reason_number(const struct value *v)
{
    if (v->is_null || v->type == TYPE_TEXT)
        return NAN;
    if (v->type == TYPE_REAL)
        return v->real;
    if (v->type == TYPE_DECIMAL)
        return (double)v->integer / (double)DECIMAL_ONE;
    if (v->type == TYPE_DURATION)
        return (double)v->integer / 1e6;
    return (double)v->integer;
}

/* The population of the feature, and its input there; NULL where the model knows none. */
static const struct population *population_for(const struct plan *p, uint32_t feature,
                                               uint32_t *input)
{
    int at = plan_feature_input(p, feature);

    *input = (uint32_t)at;
    return at < 0 ? NULL : model_population(plan_model(p));
}

/* Three digits: the table knows two. */
static void add_share(struct buffer *out, const char *key, double share)
{
    buffer_format(out, ",\"%s\":", key);
    json_add_real(out, floor(share * 1000 + 0.5) / 1000);
}

void reason_add_members(const struct plan *p, uint32_t feature, const struct value *v,
                        struct buffer *out)
{
    uint32_t input;
    const struct population *all = population_for(p, feature, &input);
    struct standing s;
    bool is_known;

    buffer_add_text(out, ",\"code\":");
    json_add_text(out, text_of(plan_feature_code(p, feature)));
    buffer_add_text(out, ",\"value\":");
    json_add_value(out, v);
    if (all == NULL)
        return;
    if (v->is_null)
        add_share(out, "share", all->input[input].missing);
    else if (v->type == TYPE_TEXT)
        add_share(out, "share", population_share(all, input, v->text, &is_known));
    else if (population_standing(all, input, reason_number(v), &s))
        add_share(out, "rank", s.rank);
}

/* ---- words ---- */

/* Four digits are enough to be read. */
static void add_number(struct buffer *out, double x, enum type type)
{
    char text[TIME_TEXT_MAX];

    if (type == TYPE_BOOL) {
        buffer_add_text(out, x >= 0.5 ? "true" : "false");
    } else if (type == TYPE_DURATION && fabs(x) < 1e12) {
        duration_format((int64_t)(x * 1e6), text);
        buffer_add_text(out, text);
    } else if (fabs(x) >= 1000 && fabs(x) < 1e15) {
        buffer_format(out, "%.0f", x);
    } else {
        buffer_format(out, "%.4g", x);
    }
}

static void add_value(struct buffer *out, const struct value *v)
{
    if (v->is_null)
        buffer_add_text(out, "missing");
    else if (v->type == TYPE_TEXT)
        buffer_format(out, "\"%.*s\"", TEXT_ARG(v->text));
    else if (v->type == TYPE_TIME || v->type == TYPE_INT || v->type == TYPE_DECIMAL)
        json_add_value(out, v);
    else
        add_number(out, reason_number(v), v->type);
}

static void add_percent(struct buffer *out, double share)
{
    if (share > 0 && share < 0.01)
        buffer_add_text(out, "under 1 %");
    else if (share < 1 && share > 0.99)
        buffer_add_text(out, "over 99 %");
    else
        buffer_format(out, "%.0f %%", floor(share * 100 + 0.5));
}

static void add_standing(struct buffer *out, const struct value *v, const struct standing *s)
{
    bool is_more = s->below >= 0.5 || s->below >= s->above;

    buffer_add_text(out, "; ");
    if (v->type == TYPE_BOOL) {
        add_percent(out, v->integer ? 1 - s->below : 1 - s->above);
        buffer_add_text(out, " of transactions are so");
        return;
    }
    if (1 - s->below - s->above >= 0.5) {
        add_percent(out, 1 - s->below - s->above);
        buffer_add_text(out, " of transactions have the same");
        return;
    }
    add_percent(out, is_more ? s->below : s->above);
    buffer_add_text(out, is_more ? " of transactions have less" : " of transactions have more");
}

static void add_population(const struct plan *p, uint32_t feature, const struct value *v,
                           struct buffer *out)
{
    uint32_t input;
    const struct population *all = population_for(p, feature, &input);
    struct standing s;
    bool is_known;
    double share;

    if (all == NULL)
        return;
    if (v->is_null || v->type == TYPE_TEXT) {
        share = v->is_null ? all->input[input].missing
                           : population_share(all, input, v->text, &is_known);
        buffer_add_text(out, !v->is_null && !is_known && share > 0 ? "; fewer than " : "; ");
        add_percent(out, share);
        buffer_add_text(out,
                        v->is_null ? " of transactions lack it" : " of transactions have that");
    } else if (population_standing(all, input, reason_number(v), &s)) {
        add_standing(out, v, &s);
    }
}

static void add_normal(const struct own_normal *own, enum type type, struct buffer *out)
{
    if (own->is_number)
        add_number(out, own->median, type);
    else
        buffer_format(out, "\"%.*s\"", TEXT_ARG(*own->usual));
}

static void add_own(const struct own_normal *own, enum type type, struct buffer *out)
{
    if (own == NULL || own->n == 0)
        return;
    buffer_format(out, "; the %s's own usual is ", own->entity);
    add_normal(own, type, out);
}

/* {usual}: of all; a category's most frequent one. */
static void add_usual(const struct plan *p, uint32_t feature, enum type type, struct buffer *out)
{
    uint32_t input;
    const struct population *all = population_for(p, feature, &input);
    const struct population_input *in = all != NULL ? &all->input[input] : NULL;
    uint32_t most = 0;

    if (in != NULL && in->points > 0) {
        add_number(out, population_median(all, input), type);
    } else if (in != NULL && in->values > 0) {
        for (uint32_t i = 1; i < in->values; i++)
            most = in->share[i] > in->share[most] ? i : most;
        buffer_format(out, "\"%.*s\"", TEXT_ARG(in->value[most]));
    } else {
        buffer_add_text(out, "not known");
    }
}

/* {normal}: where the entity has no past, that of all. */
static void add_own_or_usual(const struct plan *p, uint32_t feature, enum type type,
                             const struct own_normal *own, struct buffer *out)
{
    if (own != NULL && own->n > 0)
        add_normal(own, type, out);
    else
        add_usual(p, feature, type, out);
}

static void add_rank(const struct plan *p, uint32_t feature, const struct value *v,
                     struct buffer *out)
{
    uint32_t input;
    const struct population *all = population_for(p, feature, &input);
    struct standing s;

    if (all != NULL && population_standing(all, input, reason_number(v), &s))
        add_percent(out, s.below);
    else
        buffer_add_text(out, "not known");
}

static bool takes(const char **at, const char *hole)
{
    size_t length = strlen(hole);

    if (strncmp(*at, hole, length) != 0)
        return false;
    *at += length;
    return true;
}

static void fill_in(const char *text, const struct plan *p, uint32_t feature, const struct value *v,
                    const struct own_normal *own, struct buffer *out)
{
    for (const char *at = text; *at != 0;) {
        if (takes(&at, "{value}"))
            add_value(out, v);
        else if (takes(&at, "{rank}"))
            add_rank(p, feature, v, out);
        else if (takes(&at, "{usual}"))
            add_usual(p, feature, v->type, out);
        else if (takes(&at, "{normal}"))
            add_own_or_usual(p, feature, v->type, own, out);
        else
            buffer_add_char(out, *at++);
    }
}

void reason_sentence(const struct plan *p, uint32_t feature, const struct value *v,
                     const struct own_normal *own, struct buffer *out)
{
    const char *text = plan_feature_text(p, feature), *phrase = plan_feature_phrase(p, feature);

    if (text != NULL) {
        fill_in(text, p, feature, v, own, out);
        return;
    }
    buffer_format(out, "%s is ", plan_feature_name(p, feature));
    add_value(out, v);
    if (*phrase != 0)
        buffer_format(out, " (%s)", phrase);
    add_population(p, feature, v, out);
    add_own(own, v->type, out);
}
