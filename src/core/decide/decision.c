#include "core/decide/decision.h"

#include "core/base/panic.h"

static uint32_t rule_words(const struct plan *p)
{
    return (plan_rule_count(p) + 63) / 64;
}

static void format_uncertainty(const struct uncertainty *u, struct buffer *out)
{
    for (int k = 0; k < 2; k++) {
        buffer_add_double(out, u->p_value[k]);
        buffer_add_double(out, u->bound[k]);
    }
    buffer_add_u8(out, u->set);
}

static void read_uncertainty(struct reader *in, struct uncertainty *u)
{
    for (int k = 0; k < 2; k++) {
        u->p_value[k] = reader_double(in);
        u->bound[k] = reader_double(in);
    }
    u->set = reader_u8(in);
}

static bool is_share(double v)
{
    return v >= 0 && v <= 1;
}

static bool is_plausible_uncertainty(const struct uncertainty *u)
{
    return is_share(u->p_value[0]) && is_share(u->p_value[1]) && is_share(u->bound[0]) &&
           is_share(u->bound[1]) && u->set <= (UNCERTAINTY_LEGITIMATE | UNCERTAINTY_FRAUD);
}

void decision_format(const struct decision *d, const struct plan *p, struct buffer *out)
{
    buffer_add_u64(out, d->features_hash);
    buffer_add_double(out, d->margin);
    buffer_add_double(out, d->probability);
    buffer_add_u16(out, (uint16_t)d->score);
    buffer_add_u8(out, d->outcome);
    buffer_add_u8(out, d->level);
    buffer_add_u8(out, d->flags);
    buffer_add_u8(out, d->reasons);
    for (uint32_t i = 0; i < rule_words(p); i++)
        buffer_add_u64(out, d->rules[i]);
    for (uint32_t i = 0; i < d->reasons; i++) {
        buffer_add_u32(out, d->reason[i].feature);
        buffer_add_double(out, d->reason[i].contribution);
    }
    if (d->flags & DECISION_FORGOTTEN)
        buffer_add_u64(out, d->forgotten);
    if (d->flags & DECISION_UNCERTAINTY)
        format_uncertainty(&d->uncertainty, out);
}

static bool is_plausible(const struct decision *d, const struct plan *p)
{
    if (d->score < 0 || d->score > 1000 || d->outcome >= plan_outcome_count(p) ||
        d->level >= PLAN_LEVELS_MAX)
        return false;
    for (uint32_t i = 0; i < d->reasons; i++) {
        if (d->reason[i].feature >= plan_feature_count(p))
            return false;
    }
    if ((d->flags & DECISION_UNCERTAINTY) != 0 && !is_plausible_uncertainty(&d->uncertainty))
        return false;
    if ((d->flags & DECISION_FORGOTTEN) != 0) {
        uint32_t groups = velocity_group_count(plan_layout(p));

        return d->forgotten != 0 && (groups == 64 || d->forgotten >> groups == 0);
    }
    return true;
}

bool decision_parse(struct reader *in, const struct plan *p, struct decision *d, struct error *e)
{
    struct decision read = {0};

    read.features_hash = reader_u64(in);
    read.margin = reader_double(in);
    read.probability = reader_double(in);
    read.score = (int16_t)reader_u16(in);
    read.outcome = reader_u8(in);
    read.level = reader_u8(in);
    read.flags = reader_u8(in);
    read.reasons = reader_u8(in);
    if (read.reasons > DECISION_REASONS_MAX)
        return error_set(e, ERROR_INVALID, "decision has %u reasons, at most %d are possible",
                         read.reasons, DECISION_REASONS_MAX);
    for (uint32_t i = 0; i < rule_words(p); i++)
        read.rules[i] = reader_u64(in);
    for (uint32_t i = 0; i < read.reasons; i++) {
        read.reason[i].feature = reader_u32(in);
        read.reason[i].contribution = reader_double(in);
    }
    if (read.flags & DECISION_FORGOTTEN)
        read.forgotten = reader_u64(in);
    if (read.flags & DECISION_UNCERTAINTY)
        read_uncertainty(in, &read.uncertainty);
    if (in->failed)
        return error_set(e, ERROR_INVALID, "decision is cut short: it was made by another plan?");
    if (!is_plausible(&read, p))
        return error_set(e, ERROR_INVALID,
                         "decision names an outcome, level, score, feature, entity or "
                         "probability that its plan does not have");
    *d = read;
    return true;
}
