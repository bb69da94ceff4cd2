#include "shell/run/verdict.h"

#include <string.h>

#include "core/base/calendar.h"
#include "core/data/json.h"
#include "core/decide/values.h"
#include "core/velocity/velocity.h"
#include "shell/run/reasons.h"

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

void verdict_add_flags(uint16_t flags, struct buffer *out)
{
    static const struct {
        uint16_t flag;
        const char *word;
    } words[] = {{DECISION_LATE, "\"late\""},
                 {DECISION_TOO_LATE, "\"too_late\""},
                 {DECISION_AHEAD, "\"ahead\""},
                 {DECISION_NO_MODEL, "\"no_model\""},
                 {DECISION_FORGOTTEN, "\"forgotten\""},
                 {DECISION_FALLBACK, "\"fallback\""},
                 {DECISION_DEFERRED, "\"deferred\""},
                 {DECISION_SHARED_AWAY, "\"shared_away\""},
                 {DECISION_SHARED_LATE, "\"shared_late\""},
                 {DECISION_SHARED_PART, "\"shared_part\""}};
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

/* Those in force, or those that are only watched. */
static void add_rules(const struct verdict *v, bool is_shadow, struct buffer *out)
{
    bool is_first = true;

    buffer_add_text(out, is_shadow ? ",\"shadow_rules\":[" : ",\"rules\":[");
    for (uint32_t i = 0; i < plan_rule_count(v->plan); i++) {
        if (!decision_has_rule(v->decision, i) || plan_rule_is_shadow(v->plan, i) != is_shadow)
            continue;
        if (!is_first)
            buffer_add_char(out, ',');
        json_add_text(out, text_of(plan_rule_name(v->plan, i)));
        is_first = false;
    }
    buffer_add_char(out, ']');
}

void verdict_add_shadow_rules(const struct verdict *v, struct buffer *out)
{
    for (uint32_t i = 0; i < plan_rule_count(v->plan); i++) {
        if (plan_rule_is_shadow(v->plan, i)) {
            add_rules(v, true, out);
            return;
        }
    }
}

enum { SENTENCE_MAX = 16 << 10 };

void verdict_add_sentence(const struct plan *p, uint32_t feature, const struct value *v,
                          const struct own_normal *own, struct buffer *out)
{
    struct buffer words;

    buffer_init(&words, SENTENCE_MAX);
    reason_sentence(p, feature, v, own, &words);
    buffer_add_text(out, ",\"text\":");
    json_add_text(out, (struct text){words.bytes, words.length});
    buffer_fini(&words);
}

static void add_value(const struct verdict *v, const struct reason *r, struct buffer *out)
{
    struct value value;

    if (!r->has_value) {
        buffer_add_text(out, ",\"code\":");
        json_add_text(out, text_of(plan_feature_code(v->plan, r->feature)));
        return;
    }
    value = reason_value(r, plan_values_schema(v->plan)->fields[r->feature].type);
    reason_add_members(v->plan, r->feature, &value, out);
    if (v->has_words)
        verdict_add_sentence(v->plan, r->feature, &value, NULL, out);
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
        add_value(v, r, out);
        buffer_add_char(out, '}');
    }
    buffer_add_char(out, ']');
}

/* Why it is none that the model or a rule gave. */
static void add_fallback(const struct verdict *v, struct buffer *out)
{
    if ((v->decision->flags & DECISION_FALLBACK) == 0 || plan_fallback(v->plan) < 0)
        return;
    buffer_add_text(out, ",\"fallback\":");
    json_add_text(out, text_of(plan_fallback_reason(v->plan)));
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

/* Who decided, where several models were scored, and what the others would have said. */
static void add_rivals(const struct verdict *v, struct buffer *out)
{
    const struct decision *d = v->decision;
    const char *between = "";

    if ((d->flags & DECISION_RIVALS) == 0)
        return;
    buffer_format(out, ",\"decided_by\":\"%s\",\"others\":{",
                  decider_name((enum decider)d->decided_by));
    for (int k = 0; k < DECIDERS; k++) {
        int score = plan_score(d->other[k].probability);

        if ((d->scored >> k & 1) == 0)
            continue;
        buffer_format(out, "%s\"%s\":{\"score\":%d,\"probability\":", between,
                      decider_name((enum decider)k), score);
        json_add_real(out, d->other[k].probability);
        buffer_add_text(out, ",\"outcome\":");
        json_add_text(out,
                      text_of(plan_outcome_name(v->plan, plan_outcome_of_score(v->plan, score))));
        buffer_add_char(out, '}');
        between = ",";
    }
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

void verdict_add_plan(const struct plan *p, struct buffer *out)
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
    verdict_add_plan(v->plan, out);
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
    add_rules(v, false, out);
    add_reasons(v, out);
    add_fallback(v, out);
    add_rivals(v, out);
    verdict_add_flags(v->decision->flags, out);
    add_forgotten(v, out);
    verdict_add_plan(v->plan, out);
    if (v->is_repeated)
        buffer_add_text(out, ",\"repeated\":true");
}
