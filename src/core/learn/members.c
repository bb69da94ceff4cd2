#include "core/learn/members.h"

#include "core/base/elementary.h"
#include "core/base/random.h"
#include "core/learn/dataset.h"

enum { FOLDS = 5, BLOCK_ROWS = 256, STREAM_FOLD = 0x737461 };

static bool fit_member(const struct recipe *r, const struct dataset *d, const struct learn_run *run,
                       uint32_t number, uint32_t fits, struct model **m, struct error *e)
{
    struct progress_part part = {run->progress, (double)number / fits, 1.0 / fits};
    struct progress progress = {progress_report_part, &part};
    struct learn_run own = *run;

    own.progress = &progress;
    return learn(r, d, &own, m, NULL, e);
}

static bool check_members(const struct recipe *r, struct error *e)
{
    if (r->members == 0 || r->members > MODEL_MEMBERS_MAX)
        return error_set(e, ERROR_INVALID, "%s: %u members, 1 to %d are allowed",
                         model_kind_name(r->kind), r->members, MODEL_MEMBERS_MAX);
    for (uint32_t k = 0; k < r->members; k++) {
        if (r->member[k]->kind == MODEL_STACK || r->member[k]->kind == MODEL_VOTE)
            return error_set(e, ERROR_INVALID, "%s: member %u is itself made of members",
                             model_kind_name(r->kind), k + 1);
        if (r->kind == MODEL_VOTE && !(r->weight[k] > 0))
            return error_set(e, ERROR_INVALID, "vote: the weight %g of member %u is not above 0",
                             r->weight[k], k + 1);
    }
    return true;
}

/* ---- vote ---- */

bool vote_train(const struct recipe *r, const struct dataset *d, const struct learn_run *run,
                struct model **m, struct error *e)
{
    struct model *trained;
    bool good = true;

    if (!check_members(r, e) || !dataset_check(d, e))
        return false;
    trained = dataset_model(d, MODEL_VOTE);
    for (uint32_t k = 0; k < r->members && good; k++) {
        struct model *member;

        good = fit_member(r->member[k], d, run, k, r->members, &member, e);
        if (good)
            model_add_member(trained, member, r->weight[k]);
    }
    good = good && model_finish(trained, e);
    if (!good) {
        model_free(trained);
        return false;
    }
    *m = trained;
    return true;
}

/* ---- stack ---- */

struct stacking {
    const struct recipe *recipe;
    const struct dataset *dataset;
    const struct learn_run *run;
    struct recipe member[MODEL_MEMBERS_MAX]; /* with the stack's resampling */
    uint8_t *fold;                           /* of each dataset row */
    struct column column[MODEL_MEMBERS_MAX]; /* log-odds of each row by each member */
    uint32_t fits, done;
};

static void deal_folds(struct stacking *s)
{
    uint32_t dealt[2] = {0, 0};

    for (uint32_t i = 0; i < s->dataset->rows; i++) {
        uint8_t label = dataset_label(s->dataset, i) != 0;

        s->fold[i] =
            (uint8_t)((dealt[label]++ + random_at(s->run->seed, STREAM_FOLD, i / 64)) % FOLDS);
    }
}

/* Log-odds of the rows of one fold. */
static void score_fold(struct stacking *s, const struct model *m, uint8_t fold, double *to)
{
    const struct dataset *d = s->dataset;
    struct model_scratch *scratch = model_scratch_new(m, s->run->simd);
    double *x = mem_array((size_t)BLOCK_ROWS * m->width, sizeof *x), margin[BLOCK_ROWS];

    for (uint32_t at = 0; at < d->rows; at += BLOCK_ROWS) {
        uint32_t n = d->rows - at < BLOCK_ROWS ? d->rows - at : BLOCK_ROWS;

        model_encode(m, d->input, d->row, at, n, x);
        model_score_encoded(m, scratch, x, n, margin);
        for (uint32_t i = 0; i < n; i++) {
            if (s->fold[at + i] == fold)
                to[at + i] = share_log_odds(model_probability(m, margin[i]));
        }
    }
    mem_free(x);
    model_scratch_free(scratch);
}

static bool fit_without_fold(struct stacking *s, uint32_t k, uint8_t fold, struct error *e)
{
    const struct dataset *d = s->dataset;
    uint32_t *row = mem_array(d->rows, sizeof *row);
    struct dataset part = *d;
    struct model *m;
    bool good;

    part.rows = 0;
    part.row = row;
    for (uint32_t i = 0; i < d->rows; i++) {
        if (s->fold[i] != fold)
            row[part.rows++] = dataset_row(d, i);
    }
    good = fit_member(&s->member[k], &part, s->run, s->done++, s->fits, &m, e);
    mem_free(row);
    if (!good)
        return false;
    score_fold(s, m, fold, s->column[k].real);
    model_free(m);
    return true;
}

/* Weights by logistic regression of the labels on the members' log-odds. */
static bool weigh(struct stacking *s, struct model *m, struct error *e)
{
    const struct dataset *d = s->dataset;
    const struct column *input[MODEL_MEMBERS_MAX];
    const char *name[MODEL_MEMBERS_MAX];
    uint8_t *label = mem_array(d->rows, 1);
    struct dataset terms = {.rows = d->rows,
                            .inputs = s->recipe->members,
                            .input = input,
                            .name = name,
                            .label = label};
    struct logistic_options o = s->recipe->logistic;
    struct learn_run run = *s->run;
    struct model *weights;
    bool good;

    for (uint32_t k = 0; k < terms.inputs; k++) {
        input[k] = &s->column[k];
        name[k] = model_kind_name(s->member[k].kind);
    }
    for (uint32_t i = 0; i < d->rows; i++)
        label[i] = dataset_label(d, i);
    o.balance = BALANCE_NONE;
    o.knots = 0; /* each member has one weight */
    run.progress = NULL;
    good = logistic_train(&terms, &o, &run, &weights, e);
    mem_free(label);
    if (!good)
        return false;
    m->members.bias = weights->linear.bias;
    for (uint32_t k = 0; k < terms.inputs; k++) {
        m->members.weight[k] = weights->linear.weight[k];
        m->members.bias -= weights->linear.weight[k] * weights->linear.mean[k];
    }
    model_free(weights);
    return true;
}

static bool stack_fit(struct stacking *s, struct model *m, struct error *e)
{
    for (uint32_t k = 0; k < s->recipe->members; k++) {
        struct model *member;

        for (unsigned fold = 0; fold < FOLDS; fold++) {
            if (!fit_without_fold(s, k, (uint8_t)fold, e))
                return false;
        }
        if (!fit_member(&s->member[k], s->dataset, s->run, s->done++, s->fits, &member, e))
            return false;
        model_add_member(m, member, 0);
    }
    return weigh(s, m, e) && model_finish(m, e);
}

bool stack_train(const struct recipe *r, const struct dataset *d, const struct learn_run *run,
                 struct model **m, struct error *e)
{
    struct stacking s = {.recipe = r, .dataset = d, .run = run};
    struct model *trained;
    bool good;

    if (!check_members(r, e) || !dataset_check(d, e))
        return false;
    trained = dataset_model(d, MODEL_STACK);
    s.fits = r->members * (FOLDS + 1);
    s.fold = mem_array(d->rows, 1);
    for (uint32_t k = 0; k < r->members; k++) {
        s.member[k] = *r->member[k];
        if (s.member[k].resample.kind == RESAMPLE_NONE)
            s.member[k].resample = r->resample;
        column_init(&s.column[k], TYPE_REAL, d->rows);
    }
    deal_folds(&s);
    good = stack_fit(&s, trained, e);
    for (uint32_t k = 0; k < r->members; k++)
        column_fini(&s.column[k]);
    mem_free(s.fold);
    if (!good) {
        model_free(trained);
        return false;
    }
    *m = trained;
    return true;
}
