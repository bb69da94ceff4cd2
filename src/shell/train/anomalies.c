#include "shell/train/anomalies.h"

#include "core/base/random.h"
#include "core/data/json.h"
#include "core/stats/agreement.h"
#include "core/stats/interval.h"
#include "core/stats/order.h"
#include "core/stats/summary.h"
#include "shell/train/fit.h"

const double anomaly_share[ANOMALY_QUANTILES] = {0.01, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999};

static const double usual_shares[] = {0.001, 0.01, 0.05};

/* The rows of one side, and what models say of them. */
struct side {
    uint32_t rows;
    uint32_t *row;
    double *score;
};

struct measuring {
    const struct fit_task *task;
    uint8_t *part; /* with folds: as if the first were a hold-out */
    struct side learned, held;
};

static void gather(const struct measuring *m, uint8_t part, const double *margin, struct side *s)
{
    uint32_t rows = m->task->table->rows;

    s->row = mem_array((size_t)rows + 1, sizeof *s->row);
    s->score = mem_array((size_t)rows + 1, sizeof *s->score);
    for (uint32_t i = 0; i < rows; i++) {
        if (m->part[i] != part)
            continue;
        s->row[s->rows] = i;
        s->score[s->rows++] = margin[i];
    }
}

static void side_free(struct side *s)
{
    mem_free(s->row);
    mem_free(s->score);
}

/* ---- scores ---- */

static void add_cut(const struct measuring *m, const double *ascending, double share,
                    struct anomalies *a)
{
    struct anomaly_cut *c = &a->cut[a->cuts++];
    uint32_t above = 0;

    c->share = share;
    c->score = quantile_of(ascending, m->learned.rows, 1 - share);
    for (uint32_t i = 0; i < m->held.rows; i++)
        above += m->held.score[i] > c->score;
    c->held_out.value = (double)above / m->held.rows;
    interval_of_share(above, m->held.rows, &c->held_out.low, &c->held_out.high);
}

static void describe_scores(const struct measuring *m, struct anomalies *a)
{
    const struct side *side[] = {&m->learned, &m->held};
    double contamination = m->task->recipe->isolation.contamination;

    for (int k = 0; k < 2; k++) {
        double *ascending = mem_array((size_t)side[k]->rows + 1, sizeof *ascending);

        for (uint32_t i = 0; i < side[k]->rows; i++)
            ascending[i] = side[k]->score[i];
        order_values(ascending, side[k]->rows);
        a->rows[k] = side[k]->rows;
        for (int q = 0; q < ANOMALY_QUANTILES; q++)
            a->quantile[k][q] = quantile_of(ascending, side[k]->rows, anomaly_share[q]);
        if (k == 0 && contamination > 0)
            add_cut(m, ascending, contamination, a);
        for (size_t i = 0; k == 0 && i < sizeof usual_shares / sizeof *usual_shares; i++) {
            if (usual_shares[i] != contamination)
                add_cut(m, ascending, usual_shares[i], a);
        }
        mem_free(ascending);
    }
}

/* ---- repeats ---- */

/* Another model's scores of the held-out rows; `half` 0: all training rows, 1 and 2: half of them.
 * The caller frees them. */
static bool score_again(const struct measuring *m, uint64_t seed, int half, double **score,
                        struct error *e)
{
    struct fit_task task = *m->task;
    struct recipe recipe = *task.recipe;
    uint8_t *part = mem_array((size_t)task.table->rows + 1, 1);
    struct fitted f;
    bool ok;

    for (uint32_t i = 0; i < task.table->rows; i++) {
        bool is_second = random_at(task.run.seed, 0x4a1f, i) >> 63 != 0;

        part[i] = m->part[i];
        if (part[i] == PART_TRAIN && half != 0 && is_second != (half == 2))
            part[i] = PART_NONE;
    }
    recipe.calibrate = CALIBRATION_NONE;
    recipe.conformal = 0;
    task.recipe = &recipe;
    task.part = part;
    task.folds = 0;
    task.wants_held = false;
    task.run.seed = seed;
    ok = fit(&task, &f, e);
    if (ok) {
        *score = mem_array((size_t)m->held.rows + 1, sizeof **score);
        for (uint32_t i = 0; i < m->held.rows; i++)
            (*score)[i] = f.margin[m->held.row[i]];
        fitted_free(&f);
    }
    mem_free(part);
    return ok;
}

static void compare(const struct measuring *m, const double *x, const double *y, uint32_t top,
                    struct anomaly_repeat *r)
{
    r->ranks = agreement_of_ranks(x, y, m->held.rows);
    r->top = agreement_of_top(x, y, m->held.rows, top);
}

static bool repeat(const struct measuring *m, struct anomalies *a, struct error *e)
{
    uint64_t seed = m->task->run.seed;
    double *other = NULL, *first = NULL, *second = NULL;
    bool ok = score_again(m, seed + 1, 0, &other, e) && score_again(m, seed, 1, &first, e) &&
              score_again(m, seed, 2, &second, e);

    a->top_rows = m->held.rows / 100 > 0 ? m->held.rows / 100 : 1;
    if (ok) {
        compare(m, m->held.score, other, a->top_rows, &a->seeds);
        compare(m, first, second, a->top_rows, &a->halves);
    }
    mem_free(other);
    mem_free(first);
    mem_free(second);
    return ok;
}

bool anomalies_measure(const struct fit_task *task, const struct fitted *f, struct anomalies *a,
                       struct error *e)
{
    struct measuring m = {.task = task, .part = mem_array((size_t)task->table->rows + 1, 1)};
    bool ok;

    *a = (struct anomalies){0};
    for (uint32_t i = 0; i < task->table->rows; i++) {
        m.part[i] = task->part[i];
        if (task->folds > 0 && part_has_label(m.part[i]))
            m.part[i] = m.part[i] == 1 ? PART_TEST : PART_TRAIN;
    }
    gather(&m, PART_TRAIN, f->margin, &m.learned);
    gather(&m, PART_TEST, f->margin, &m.held);
    describe_scores(&m, a);
    ok = repeat(&m, a, e);
    side_free(&m.learned);
    side_free(&m.held);
    mem_free(m.part);
    return ok;
}

/* ---- JSON ---- */

static void add_real(struct buffer *out, const char *before, double v)
{
    buffer_add_text(out, before);
    json_add_real(out, v);
}

static void add_repeat(struct buffer *out, const char *before, const struct anomaly_repeat *r)
{
    buffer_add_text(out, before);
    add_real(out, "{\"rank_correlation\":", r->ranks);
    add_real(out, ",\"top_shared\":", r->top);
    buffer_add_char(out, '}');
}

void anomalies_json(const struct anomalies *a, struct buffer *out)
{
    buffer_format(out, "{\"rows\":{\"learned\":%u,\"held_out\":%u},\"quantiles\":[", a->rows[0],
                  a->rows[1]);
    for (int q = 0; q < ANOMALY_QUANTILES; q++) {
        add_real(out, q == 0 ? "{\"share\":" : ",{\"share\":", anomaly_share[q]);
        add_real(out, ",\"learned\":", a->quantile[0][q]);
        add_real(out, ",\"held_out\":", a->quantile[1][q]);
        buffer_add_char(out, '}');
    }
    buffer_add_text(out, "],\"thresholds\":[");
    for (uint32_t i = 0; i < a->cuts; i++) {
        const struct anomaly_cut *c = &a->cut[i];

        add_real(out, i == 0 ? "{\"share\":" : ",{\"share\":", c->share);
        add_real(out, ",\"score\":", c->score);
        add_real(out, ",\"held_out_share\":{\"value\":", c->held_out.value);
        add_real(out, ",\"low\":", c->held_out.low);
        add_real(out, ",\"high\":", c->held_out.high);
        buffer_add_text(out, "}}");
    }
    buffer_format(out, "],\"stability\":{\"top_rows\":%u", a->top_rows);
    add_repeat(out, ",\"seeds\":", &a->seeds);
    add_repeat(out, ",\"halves\":", &a->halves);
    buffer_add_text(out, "}}");
}
