#include "core/stats/coverage.h"

#include <math.h>

#include "core/stats/interval.h"

enum { SET_BOTH = 3 };

void coverage_add(struct coverage *c, uint8_t label, uint8_t set, double low, double high)
{
    c->rows[label]++;
    c->covered[label] += set >> label & 1;
    c->sets[set & SET_BOTH]++;
    c->low += low;
    c->high += high;
}

static struct estimate share(uint64_t hits, uint64_t rows)
{
    struct estimate e = {.is_null = rows == 0};

    if (rows == 0)
        return e;
    e.value = (double)hits / (double)rows;
    interval_of_share((double)hits, (double)rows, &e.low, &e.high);
    return e;
}

struct estimate coverage_of_class(const struct coverage *c, int label)
{
    return share(c->covered[label], c->rows[label]);
}

struct estimate coverage_fraud_share(const struct coverage *c)
{
    return share(c->rows[1], coverage_rows(c));
}

uint64_t coverage_rows(const struct coverage *c)
{
    return c->rows[0] + c->rows[1];
}

static double mean(const struct coverage *c, double sum)
{
    return coverage_rows(c) > 0 ? sum / (double)coverage_rows(c) : NAN;
}

double coverage_set_size(const struct coverage *c)
{
    return mean(c, (double)(c->sets[1] + c->sets[2] + 2 * c->sets[SET_BOTH]));
}

double coverage_width(const struct coverage *c)
{
    return mean(c, c->high - c->low);
}

double coverage_low(const struct coverage *c)
{
    return mean(c, c->low);
}

double coverage_high(const struct coverage *c)
{
    return mean(c, c->high);
}

bool coverage_is_broken(const struct coverage *c, int label)
{
    struct estimate e = coverage_of_class(c, label);

    return !e.is_null && e.high < c->level;
}

bool coverage_is_beside(const struct coverage *c)
{
    struct estimate e = coverage_fraud_share(c);

    return !e.is_null && (e.high < coverage_low(c) || e.low > coverage_high(c));
}
