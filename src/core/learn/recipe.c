#include "core/learn/recipe.h"

#include "core/base/panic.h"

void recipe_defaults(struct recipe *r)
{
    *r = (struct recipe){.kind = MODEL_BOOST, .balance = BALANCE_NONE};
    logistic_defaults(&r->logistic);
    boost_defaults(&r->boost);
}

bool learn(const struct recipe *r, const struct dataset *d, const struct dataset *watch,
           const struct learn_run *run, struct model **m, struct error *e)
{
    struct logistic_options logistic = r->logistic;
    struct boost_options boost = r->boost;

    logistic.balance = boost.balance = r->balance;
    switch (r->kind) {
    case MODEL_LOGISTIC:
        return logistic_train(d, &logistic, run, m, e);
    case MODEL_BOOST:
        return boost_train(d, watch, &boost, run, m, e);
    default:
        return error_set(e, ERROR_INVALID, "%s: there is no trainer of this kind",
                         model_kind_name(r->kind));
    }
}
