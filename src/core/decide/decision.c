#include "core/decide/decision.h"

#include <string.h>

#include "core/base/panic.h"

/* In the bytes OBSERVED never stands, so its bit says that the upper flags follow. */
enum { FLAGS_AT = 28, FLAGS_FOLLOW = DECISION_OBSERVED };

static void format_flags(uint16_t flags, struct buffer *out)
{
    if (flags >> 8 == 0) {
        buffer_add_u8(out, (uint8_t)flags);
        return;
    }
    buffer_add_u8(out, (uint8_t)(flags | FLAGS_FOLLOW));
    buffer_add_u8(out, (uint8_t)(flags >> 8));
}

static uint16_t read_flags(struct reader *in)
{
    uint16_t flags = reader_u8(in);

    if ((flags & FLAGS_FOLLOW) != 0)
        flags = (uint16_t)((flags & ~FLAGS_FOLLOW) | reader_u8(in) << 8);
    return flags;
}

uint16_t decision_told(struct text bytes)
{
    struct reader in;

    if (bytes.length < FLAGS_AT + 2)
        return 0;
    reader_init(&in, bytes.bytes + FLAGS_AT, 2);
    return read_flags(&in) & DECISION_TOLD;
}

/* Where the character that crosses REASON_TEXT_MAX begins. */
static uint8_t cut_length(struct text t)
{
    size_t length = t.length;

    if (length <= REASON_TEXT_MAX)
        return (uint8_t)length;
    length = REASON_TEXT_MAX;
    while (length > 0 && ((unsigned char)t.bytes[length] & 0xc0) == 0x80)
        length--;
    return (uint8_t)length;
}

void reason_take_value(struct reason *r, const struct column *c, uint32_t row)
{
    r->has_value = true;
    r->is_null = c->null[row] != 0;
    if (r->is_null)
        return;
    if (c->type == TYPE_TEXT) {
        r->length = cut_length(c->text[row]);
        if (r->length > 0)
            memcpy(r->text, c->text[row].bytes, r->length);
    } else if (c->type == TYPE_REAL) {
        r->real = c->real[row];
    } else {
        r->integer = c->integer[row];
    }
}

struct value reason_value(const struct reason *r, enum type type)
{
    struct value v = {.type = type, .is_null = r->is_null || !r->has_value};

    if (v.is_null)
        return v;
    if (type == TYPE_TEXT)
        v.text = (struct text){r->text, r->length};
    else if (type == TYPE_REAL)
        v.real = r->real;
    else
        v.integer = r->integer;
    return v;
}

void decision_add_reason(struct decision *d, uint32_t feature, double contribution)
{
    uint32_t at = d->reasons;

    if (!(contribution > 0))
        return;
    while (at > 0 && d->reason[at - 1].contribution < contribution)
        at--;
    if (at == DECISION_REASONS_MAX)
        return;
    if (d->reasons < DECISION_REASONS_MAX)
        d->reasons++;
    memmove(&d->reason[at + 1], &d->reason[at], (d->reasons - at - 1u) * sizeof d->reason[0]);
    d->reason[at] = (struct reason){.feature = feature, .contribution = contribution};
}

const char *decider_name(enum decider d)
{
    static const char *const words[DECIDERS] = {"champion", "challenger", "shadow"};

    return words[d];
}

static void format_rivals(const struct decision *d, struct buffer *out)
{
    buffer_add_u8(out, d->decided_by);
    buffer_add_u8(out, d->scored);
    for (int k = 0; k < DECIDERS; k++) {
        if ((d->scored >> k & 1) == 0)
            continue;
        buffer_add_double(out, d->other[k].margin);
        buffer_add_double(out, d->other[k].probability);
    }
}

static void read_rivals(struct reader *in, struct decision *d)
{
    d->decided_by = reader_u8(in);
    d->scored = reader_u8(in);
    for (int k = 0; k < DECIDERS; k++) {
        if ((d->scored >> k & 1) == 0)
            continue;
        d->other[k].margin = reader_double(in);
        d->other[k].probability = reader_double(in);
    }
}

static bool are_plausible_rivals(const struct decision *d)
{
    for (int k = 0; k < DECIDERS; k++) {
        if (!(d->other[k].probability >= 0 && d->other[k].probability <= 1))
            return false;
    }
    return d->decided_by <= BY_CHALLENGER && d->scored >> DECIDERS == 0 &&
           (d->scored >> d->decided_by & 1) == 0;
}

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
    format_flags(d->flags, out);
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
    if (d->flags & DECISION_RIVALS)
        format_rivals(d, out);
}

static bool is_plausible(const struct decision *d, const struct plan *p)
{
    if (d->score < 0 || d->score > 1000 || d->outcome >= plan_outcome_count(p) ||
        d->level >= PLAN_LEVELS_MAX || d->flags >= 2 * DECISION_SHARED_PART)
        return false;
    for (uint32_t i = 0; i < d->reasons; i++) {
        if (d->reason[i].feature >= plan_feature_count(p))
            return false;
    }
    if ((d->flags & DECISION_UNCERTAINTY) != 0 && !is_plausible_uncertainty(&d->uncertainty))
        return false;
    if ((d->flags & DECISION_RIVALS) != 0 && !are_plausible_rivals(d))
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
    read.flags = read_flags(in);
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
    if (read.flags & DECISION_RIVALS)
        read_rivals(in, &read);
    if (in->failed)
        return error_set(e, ERROR_INVALID, "decision is cut short: it was made by another plan?");
    if (!is_plausible(&read, p))
        return error_set(e, ERROR_INVALID,
                         "decision names an outcome, level, score, feature, entity or "
                         "probability that its plan does not have");
    *d = read;
    return true;
}
