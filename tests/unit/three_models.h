/* Three models of one table, for the tests of models: include it once in a test program. */
#ifndef ASSAY_TESTS_THREE_MODELS_H
#define ASSAY_TESTS_THREE_MODELS_H

#include "tests/unit/learning.h"

enum { ROWS = 3000 };

static struct table table;
static struct model *boost, *logistic, *net;

static int make_models(void **state)
{
    struct boost_options o;
    struct logistic_options l;
    struct net_options n;

    table_init(&table, ROWS, 7);
    boost_defaults(&o);
    o.trees = 37; /* no whole number of groups */
    o.leaves = 13;
    o.depth = 7;
    boost = table_boost(&table.dataset, &o, NULL);
    logistic_defaults(&l);
    logistic = table_logistic(&table.dataset, &l, NULL);
    net_defaults(&n);
    n.units = 21; /* no whole number of groups */
    n.epochs = 3;
    net = table_net(&table.dataset, &n, NULL);
    return 0;
}

static int free_models(void **state)
{
    model_free(boost);
    model_free(logistic);
    model_free(net);
    table_fini(&table);
    return 0;
}

#endif
