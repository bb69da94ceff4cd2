#include "shell/run/verdict.h"

#include <string.h>

#include "core/base/calendar.h"
#include "core/data/json.h"
#include "core/velocity/velocity.h"

enum { PLAN_HEX_BYTES = 8 };

void verdict_add_time(struct buffer *out, const char *key, int64_t us)
{
    char time[TIME_TEXT_MAX];

    buffer_add_text(out, ",\"");
    buffer_add_text(out, key);
    buffer_add_text(out, "\":\"");
    buffer_add(out, time, time_format(us, time));
    buffer_add_char(out, '"');
}

void verdict_add_label(struct buffer *out, uint8_t label)
{
    buffer_add_text(out, label == LABEL_UNKNOWN ? ",\"label\":null"
                         : label == 1           ? ",\"label\":true"
                                                : ",\"label\":false");
}

void verdict_add_flags(uint8_t flags, struct buffer *out)
{
    static const struct {
        uint8_t flag;
        const char *word;
    } words[] = {{DECISION_LATE, "\"late\""},
                 {DECISION_TOO_LATE, "\"too_late\""},
                 {DECISION_AHEAD, "\"ahead\""},
                 {DECISION_NO_MODEL, "\"no_model\""},
                 {DECISION_FORGOTTEN, "\"forgotten\""}};
    bool is_first = true;

    buffer_add_text(out, ",\"flags\":[");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if ((flags & words[i].flag) == 0)
            continue;
        if (!is_first)
            buffer_add_char(out, ',');
        buffer_add_text(out, words[i].word);
        is_first = false;
    }
    buffer_add_char(out, ']');
}

static void add_rules(const struct verdict *v, struct buffer *out)
{
    bool is_first = true;

    buffer_add_text(out, ",\"rules\":[");
    for (uint32_t i = 0; i < plan_rule_count(v->plan); i++) {
        if (!decision_has_rule(v->decision, i))
            continue;
        if (!is_first)
            buffer_add_char(out, ',');
        json_add_text(out, text_of(plan_rule_name(v->plan, i)));
        is_first = false;
    }
    buffer_add_char(out, ']');
}

static void add_reasons(const struct verdict *v, struct buffer *out)
{
    buffer_add_text(out, ",\"reasons\":[");
    for (uint32_t i = 0; i < v->decision->reasons; i++) {
        const struct reason *r = &v->decision->reason[i];

        buffer_add_text(out, i > 0 ? ",{\"feature\":" : "{\"feature\":");
        json_add_text(out, text_of(plan_feature_name(v->plan, r->feature)));
        buffer_add_text(out, ",\"contribution\":");
        json_add_real(out, r->contribution);
        buffer_add_char(out, '}');
    }
    buffer_add_char(out, ']');
}

void verdict_add_set(uint8_t set, const char *quote, const char *between, struct buffer *out)
{
    if (set & UNCERTAINTY_LEGITIMATE)
        buffer_format(out, "%slegit%s", quote, quote);
    if (set & UNCERTAINTY_FRAUD)
        buffer_format(out, "%s%sfraud%s", set & UNCERTAINTY_LEGITIMATE ? between : "", quote,
                      quote);
}

void verdict_add_uncertainty(const struct decision *d, struct buffer *out)
{
    const struct uncertainty *u = &d->uncertainty;

    if ((d->flags & DECISION_UNCERTAINTY) == 0)
        return;
    buffer_add_text(out, ",\"interval\":[");
    json_add_real(out, u->bound[0]);
    buffer_add_char(out, ',');
    json_add_real(out, u->bound[1]);
    buffer_add_text(out, "],\"conformal\":[");
    verdict_add_set(u->set, "\"", ",", out);
    buffer_add_text(out, "],\"p_values\":{\"legit\":");
    json_add_real(out, u->p_value[0]);
    buffer_add_text(out, ",\"fraud\":");
    json_add_real(out, u->p_value[1]);
    buffer_add_char(out, '}');
}

/* Names of the kinds of entity; a kind has a group for each level of its features. */
static void add_forgotten(const struct verdict *v, struct buffer *out)
{
    const struct velocity_layout *l = plan_layout(v->plan);
    uint64_t left = v->decision->forgotten;
    bool is_first = true;

    if (left == 0)
        return;
    buffer_add_text(out, ",\"forgotten\":[");
    for (uint32_t g = 0; g < velocity_group_count(l); g++) {
        if ((left >> g & 1) == 0)
            continue;
        for (uint32_t same = g + 1; same < velocity_group_count(l); same++) {
            if (strcmp(velocity_group_name(l, g), velocity_group_name(l, same)) == 0)
                left &= ~(UINT64_C(1) << same);
        }
        if (!is_first)
            buffer_add_char(out, ',');
        json_add_text(out, text_of(velocity_group_name(l, g)));
        is_first = false;
    }
    buffer_add_char(out, ']');
}

static void add_plan(const struct plan *p, struct buffer *out)
{
    static const char digits[] = "0123456789abcdef";
    char hex[2 * PLAN_HEX_BYTES];

    for (int i = 0; i < PLAN_HEX_BYTES; i++) {
        hex[2 * i] = digits[plan_id(p)[i] >> 4];
        hex[2 * i + 1] = digits[plan_id(p)[i] & 15];
    }
    buffer_add_text(out, ",\"plan\":\"");
    buffer_add(out, hex, sizeof hex);
    buffer_add_char(out, '"');
}

void verdict_add_head(const struct verdict_head *c, struct buffer *out)
{
    buffer_add_text(out, "{\"id\":");
    json_add_text(out, c->id);
    if (c->seq > 0) {
        buffer_add_text(out, ",\"seq\":");
        json_add_int(out, (int64_t)c->seq);
    }
    verdict_add_time(out, "time", c->time_us);
    if (c->received_us != INT64_MIN)
        verdict_add_time(out, "received", c->received_us);
    buffer_add_text(out, ",\"outcome\":");
    json_add_text(out, c->outcome);
    buffer_add_text(out, ",\"score\":");
    json_add_int(out, c->score);
    buffer_add_text(out, ",\"probability\":");
    json_add_real(out, c->probability);
    buffer_add_text(out, ",\"level\":");
    json_add_text(out, c->level);
}

/* An event that was only observed: acknowledged. */
static void open_observed(const struct verdict *v, struct buffer *out)
{
    buffer_add_text(out, "{\"id\":");
    json_add_text(out, v->id);
    if (v->seq > 0) {
        buffer_add_text(out, ",\"seq\":");
        json_add_int(out, (int64_t)v->seq);
    }
    verdict_add_time(out, "time", v->time_us);
    buffer_add_text(out, ",\"observed\":true");
    add_plan(v->plan, out);
    if (v->is_repeated)
        buffer_add_text(out, ",\"repeated\":true");
}

void verdict_open(const struct verdict *v, struct buffer *out)
{
    if (!decision_is_made(v->decision)) {
        open_observed(v, out);
        return;
    }
    verdict_add_head(
        &(struct verdict_head){.id = v->id,
                               .seq = v->seq,
                               .time_us = v->time_us,
                               .received_us = v->received_us,
                               .outcome = text_of(plan_outcome_name(v->plan, v->decision->outcome)),
                               .level = text_of(plan_level_name(v->plan, v->decision->level)),
                               .score = v->decision->score,
                               .probability = v->decision->probability},
        out);
    verdict_add_uncertainty(v->decision, out);
    add_rules(v, out);
    add_reasons(v, out);
    verdict_add_flags(v->decision->flags, out);
    add_forgotten(v, out);
    add_plan(v->plan, out);
    if (v->is_repeated)
        buffer_add_text(out, ",\"repeated\":true");
}
