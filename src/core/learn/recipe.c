#include "core/learn/recipe.h"

#include "core/base/elementary.h"
#include "core/learn/dataset.h"
#include "core/learn/members.h"

void recipe_defaults(struct recipe *r)
{
    *r = (struct recipe){
        .kind = MODEL_BOOST, .balance = BALANCE_NONE, .calibrate = CALIBRATION_PLATT};
    resample_defaults(&r->resample);
    logistic_defaults(&r->logistic);
    boost_defaults(&r->boost);
    forest_defaults(&r->forest);
    isolation_defaults(&r->isolation);
}

static bool train(const struct recipe *r, const struct dataset *d, const struct dataset *watch,
                  const struct learn_run *run, struct model **m, struct error *e)
{
    struct logistic_options logistic = r->logistic;
    struct boost_options boost = r->boost;
    struct forest_options forest = r->forest;

    logistic.balance = boost.balance = forest.balance = r->balance;
    switch (r->kind) {
    case MODEL_LOGISTIC:
        return logistic_train(d, &logistic, run, m, e);
    case MODEL_BOOST:
        return boost_train(d, watch, &boost, run, m, e);
    case MODEL_FOREST:
        return forest_train(d, &forest, run, m, e);
    case MODEL_ISOLATION:
        return isolation_train(d, &r->isolation, run, m, e);
    case MODEL_VOTE:
        return vote_train(r, d, watch, run, m, e);
    case MODEL_STACK:
        return stack_train(r, d, watch, run, m, e);
    default:
        return error_set(e, ERROR_INVALID, "%s: a kind that is not trained",
                         model_kind_name(r->kind));
    }
}

/* What the trainer saw of frauds against what there are: as odds, by class weights too. */
static void correct_prior(struct model *m, const struct recipe *r, const struct dataset *seen,
                          const uint32_t before[2])
{
    struct calibration c = {.kind = CALIBRATION_PRIOR};
    double frauds = dataset_frauds(seen), weight[2];

    dataset_weights(seen, r->balance, weight);
    c.offset = em_log((double)before[1] / before[0]) -
               em_log(weight[1] * frauds / (weight[0] * (seen->rows - frauds)));
    model_calibrate(m, &c);
}

bool learn(const struct recipe *r, const struct dataset *d, const struct dataset *watch,
           const struct learn_run *run, struct model **m, struct learned *learned, struct error *e)
{
    struct resampled s = {.dataset = *d};
    bool resamples = r->resample.kind != RESAMPLE_NONE && r->kind != MODEL_STACK, good;

    s.after[1] = s.before[1] = dataset_frauds(d);
    s.after[0] = s.before[0] = d->rows - s.before[1];
    if (resamples && !resample(d, &r->resample, run, &s, e))
        return false;
    good = train(r, &s.dataset, watch, run, m, e);
    if (good && r->calibrate == CALIBRATION_PRIOR && r->kind != MODEL_ISOLATION &&
        r->kind != MODEL_STACK)
        correct_prior(*m, r, &s.dataset, s.before);
    if (good && learned != NULL)
        *learned = (struct learned){{s.before[0], s.before[1]}, {s.after[0], s.after[1]}};
    if (resamples)
        resampled_free(&s);
    return good;
}
