#include "core/model/population.h"

#include <math.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "core/model/kind.h"

enum { VALUE_BYTES_MIN = 12 };

struct population *population_new(uint32_t inputs, uint32_t rows)
{
    struct population *p = mem_alloc(sizeof *p);

    *p = (struct population){.rows = rows, .inputs = inputs};
    p->input = mem_array(inputs, sizeof *p->input);
    return p;
}

static void input_fini(struct population_input *in)
{
    mem_free(in->quantile);
    mem_free(in->value);
    mem_free(in->share);
    mem_free(in->bytes);
}

void population_free(struct population *p)
{
    if (p == NULL)
        return;
    for (uint32_t i = 0; i < p->inputs; i++)
        input_fini(&p->input[i]);
    mem_free(p->input);
    mem_free(p);
}

void population_set_values(struct population *p, uint32_t input, const struct text *value,
                           const double *share, uint32_t count)
{
    struct population_input *in = &p->input[input];
    size_t bytes = 0, at = 0;

    ASSERT(count <= POPULATION_VALUES_MAX);
    for (uint32_t i = 0; i < count; i++)
        bytes += value[i].length;
    in->values = count;
    in->value = mem_array(count + 1, sizeof *in->value);
    in->share = mem_array(count + 1, sizeof *in->share);
    in->bytes = mem_array(bytes + 1, 1);
    for (uint32_t i = 0; i < count; i++) {
        if (value[i].length > 0)
            memcpy(in->bytes + at, value[i].bytes, value[i].length);
        in->value[i] = (struct text){in->bytes + at, value[i].length};
        in->share[i] = share[i];
        at += value[i].length;
    }
}

/* ---- asking ---- */

/* The share of the way at which x is reached, in a table of which `less` points are below x. */
static double reached(const double *q, uint32_t less, double x)
{
    double step;

    if (less == 0)
        return 0;
    if (less == POPULATION_POINTS)
        return 1;
    step = q[less] - q[less - 1];
    return (less - 1 + (x - q[less - 1]) / step) / (POPULATION_POINTS - 1);
}

bool population_standing(const struct population *p, uint32_t input, double x, struct standing *s)
{
    const struct population_input *in = &p->input[input];
    uint32_t less = 0, not_more;

    if (in->points == 0 || isnan(x))
        return false;
    while (less < in->points && in->quantile[less] < x)
        less++;
    not_more = less;
    while (not_more < in->points && in->quantile[not_more] == x)
        not_more++;
    if (not_more == less) {
        s->below = reached(in->quantile, less, x);
        s->above = 1 - s->below;
    } else {
        s->below = (double)less / (POPULATION_POINTS - 1);
        s->above = 1 - (double)(not_more - 1) / (POPULATION_POINTS - 1);
    }
    s->rank = (s->below + 1 - s->above) / 2;
    return true;
}

double population_median(const struct population *p, uint32_t input)
{
    const struct population_input *in = &p->input[input];

    return in->points > 0 ? in->quantile[POPULATION_POINTS / 2] : NAN;
}

double population_share(const struct population *p, uint32_t input, struct text value,
                        bool *is_known)
{
    const struct population_input *in = &p->input[input];
    double least = in->values > 0 ? 1 : 0;

    for (uint32_t i = 0; i < in->values; i++) {
        *is_known = text_equal(in->value[i], value);
        if (*is_known)
            return in->share[i];
        least = in->share[i] < least ? in->share[i] : least;
    }
    *is_known = false;
    return least;
}

const struct population *model_population(const struct model *m)
{
    return m->population;
}

void model_set_population(struct model *m, struct population *p)
{
    ASSERT(p == NULL || p->inputs == m->inputs);
    population_free(m->population);
    m->population = p;
}

/* ---- the file ---- */

void population_format(const struct population *p, struct buffer *out)
{
    buffer_add_u32(out, p->rows);
    for (uint32_t i = 0; i < p->inputs; i++) {
        const struct population_input *in = &p->input[i];

        buffer_add_double(out, in->missing);
        buffer_add_u32(out, in->points);
        for (uint32_t k = 0; k < in->points; k++)
            buffer_add_double(out, in->quantile[k]);
        buffer_add_u32(out, in->values);
        for (uint32_t k = 0; k < in->values; k++) {
            buffer_add_bytes32(out, in->value[k]);
            buffer_add_double(out, in->share[k]);
        }
    }
}

static bool parse_share(struct reader *in, double *share)
{
    return reader_finite(in, share) && *share >= 0 && *share <= 1;
}

static bool parse_quantiles(struct reader *in, struct population_input *to, struct error *e)
{
    to->points = reader_u32(in);
    if (to->points != 0 && to->points != POPULATION_POINTS)
        return model_damaged(e, "an input has another number of quantiles");
    to->quantile = mem_array(to->points + 1, sizeof *to->quantile);
    for (uint32_t k = 0; k < to->points; k++) {
        if (!reader_finite(in, &to->quantile[k]) ||
            (k > 0 && to->quantile[k] < to->quantile[k - 1]))
            return model_damaged(e, "an input's quantiles do not rise");
    }
    return true;
}

static bool parse_values(struct reader *in, struct population *p, uint32_t input, struct error *e)
{
    struct text value[POPULATION_VALUES_MAX];
    double share[POPULATION_VALUES_MAX];
    uint32_t count = reader_u32(in);

    if (count > POPULATION_VALUES_MAX || count > reader_left(in) / VALUE_BYTES_MIN)
        return model_damaged(e, "an input has more usual values than the file can hold");
    for (uint32_t k = 0; k < count; k++) {
        value[k] = reader_bytes32(in);
        if (!parse_share(in, &share[k]) || in->failed || value[k].length > TEXT_MAX ||
            !text_is_utf8(value[k]))
            return model_damaged(e, "a usual value is cut, too long, not UTF-8 or has no share");
        if (k > 0 && text_compare(value[k - 1], value[k]) >= 0)
            return model_damaged(e, "usual values are not in order");
    }
    population_set_values(p, input, value, share, count);
    return true;
}

bool population_parse(struct reader *in, uint32_t inputs, struct population **p, struct error *e)
{
    struct population *read = population_new(inputs, reader_u32(in));

    for (uint32_t i = 0; i < inputs; i++) {
        if (!parse_share(in, &read->input[i].missing))
            model_damaged(e, "an input's share of missing values is none");
        else if (parse_quantiles(in, &read->input[i], e) && parse_values(in, read, i, e))
            continue;
        population_free(read);
        return false;
    }
    *p = read;
    return true;
}
