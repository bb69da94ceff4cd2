#include "core/learn/recipe.h"

#include "core/base/elementary.h"
#include "core/learn/dataset.h"
#include "core/learn/members.h"

void recipe_defaults(struct recipe *r)
{
    *r = (struct recipe){
        .kind = MODEL_BOOST, .balance = BALANCE_NONE, .calibrate = CALIBRATION_PLATT};
    r->self_train =
        (struct self_training){.legit_below = 0.001, .fraud_above = 0.9, .max_share = 1};
    resample_defaults(&r->resample);
    logistic_defaults(&r->logistic);
    boost_defaults(&r->boost);
    forest_defaults(&r->forest);
    isolation_defaults(&r->isolation);
    net_defaults(&r->net);
}

static bool train(const struct recipe *r, const struct dataset *d, struct learn_watch *watch,
                  const struct learn_run *run, struct model **m, struct error *e)
{
    struct logistic_options logistic = r->logistic;
    struct boost_options boost = r->boost;
    struct forest_options forest = r->forest;
    struct net_options net = r->net;

    logistic.balance = boost.balance = forest.balance = net.balance = r->balance;
    switch (r->kind) {
    case MODEL_LOGISTIC:
        return logistic_train(d, &logistic, run, m, e);
    case MODEL_BOOST:
        return boost_train(d, watch, &boost, run, m, e);
    case MODEL_FOREST:
        return forest_train(d, &forest, run, m, e);
    case MODEL_ISOLATION:
        return isolation_train(d, &r->isolation, run, m, e);
    case MODEL_NET:
        return net_train(d, watch, &net, run, m, e);
    case MODEL_VOTE:
        return vote_train(r, d, run, m, e);
    case MODEL_STACK:
        return stack_train(r, d, run, m, e);
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

static bool learn_once(const struct recipe *r, const struct dataset *d, struct learn_watch *watch,
                       const struct learn_run *run, struct model **m, struct learned *learned,
                       struct error *e)
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

/* ---- early stopping ---- */

/* The rows before the tail, and the tail, of a dataset. */
struct parted {
    struct dataset head, tail;
    uint32_t *row;
};

static void part_rows(struct parted *p, const struct dataset *d)
{
    p->row = mem_array(d->rows, sizeof *p->row);
    for (uint32_t i = 0; i < d->rows; i++)
        p->row[i] = dataset_row(d, i);
    p->head = p->tail = *d;
    p->tail.rows = (uint32_t)((uint64_t)d->rows * EARLY_TAIL_PERCENT / 100);
    p->head.rows = d->rows - p->tail.rows;
    p->head.row = p->row;
    p->tail.row = p->row + p->head.rows;
}

static bool stops_early(const struct recipe *r)
{
    return (r->kind == MODEL_BOOST && r->boost.patience > 0) ||
           (r->kind == MODEL_NET && r->net.patience > 0);
}

/* Learns from all rows for as many rounds as the first model found. */
static bool learn_again(const struct recipe *r, const struct dataset *d, uint32_t rounds,
                        const struct learn_run *run, struct model **m, struct learned *learned,
                        struct error *e)
{
    struct recipe again = *r;

    again.boost.patience = again.net.patience = 0;
    again.boost.trees = again.net.epochs = rounds;
    return learn_once(&again, d, NULL, run, m, learned, e);
}

static bool learn_in_two(const struct recipe *r, const struct parted *p, const struct dataset *d,
                         const struct learn_run *run, struct model **m, struct learned *learned,
                         struct error *e)
{
    struct learn_watch watch = {.dataset = &p->tail};
    struct progress_part part = {.whole = run->progress, .span = 0.5};
    struct progress progress = {progress_report_part, &part};
    struct learn_run own = *run;
    struct model *first, *second;
    bool good;

    own.progress = &progress;
    if (!learn_once(r, &p->head, &watch, &own, &first, learned, e))
        return false;
    *m = first;
    if (part.is_cancelled || watch.rounds == 0)
        return true;
    part.from = 0.5;
    good = learn_again(r, d, watch.rounds, &own, &second, learned, e);
    if (good && part.is_cancelled) {
        model_free(second);
    } else if (good) {
        model_free(first);
        *m = second;
    } else if (e->kind != ERROR_CANCELLED) {
        model_free(first);
        return false;
    }
    return true;
}

bool learn(const struct recipe *r, const struct dataset *d, const struct learn_run *run,
           struct model **m, struct learned *learned, struct error *e)
{
    struct parted p;
    bool good;

    if (!stops_early(r) || d->rows == 0)
        return learn_once(r, d, NULL, run, m, learned, e);
    part_rows(&p, d);
    if (dataset_frauds(&p.tail) < EARLY_FRAUDS_MIN || dataset_frauds(&p.head) < EARLY_FRAUDS_MIN)
        good = learn_once(r, d, NULL, run, m, learned, e);
    else
        good = learn_in_two(r, &p, d, run, m, learned, e);
    mem_free(p.row);
    return good;
}
