/* The kinds made of other models: vote (the weighted mean of probabilities) and stack (a logistic
 * regression on the members' log-odds).
 *
 * A member's contributions are to its own margin. They are rescaled by what the member's term
 * changes per unit of that margin between its base and here (the rescale rule of DeepLIFT,
 * Shrikumar et al. 2017), so that base + sum(contribution) = margin holds for the whole. */
#include "core/model/kind.h"

#include "core/base/elementary.h"
#include "core/base/panic.h"

/* Log-odds of a member stay finite. */
static const double share_least = 1e-9;

struct members_scratch {
    struct model_scratch *member[MODEL_MEMBERS_MAX];
    double *x; /* a block of encoded rows of one member */
};

static void members_close(struct model *m)
{
    for (uint32_t k = 0; k < m->members.count; k++)
        model_free(m->members.model[k]);
}

static bool members_finish(struct model *m, struct error *e)
{
    m->width = 0;
    for (uint32_t k = 0; k < m->members.count; k++) {
        const struct model *member = m->members.model[k];

        m->width += member->width;
        m->block = member->block > m->block ? member->block : m->block;
    }
    return m->members.count > 0 ||
           error_set(e, ERROR_INVALID, "model: %s without members", model_kind_name(m->kind));
}

static void *members_scratch_new(const struct model *m, enum simd level)
{
    struct members_scratch *s = mem_alloc(sizeof *s);

    for (uint32_t k = 0; k < m->members.count; k++)
        s->member[k] = model_scratch_new(m->members.model[k], level);
    s->x = mem_array((size_t)m->block * m->width + 1, sizeof *s->x);
    return s;
}

static void members_scratch_free(const struct model *m, void *scratch)
{
    struct members_scratch *s = scratch;

    for (uint32_t k = 0; k < m->members.count; k++)
        model_scratch_free(s->member[k]);
    mem_free(s->x);
    mem_free(s);
}

double share_log_odds(double p)
{
    if (p < share_least)
        p = share_least;
    if (p > 1 - share_least)
        p = 1 - share_least;
    return em_logit(p);
}

/* What a member's margin adds to the whole, before its weight. */
static double term_of(const struct model *m, const struct model *member, double margin)
{
    double p = model_probability(member, margin);

    return m->kind == MODEL_VOTE ? p : share_log_odds(p);
}

static double weight_sum(const struct model_members *s)
{
    double sum = 0;

    for (uint32_t k = 0; k < s->count; k++)
        sum += s->weight[k];
    return sum;
}

/* The weights as they multiply the terms: of a vote they sum to 1. */
static double share_of(const struct model *m, uint32_t k)
{
    return m->kind == MODEL_VOTE ? m->members.weight[k] / weight_sum(&m->members)
                                 : m->members.weight[k];
}

static void members_score(const struct model *m, void *scratch, const double *x, uint32_t rows,
                          double *margin)
{
    struct members_scratch *s = scratch;
    double part[MODEL_BLOCK_LARGE];
    uint32_t from = 0;

    for (uint32_t i = 0; i < rows; i++)
        margin[i] = m->members.bias;
    for (uint32_t k = 0; k < m->members.count; k++) {
        const struct model *member = m->members.model[k];
        double share = share_of(m, k);

        for (uint32_t i = 0; i < rows; i++) {
            for (uint32_t j = 0; j < member->width; j++)
                s->x[(size_t)i * member->width + j] = x[(size_t)i * m->width + from + j];
        }
        model_score_encoded(member, s->member[k], s->x, rows, part);
        for (uint32_t i = 0; i < rows; i++)
            margin[i] += share * term_of(m, member, part[i]);
        from += member->width;
    }
}

static double members_explain(const struct model *m, void *scratch, const double *x,
                              double *contribution)
{
    struct members_scratch *s = scratch;
    double *own = mem_array(m->inputs + 1, sizeof *own), base = m->members.bias;

    for (uint32_t k = 0; k < m->members.count; k++) {
        const struct model *member = m->members.model[k];
        double share = share_of(m, k), sum = 0, low, high;

        for (uint32_t j = 0; j < m->inputs; j++)
            own[j] = 0;
        low = model_explain_encoded(member, s->member[k], x, own);
        for (uint32_t j = 0; j < m->inputs; j++)
            sum += own[j];
        high = term_of(m, member, low + sum);
        low = term_of(m, member, low);
        for (uint32_t j = 0; j < m->inputs && sum != 0; j++)
            contribution[j] += share * own[j] * ((high - low) / sum);
        base += share * low;
        x += member->width;
    }
    mem_free(own);
    return base;
}

static void members_format(const struct model *m, struct buffer *b)
{
    struct buffer file;

    buffer_init(&file, MODEL_BYTES_MAX);
    buffer_add_double(b, m->members.bias);
    buffer_add_u32(b, m->members.count);
    for (uint32_t k = 0; k < m->members.count; k++) {
        buffer_clear(&file);
        model_format(m->members.model[k], &file);
        if (file.overflow)
            b->overflow = true;
        buffer_add_double(b, m->members.weight[k]);
        buffer_add_bytes32(b, (struct text){file.bytes, (uint32_t)file.length});
    }
    buffer_fini(&file);
}

static bool same_inputs(const struct model *a, const struct model *b)
{
    if (a->inputs != b->inputs)
        return false;
    for (uint32_t j = 0; j < a->inputs; j++) {
        const struct model_input *x = &a->input[j], *y = &b->input[j];

        if (!text_equal(text_of(x->name), text_of(y->name)) || x->is_category != y->is_category ||
            x->fingerprint != y->fingerprint)
            return false;
    }
    return true;
}

static bool members_parse(struct reader *in, struct model *m, unsigned nesting, struct error *e)
{
    uint32_t count;

    if (!reader_finite(in, &m->members.bias))
        return model_damaged(e, "its bias is not finite");
    count = reader_u32(in);
    if (count == 0 || count > MODEL_MEMBERS_MAX || nesting == MODEL_NESTING)
        return model_damaged(e, "it has no member, too many, or members too deep");
    for (uint32_t k = 0; k < count; k++) {
        struct model *member;
        struct text file;
        double weight;

        if (!reader_finite(in, &weight) || (m->kind == MODEL_VOTE && weight <= 0))
            return model_damaged(e, "a member's weight is no weight");
        file = reader_bytes32(in);
        if (in->failed)
            return model_damaged(e, "a member is cut");
        if (!model_parse_nested(file.bytes, file.length, nesting + 1, &member, e))
            return false;
        if (!same_inputs(m, member)) {
            model_free(member);
            return model_damaged(e, "a member has other inputs");
        }
        model_add_member(m, member, weight);
    }
    return true;
}

#define MEMBERS_SHARED                                                                             \
    .section = 0x424d454d, /* MEMB */                                                              \
        .close = members_close, .finish = members_finish, .scratch_new = members_scratch_new,      \
    .scratch_free = members_scratch_free, .score = members_score, .explain = members_explain,      \
    .format = members_format, .parse = members_parse

const struct model_operations vote_operations = {
    .name = "vote",
    .unit = MARGIN_SHARE,
    MEMBERS_SHARED,
};

const struct model_operations stack_operations = {
    .name = "stack",
    .unit = MARGIN_LOG_ODDS,
    MEMBERS_SHARED,
};
