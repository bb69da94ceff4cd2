/* Scoring and explaining of nets.
 *
 * Contributions are integrated gradients (Sundararajan, Taly and Yan 2017) of the log-odds, from
 * the net's answer to all terms at their mean to that of the row, by the midpoint rule; what the
 * rule leaves over is shared among the contributions by size, so that they add up. */
#include "core/model/net.h"

#include <string.h>

#include "core/base/elementary.h"
#include "core/base/panic.h"
#include "core/model/kind.h"

enum { GRADIENT_STEPS = 64, TERM_BYTES = 22 };

/* Weights that no training finds can overflow; what comes out of it is drawn in to finite numbers.
 */
static const double log_odds_most = 1e6;

struct net_scratch {
    enum simd level;
    float *terms;                    /* of one row */
    float *value[NET_LAYERS_MAX];    /* of each layer's units */
    float *back[NET_LAYERS_MAX + 1]; /* gradient by each layer's inputs */
    float *at;                       /* terms on the way from the mean */
    double *gradient;                /* by term, summed over the way */
};

static uint32_t whole_groups(uint32_t units)
{
    return (units + NET_LANES - 1) / NET_LANES * NET_LANES;
}

void net_open(struct model_net *n, uint32_t terms, const uint32_t *units, uint32_t layers)
{
    ASSERT(layers > 0 && layers <= NET_LAYERS_MAX && units[layers - 1] == 1);
    *n = (struct model_net){.terms = terms, .layers = layers};
    n->term = mem_array(terms + 1, sizeof *n->term);
    for (uint32_t l = 0; l < layers; l++) {
        struct net_layer *layer = &n->layer[l];

        *layer = (struct net_layer){l > 0 ? units[l - 1] : terms, units[l], whole_groups(units[l])};
        layer->weight =
            mem_aligned(64, ((size_t)layer->from * layer->stride + 1) * sizeof *layer->weight);
        layer->bias = mem_aligned(64, layer->stride * sizeof *layer->bias);
    }
}

void net_close(struct model_net *n)
{
    mem_free(n->term);
    for (uint32_t l = 0; l < n->layers; l++) {
        mem_free(n->layer[l].weight);
        mem_free(n->layer[l].bias);
    }
    *n = (struct model_net){0};
}

/* ---- terms ---- */

static double drawn_in(double z)
{
    return z < 0 ? -em_log1p(-z) : em_log1p(z);
}

float net_term_value(const struct net_term *t, double x)
{
    bool missing = __builtin_isnan(x);

    switch (t->kind) {
    case NET_NUMBER:
        return missing ? 0 : (float)drawn_in((x - t->mean) * t->scale);
    case NET_LEVEL:
        return (float)(((!missing && x == t->level) - t->mean) * t->scale);
    default:
        return (float)((missing - t->mean) * t->scale);
    }
}

void net_terms(const struct model_net *n, const double *x, float *z)
{
    for (uint32_t t = 0; t < n->terms; t++)
        z[t] = net_term_value(&n->term[t], x[n->term[t].input]);
}

/* ---- layers: the same code for each vector width ---- */

/* Units side by side; the compiler makes of it what the width has. */
typedef float lanes __attribute__((vector_size(NET_LANES * sizeof(float)), aligned(4), may_alias));

static inline __attribute__((always_inline)) void sum_group(const struct net_layer *l,
                                                            const float *x, float *y)
{
    uint32_t stride = l->stride;

    for (uint32_t g = 0; g < stride; g += NET_LANES) {
        const float *w = l->weight + g;
        lanes sum = *(const lanes *)(l->bias + g);

        for (uint32_t i = 0; i < l->from; i++, w += stride)
            sum += x[i] * *(const lanes *)w;
        *(lanes *)(y + g) = sum;
    }
}

/* Lanes are added up in a fixed order: each half to the other, until one is left. */
static inline __attribute__((always_inline)) float lanes_sum(const float *sum)
{
    float eight[8], four[4];

    for (unsigned j = 0; j < 8; j++)
        eight[j] = sum[j] + sum[j + 8];
    for (unsigned j = 0; j < 4; j++)
        four[j] = eight[j] + eight[j + 4];
    return (four[0] + four[2]) + (four[1] + four[3]);
}

static inline __attribute__((always_inline)) void
back_group(const struct net_layer *l, const float *restrict d, float *restrict x)
{
    for (uint32_t i = 0; i < l->from; i++) {
        const float *w = l->weight + (size_t)i * l->stride;
        float sum[NET_LANES];
        lanes all = {0};

        for (uint32_t g = 0; g < l->stride; g += NET_LANES)
            all += *(const lanes *)(d + g) * *(const lanes *)(w + g);
        memcpy(sum, &all, sizeof sum);
        x[i] = lanes_sum(sum);
    }
}

_Static_assert(NET_LANES == 16, "lanes_sum");

/* Units that are silent (rectified or dropped) have no part. */
static inline __attribute__((always_inline)) void
gradient_group(struct net_layer *sum, const float *restrict x, const float *restrict d)
{
    uint32_t from = sum->from, stride = sum->stride;
    float *restrict bias = sum->bias, *restrict weight = sum->weight;

    for (uint32_t g = 0; g < stride; g += NET_LANES)
        *(lanes *)(bias + g) += *(const lanes *)(d + g);
    for (uint32_t i = 0; i < from; i++, weight += stride) {
        float v = x[i];

        if (v == 0)
            continue;
        for (uint32_t g = 0; g < stride; g += NET_LANES)
            *(lanes *)(weight + g) += v * *(const lanes *)(d + g);
    }
}

static void sum_scalar(const struct net_layer *l, const float *x, float *y)
{
    sum_group(l, x, y);
}

static void back_scalar(const struct net_layer *l, const float *d, float *x)
{
    back_group(l, d, x);
}

static void gradient_scalar(struct net_layer *sum, const float *x, const float *d)
{
    gradient_group(sum, x, d);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void sum_avx2(const struct net_layer *l, const float *x,
                                                     float *y)
{
    sum_group(l, x, y);
}

__attribute__((target("avx2"))) static void back_avx2(const struct net_layer *l, const float *d,
                                                      float *x)
{
    back_group(l, d, x);
}

__attribute__((target("avx512f"))) static void sum_avx512(const struct net_layer *l, const float *x,
                                                          float *y)
{
    sum_group(l, x, y);
}

__attribute__((target("avx512f"))) static void back_avx512(const struct net_layer *l,
                                                           const float *d, float *x)
{
    back_group(l, d, x);
}

__attribute__((target("avx2"))) static void gradient_avx2(struct net_layer *sum, const float *x,
                                                          const float *d)
{
    gradient_group(sum, x, d);
}

__attribute__((target("avx512f"))) static void gradient_avx512(struct net_layer *sum,
                                                               const float *x, const float *d)
{
    gradient_group(sum, x, d);
}
#else
#define sum_avx2        sum_scalar
#define sum_avx512      sum_scalar
#define back_avx2       back_scalar
#define back_avx512     back_scalar
#define gradient_avx2   gradient_scalar
#define gradient_avx512 gradient_scalar
#endif

void net_layer_sum(const struct net_layer *l, const float *x, float *y, enum simd level)
{
    if (level == SIMD_AVX512)
        sum_avx512(l, x, y);
    else if (level == SIMD_AVX2)
        sum_avx2(l, x, y);
    else
        sum_scalar(l, x, y);
}

void net_layer_back(const struct net_layer *l, const float *d, float *x, enum simd level)
{
    if (level == SIMD_AVX512)
        back_avx512(l, d, x);
    else if (level == SIMD_AVX2)
        back_avx2(l, d, x);
    else
        back_scalar(l, d, x);
}

void net_layer_gradient(struct net_layer *sum, const float *x, const float *d, enum simd level)
{
    if (level == SIMD_AVX512)
        gradient_avx512(sum, x, d);
    else if (level == SIMD_AVX2)
        gradient_avx2(sum, x, d);
    else
        gradient_scalar(sum, x, d);
}

/* ---- scoring ---- */

static void *scratch_new(const struct model *m, enum simd level)
{
    const struct model_net *n = &m->net;
    struct net_scratch *s = mem_alloc(sizeof *s);

    s->level = level;
    s->terms = mem_array(n->terms + 1, sizeof *s->terms);
    s->at = mem_array(n->terms + 1, sizeof *s->at);
    s->gradient = mem_array(n->terms + 1, sizeof *s->gradient);
    for (uint32_t l = 0; l < n->layers; l++) {
        s->value[l] = mem_aligned(64, n->layer[l].stride * sizeof **s->value);
        s->back[l] = mem_aligned(64, whole_groups(n->layer[l].from + 1) * sizeof **s->back);
    }
    return s;
}

static void scratch_free(const struct model *m, void *scratch)
{
    struct net_scratch *s = scratch;

    for (uint32_t l = 0; l < m->net.layers; l++) {
        mem_free(s->value[l]);
        mem_free(s->back[l]);
    }
    mem_free(s->terms);
    mem_free(s->at);
    mem_free(s->gradient);
    mem_free(s);
}

static double answer(const struct model_net *n, struct net_scratch *s, const float *terms)
{
    const float *x = terms;
    double margin;

    for (uint32_t l = 0; l < n->layers; l++) {
        float *y = s->value[l];

        net_layer_sum(&n->layer[l], x, y, s->level);
        for (uint32_t j = 0; j < n->layer[l].stride && l + 1 < n->layers; j++)
            y[j] = y[j] > 0 ? y[j] : 0;
        x = y;
    }
    margin = s->value[n->layers - 1][0];
    if (margin > log_odds_most)
        return log_odds_most;
    return margin > -log_odds_most ? margin : -log_odds_most;
}

static void net_score(const struct model *m, void *scratch, const double *x, uint32_t rows,
                      double *margin)
{
    struct net_scratch *s = scratch;

    for (uint32_t i = 0; i < rows; i++) {
        net_terms(&m->net, x + (size_t)i * m->inputs, s->terms);
        margin[i] = answer(&m->net, s, s->terms);
    }
}

/* ---- explaining ---- */

/* Adds the answer's gradient by each term at s->at. */
static void add_gradient(const struct model_net *n, struct net_scratch *s)
{
    uint32_t last = n->layers - 1;
    float out[NET_LANES] = {1};
    const float *d = out;

    answer(n, s, s->at);
    for (uint32_t l = last + 1; l-- > 0;) {
        net_layer_back(&n->layer[l], d, s->back[l], s->level);
        for (uint32_t i = 0; l > 0 && i < n->layer[l].from; i++) {
            if (s->value[l - 1][i] <= 0)
                s->back[l][i] = 0;
        }
        d = s->back[l];
    }
    for (uint32_t t = 0; t < n->terms; t++)
        s->gradient[t] += s->back[0][t];
}

/* What is left over goes to the contributions by size. */
static void add_up(double *contribution, uint32_t inputs, double wanted)
{
    double sum = 0, size = 0;

    for (uint32_t j = 0; j < inputs; j++) {
        sum += contribution[j];
        size += contribution[j] < 0 ? -contribution[j] : contribution[j];
    }
    for (uint32_t j = 0; j < inputs && size > 0; j++) {
        double own = contribution[j] < 0 ? -contribution[j] : contribution[j];

        contribution[j] += (wanted - sum) * (own / size);
    }
}

static double net_explain(const struct model *m, void *scratch, const double *x,
                          double *contribution)
{
    const struct model_net *n = &m->net;
    struct net_scratch *s = scratch;
    double base, margin;

    net_terms(n, x, s->terms);
    margin = answer(n, s, s->terms);
    for (uint32_t t = 0; t < n->terms; t++) {
        s->gradient[t] = 0;
        s->at[t] = 0;
    }
    base = answer(n, s, s->at);
    for (unsigned step = 0; step < GRADIENT_STEPS; step++) {
        float share = (float)((step + 0.5) / GRADIENT_STEPS);

        for (uint32_t t = 0; t < n->terms; t++)
            s->at[t] = s->terms[t] * share;
        add_gradient(n, s);
    }
    for (uint32_t t = 0; t < n->terms; t++) {
        double share = s->terms[t] * s->gradient[t] / GRADIENT_STEPS;

        contribution[n->term[t].input] += __builtin_isfinite(share) ? share : 0;
    }
    add_up(contribution, m->inputs, margin - base);
    return base;
}

/* ---- file ---- */

static void add_float(struct buffer *b, float v)
{
    uint32_t bits;

    memcpy(&bits, &v, sizeof bits);
    buffer_add_u32(b, bits);
}

static void net_format(const struct model *m, struct buffer *b)
{
    const struct model_net *n = &m->net;

    buffer_add_u32(b, n->terms);
    buffer_add_u32(b, n->layers);
    for (uint32_t l = 0; l < n->layers; l++)
        buffer_add_u32(b, n->layer[l].units);
    for (uint32_t t = 0; t < n->terms; t++) {
        buffer_add_u16(b, (uint16_t)n->term[t].kind);
        buffer_add_u16(b, n->term[t].input);
        buffer_add_u16(b, n->term[t].level);
        buffer_add_double(b, n->term[t].mean);
        buffer_add_double(b, n->term[t].scale);
    }
    for (uint32_t l = 0; l < n->layers; l++) {
        const struct net_layer *y = &n->layer[l];

        for (uint32_t j = 0; j < y->units; j++)
            add_float(b, y->bias[j]);
        for (uint32_t i = 0; i < y->from; i++) {
            for (uint32_t j = 0; j < y->units; j++)
                add_float(b, y->weight[(size_t)i * y->stride + j]);
        }
    }
}

static bool parse_term(struct reader *in, const struct model *m, struct net_term *t,
                       struct error *e)
{
    uint16_t kind = reader_u16(in);

    t->input = reader_u16(in);
    t->level = reader_u16(in);
    t->kind = (enum net_term_kind)kind;
    if (in->failed || kind > NET_MISSING || t->input >= m->inputs)
        return model_damaged(e, "a net's term is of no known kind or of no input");
    return (reader_finite(in, &t->mean) && reader_finite(in, &t->scale)) ||
           model_damaged(e, "a net's term is not finite");
}

static bool read_float(struct reader *in, float *v)
{
    uint32_t bits = reader_u32(in);

    memcpy(v, &bits, sizeof *v);
    return !in->failed && __builtin_isfinite(*v);
}

static bool parse_layer(struct reader *in, struct net_layer *l, struct error *e)
{
    bool finite = true;

    for (uint32_t j = 0; j < l->units && finite; j++)
        finite = read_float(in, &l->bias[j]);
    for (uint32_t i = 0; i < l->from && finite; i++) {
        for (uint32_t j = 0; j < l->units && finite; j++)
            finite = read_float(in, &l->weight[(size_t)i * l->stride + j]);
    }
    return finite || model_damaged(e, "a net's weight is not finite");
}

static bool net_parse(struct reader *in, struct model *m, unsigned nesting, struct error *e)
{
    uint32_t terms = reader_u32(in), layers = reader_u32(in), units[NET_LAYERS_MAX] = {0};
    uint64_t weights = 0, from = terms;

    if (in->failed || terms > NET_TERMS_MAX || layers == 0 || layers > NET_LAYERS_MAX)
        return model_damaged(e, "a net has too many terms or layers");
    for (uint32_t l = 0; l < layers; l++) {
        units[l] = reader_u32(in);
        if (units[l] == 0 || units[l] > NET_UNITS_MAX || (l + 1 == layers && units[l] != 1))
            return model_damaged(e, "a net's layer has no unit or too many");
        weights += (from + 1) * units[l];
        from = units[l];
    }
    if (terms * (uint64_t)TERM_BYTES + weights * sizeof(float) > reader_left(in))
        return model_damaged(e, "a net has more weights than the file can hold");
    net_open(&m->net, terms, units, layers);
    for (uint32_t t = 0; t < terms; t++) {
        if (!parse_term(in, m, &m->net.term[t], e))
            return false;
    }
    for (uint32_t l = 0; l < layers; l++) {
        if (!parse_layer(in, &m->net.layer[l], e))
            return false;
    }
    return true;
}

static void net_free(struct model *m)
{
    net_close(&m->net);
}

const struct model_operations net_operations = {
    .name = "net",
    .unit = MARGIN_LOG_ODDS,
    .section = 0x5754454e, /* NETW */
    .close = net_free,
    .scratch_new = scratch_new,
    .scratch_free = scratch_free,
    .score = net_score,
    .explain = net_explain,
    .format = net_format,
    .parse = net_parse,
};
