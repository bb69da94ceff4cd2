#include "shell/train/page.h"

#include <math.h>
#include <stdio.h>

#include "core/data/json.h"
#include "core/stats/summary.h"
#include "shell/os/digest.h"
#include "shell/train/findings.h"
#include "shell/train/tables.h"

enum {
    PAGE_PARTS = 3,
    PAGE_CHOICES = PLAN_OUTCOMES_MAX,
    PAGE_FRAUDS = 4,   /* one row in so many that importance is measured on, at most */
    PAGE_PORTION = 64, /* rows explained at a time */
    PAGE_TEXT = 256,
};

struct page {
    const struct page_task *t;
    struct report_data data;
    struct report_part part[PAGE_PARTS];
    struct report_choice choice[TRAIN_MODELS_MAX][PAGE_CHOICES];
    struct report_model model[TRAIN_MODELS_MAX];
    char options[TRAIN_MODELS_MAX][PAGE_TEXT];
    struct report_check check[TRAIN_CHECKS_MAX];
    struct report_count reject[1];
    struct report_feature *feature;
    struct buffer *expression; /* one per feature */
    struct tables tables;
};

/* ---- features */

/* Test rows that importance is measured on: an even sample of each class, more of the frauds, so
 * that there are enough; a legitimate row then stands for `weight`. */
struct page_sample {
    uint32_t *row, rows, frauds;
    double weight;
};

static uint32_t step_for(uint64_t rows, uint32_t wanted)
{
    return wanted > 0 && rows > wanted ? (uint32_t)((rows + wanted - 1) / wanted) : 1;
}

static void sample_rows(const struct page_task *t, struct page_sample *s)
{
    const struct test_rows *test = t->test;
    uint32_t most = permutation_rows(t->r->model[t->model].fitted.model), step[2], seen[2] = {0, 0};
    uint64_t frauds = 0;

    for (uint32_t i = 0; i < test->rows; i++)
        frauds += test->label[i] != 0;
    step[1] = test->rows > most ? step_for(frauds, most / PAGE_FRAUDS) : 1;
    step[0] = step_for(test->rows - frauds, most - (uint32_t)(frauds / step[1]));
    *s = (struct page_sample){.row = mem_array((size_t)test->rows + 1, sizeof *s->row),
                              .weight = (double)step[0] / step[1]};
    for (uint32_t i = 0; i < test->rows; i++) {
        bool is_fraud = test->label[i] != 0;

        if (seen[is_fraud]++ % step[is_fraud] != 0)
            continue;
        s->row[s->rows++] = test->row[i];
        s->frauds += is_fraud;
    }
}

static void importances(struct page *p, const struct column **input, uint32_t inputs,
                        double *importance)
{
    const struct page_task *t = p->t;
    const char **name = mem_array(inputs, sizeof *name);
    struct page_sample sample;
    struct dataset d = {.inputs = inputs, .input = input, .name = name, .label = t->label};
    struct learn_run run = {
        .seed = t->o->settings->model.seed, .workers = t->workers, .simd = t->o->simd};
    struct error e;

    sample_rows(t, &sample);
    d.rows = sample.rows;
    d.row = sample.row;
    if (t->r->split.has_no_label || !permutation_importance(t->r->model[t->model].fitted.model, &d,
                                                            sample.weight, &run, importance, &e)) {
        for (uint32_t i = 0; i < inputs; i++)
            importance[i] = NAN;
    } else {
        p->data.shuffled = sample.rows;
        p->data.shuffled_frauds = sample.frauds;
    }
    mem_free(name);
    mem_free(sample.row);
}

/* Rows explained in portions by the workers; the portions' sums are added in their order. */
struct explaining {
    const struct page_task *t;
    const struct column **input;
    uint32_t inputs, rows, step;
    double *sum; /* inputs of each portion */
};

static void explain_portion(void *context, unsigned number)
{
    const struct explaining *x = context;
    const struct page_task *t = x->t;
    const struct model *m = t->r->model[t->model].fitted.model;
    uint32_t first = number * PAGE_PORTION, left = x->rows - first, row[PAGE_PORTION];
    uint32_t rows = left < PAGE_PORTION ? left : PAGE_PORTION;
    double *all = mem_array((size_t)rows * x->inputs + 1, sizeof *all), base[PAGE_PORTION];

    for (uint32_t i = 0; i < rows; i++)
        row[i] = t->test->row[(first + i) * x->step];
    model_explain_rows(m, t->o->simd, x->input, row, rows, all, base);
    for (uint32_t i = 0; i < rows * x->inputs; i++)
        x->sum[number * x->inputs + i % x->inputs] += fabs(all[i]);
    mem_free(all);
}

/* Mean |contribution| over an even sample of the test rows. */
static void contributions(struct page *p, const struct column **input, uint32_t inputs,
                          double *mean)
{
    struct explaining x = {.t = p->t, .input = input, .inputs = inputs};
    uint32_t portions;

    x.step =
        step_for(p->t->test->rows, contribution_rows(p->t->r->model[p->t->model].fitted.model));
    x.rows = (p->t->test->rows + x.step - 1) / x.step;
    portions = (x.rows + PAGE_PORTION - 1) / PAGE_PORTION;
    x.sum = mem_array((size_t)portions * inputs, sizeof *x.sum);
    workers_run(p->t->workers, portions, explain_portion, &x);
    for (uint32_t i = 0; i < portions * inputs; i++)
        mean[i % inputs] += x.sum[i] / x.rows;
    p->data.explained = x.rows;
    mem_free(x.sum);
}

static void describe_features(struct page *p)
{
    const struct page_task *t = p->t;
    struct fit_task fit = {.settings = t->o->settings, .plan = t->plan, .table = t->table};
    uint32_t inputs;
    const struct column **input = fit_inputs(&fit, &inputs);
    double *importance = mem_array(inputs, sizeof *importance);
    double *contribution = mem_array(inputs, sizeof *contribution);

    importances(p, input, inputs, importance);
    contributions(p, input, inputs, contribution);
    p->feature = mem_array(inputs, sizeof *p->feature);
    p->expression = mem_array(inputs, sizeof *p->expression);
    for (uint32_t k = 0; k < inputs; k++) {
        uint32_t feature = (uint32_t)(input[k] - t->table->column);
        struct summary s;

        summary_of_column(input[k], NULL, t->table->rows, &s);
        buffer_init(&p->expression[k], 64 << 10);
        program_print(plan_program(t->plan), plan_feature_node(t->plan, feature),
                      &p->expression[k]);
        p->feature[k] = (struct report_feature){
            .name = plan_feature_name(t->plan, feature),
            .expression = buffer_text(&p->expression[k]),
            .missing_share = s.rows > 0 ? (double)s.nulls / (double)s.rows : 0,
            .min = s.min,
            .mean = s.mean,
            .max = s.max,
            .importance = importance[k],
            .contribution = contribution[k]};
    }
    p->data.feature = p->feature;
    p->data.features = inputs;
    mem_free(input);
    mem_free(importance);
    mem_free(contribution);
}

/* ---- parts, models, checks */

static void part_add(struct page *p, const char *name, enum row_part which, int64_t from_us,
                     int64_t until_us, uint64_t rows, uint64_t frauds)
{
    p->part[p->data.parts++] = (struct report_part){.name = name,
                                                    .from_us = from_us,
                                                    .until_us = until_us,
                                                    .rows = rows,
                                                    .frauds = frauds,
                                                    .is_used = which != PART_NONE};
}

static void describe_parts(struct page *p)
{
    const struct split *s = &p->t->r->split;
    const struct feed_counts *c = &p->t->r->counts;
    enum validate_by by = p->t->o->settings->model.validate.by;
    bool by_time = by == VALIDATE_TIME || by == VALIDATE_PREQUENTIAL;

    if (!by_time) {
        part_add(p, s->folds > 0 ? "All folds" : "Training", PART_TRAIN, c->from_us, c->until_us,
                 s->train_rows, s->train_frauds);
        if (s->folds == 0)
            part_add(p, "Test", PART_TEST, c->from_us, c->until_us, s->test_rows, s->test_frauds);
    } else {
        part_add(p, "Training", PART_TRAIN, s->train_from_us, s->train_until_us - 1, s->train_rows,
                 s->train_frauds);
        if (s->test_from_us > s->train_until_us)
            part_add(p, "Gap", PART_NONE, s->train_until_us, s->test_from_us - 1, 0, 0);
        part_add(p, "Test", PART_TEST, s->test_from_us, s->test_until_us - 1, s->test_rows,
                 s->test_frauds);
    }
    p->data.part = p->part;
    p->data.split = s->words;
}

static void describe_rows(const struct trained *t, struct buffer *out)
{
    const struct learned *l = &t->fitted.learned;

    if (t->fitted.unlabelled.rounds > 0)
        buffer_format(out, ", self-trained on %u legitimate and %u frauds",
                      t->fitted.unlabelled.taken[0], t->fitted.unlabelled.taken[1]);
    buffer_add_text(out, t->recipe->balance == BALANCE_WEIGHTS ? ", both classes weighted alike"
                                                               : ", classes as they come");
    if (l->after[0] != l->before[0] || l->after[1] != l->before[1])
        buffer_format(out, "; resampled from %u legitimate and %u frauds to %u and %u",
                      l->before[0], l->before[1], l->after[0], l->after[1]);
}

static void describe_members(const struct model *m, struct buffer *out)
{
    for (uint32_t k = 0; k < model_member_count(m); k++)
        buffer_format(out, "%s%s %.3g", k > 0 ? " + " : "",
                      model_kind_name(model_kind(model_member(m, k))), model_member_weight(m, k));
}

static void describe_options(const struct settings *s, const struct trained *t,
                             char text[PAGE_TEXT])
{
    const struct model *m = t->fitted.model;
    const struct recipe *r = t->recipe;
    struct buffer out;

    buffer_init(&out, PAGE_TEXT - 1);
    switch (r->kind) {
    case MODEL_LOGISTIC:
        buffer_format(&out, "L2 %g", r->logistic.l2);
        if (r->logistic.l1 > 0)
            buffer_format(&out, ", L1 %g", r->logistic.l1);
        buffer_format(&out, ", %u knots a number at most", r->logistic.knots);
        break;
    case MODEL_BOOST:
        buffer_format(&out,
                      "%u trees of at most %u leaves and depth %u, learning rate %g, seed %lu",
                      model_tree_count(m), r->boost.leaves, r->boost.depth, r->boost.learning_rate,
                      (unsigned long)s->model.seed);
        if (r->boost.monotones > 0)
            buffer_format(&out, ", %u monotone input%s", r->boost.monotones,
                          r->boost.monotones == 1 ? "" : "s");
        break;
    case MODEL_FOREST:
        buffer_format(&out, "%u trees of at most depth %u, seed %lu", model_tree_count(m),
                      r->forest.depth, (unsigned long)s->model.seed);
        break;
    case MODEL_ISOLATION:
        buffer_format(&out, "%u trees of %u events each, seed %lu", model_tree_count(m),
                      r->isolation.samples, (unsigned long)s->model.seed);
        break;
    case MODEL_NET:
        buffer_format(&out,
                      "%u hidden layers of %u units and fewer, dropout %g, learning rate %g, at "
                      "most %u epochs, seed %lu",
                      r->net.layers, r->net.units, r->net.dropout, r->net.learning_rate,
                      r->net.epochs, (unsigned long)s->model.seed);
        break;
    default:
        describe_members(m, &out);
        break;
    }
    describe_rows(t, &out);
    snprintf(text, PAGE_TEXT, "%s", buffer_text(&out));
    buffer_fini(&out);
}

/* The model that the page is about is the first on it. */
static uint32_t place_of(const struct page_task *t, uint32_t i)
{
    return i == 0 ? t->model : i <= t->model ? i - 1 : i;
}

static void describe_models(struct page *p)
{
    const struct settings *s = p->t->o->settings;

    for (uint32_t i = 0; i < p->t->r->models; i++) {
        const struct trained *m = &p->t->r->model[place_of(p->t, i)];

        for (uint32_t k = 0; k < m->thresholds; k++)
            p->choice[i][k] = (struct report_choice){.name = m->in_force[k].name,
                                                     .row = evaluate_threshold_row(m, k)};
        describe_options(s, m, p->options[i]);
        p->model[i] =
            (struct report_model){.name = m->name,
                                  .options = p->options[i],
                                  .metrics = &m->metrics,
                                  .choice = p->choice[i],
                                  .choices = p->t->r->split.has_no_label ? 0 : m->thresholds};
    }
    p->data.model = p->model;
    p->data.models = p->t->r->models;
}

static void describe_checks(struct page *p)
{
    const struct train_result *r = p->t->r;

    for (uint32_t i = 0; i < p->t->checks; i++)
        p->check[i] =
            (struct report_check){.finding = r->check[i].is_warning ? REPORT_WARNING : REPORT_NOTE,
                                  .words = r->check[i].words};
    p->data.check = p->check;
    p->data.checks = p->t->checks;
    if (r->counts.rejects > 0) {
        p->reject[0] = (struct report_count){"rows that could not be read", r->counts.rejects};
        p->data.reject = p->reject;
        p->data.rejects = 1;
    }
}

static uint64_t count_frauds(const struct row_facts *f)
{
    uint64_t frauds = 0;

    for (uint64_t i = 0; i < f->rows; i++)
        frauds += f->label[i] == 1;
    return frauds;
}

bool page_write(const struct page_task *t, struct buffer *html, struct buffer *words,
                struct error *e)
{
    struct page p = {.t = t};
    struct buffer files;

    buffer_init(&files, REPORT_BYTES_MAX);
    settings_event_files(t->o->settings, &files);
    p.data = (struct report_data){.title = t->o->settings->name,
                                  .made_us = t->o->now_us,
                                  .model_file = t->r->model_path,
                                  .source = t->o->path != NULL ? t->o->path : buffer_text(&files),
                                  .rows = t->r->counts.rows,
                                  .frauds = count_frauds(t->facts),
                                  .has_no_label = t->r->split.has_no_label,
                                  .from_us = t->r->counts.from_us,
                                  .until_us = t->r->counts.until_us,
                                  .moved = t->r->counts.moved,
                                  .alert_cost = t->o->settings->model.alert_cost,
                                  .money = ""};
    describe_parts(&p);
    describe_models(&p);
    describe_checks(&p);
    describe_features(&p);
    tables_make(t->r, t->o->settings, &p.tables);
    p.data.table = p.tables.table;
    p.data.tables = p.tables.count;
    report_write_html(&p.data, html);
    if (t->o->terminal != NULL && words != NULL)
        terminal_report(t->o->terminal, &p.data, words);
    for (uint32_t k = 0; k < p.data.features; k++)
        buffer_fini(&p.expression[k]);
    tables_free(&p.tables);
    mem_free(p.expression);
    mem_free(p.feature);
    buffer_fini(&files);
    return !html->overflow ||
           error_set(e, ERROR_FULL, "the report is over %d MiB", REPORT_BYTES_MAX >> 20);
}

/* ---- JSON */

static void add_key(struct buffer *out, const char *key, bool first)
{
    if (!first)
        buffer_add_char(out, ',');
    json_add_text(out, text_of(key));
    buffer_add_char(out, ':');
}

static void add_count(struct buffer *out, const char *key, uint64_t value, bool first)
{
    add_key(out, key, first);
    json_add_int(out, (int64_t)value);
}

static void add_time(struct buffer *out, const char *key, int64_t time_us)
{
    char text[TIME_TEXT_MAX];

    time_format(time_us, text);
    add_key(out, key, false);
    json_add_text(out, text_of(text));
}

void page_data_json(const struct train_result *r, struct buffer *out)
{
    char hex[DIGEST_HEX];

    digest_hex(r->counts.digest, hex);
    buffer_add_char(out, '{');
    add_count(out, "rows", r->counts.rows, true);
    add_count(out, "rejected", r->counts.rejects, false);
    add_count(out, "repeated", r->counts.repeated, false);
    add_count(out, "conflicting", r->counts.conflicting, false);
    add_count(out, "moved_by_sorting", r->counts.moved, false);
    add_time(out, "from", r->counts.from_us);
    add_time(out, "until", r->counts.until_us);
    add_key(out, "sha256", false);
    json_add_text(out, text_of(hex));
    buffer_add_char(out, '}');
}

void page_split_json(const struct train_result *r, struct buffer *out)
{
    const struct split *s = &r->split;

    buffer_add_char(out, '{');
    add_key(out, "by", true);
    json_add_text(out, text_of(s->words));
    add_count(out, "train_rows", s->train_rows, false);
    add_count(out, "train_frauds", s->train_frauds, false);
    add_count(out, "test_rows", s->test_rows, false);
    add_count(out, "test_frauds", s->test_frauds, false);
    add_count(out, "known_dropped", s->known_dropped, false);
    add_count(out, "group_dropped", s->group_dropped, false);
    findings_windows(r, out);
    buffer_add_char(out, '}');
}

static void add_seconds(const struct train_result *r, struct buffer *out)
{
    buffer_format(out,
                  "{\"read\":%.3f,\"features\":%.3f,\"fit\":%.3f,\"folds\":%.3f,\"evaluate\":%.3f,"
                  "\"all\":%.3f}",
                  r->read_seconds, r->feature_seconds, r->fit_seconds, r->fold_seconds,
                  r->evaluate_seconds, r->all_seconds);
}

static void add_model(const struct train_result *r, struct buffer *out)
{
    buffer_add_char(out, '{');
    add_key(out, "kind", true);
    json_add_text(out, text_of(r->model[0].name));
    add_key(out, "path", false);
    json_add_text(out, text_of(r->model_path));
    add_key(out, "report", false);
    json_add_text(out, text_of(r->report_path));
    add_key(out, "id", false);
    json_add_text(out, text_of(r->model[0].id));
    add_key(out, "champion", false);
    buffer_add_text(out, r->is_promoted ? "true" : "false");
    add_key(out, "registered", false);
    for (uint32_t i = 0; i < r->models; i++) {
        if (r->model[i].id[0] == 0)
            continue;
        buffer_add_char(out, i > 0 ? ',' : '[');
        json_add_text(out, text_of(r->model[i].id));
    }
    buffer_add_char(out, ']');
    buffer_add_char(out, '}');
}

void page_checks_json(const struct train_result *r, uint32_t count, struct buffer *out)
{
    buffer_add_char(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_add_char(out, ',');
        buffer_format(out, "{\"warning\":%s,\"words\":", r->check[i].is_warning ? "true" : "false");
        json_add_text(out, text_of(r->check[i].words));
        buffer_add_char(out, '}');
    }
    buffer_add_char(out, ']');
}

static void add_rows(struct buffer *out, const char *key, const uint32_t rows[2])
{
    add_key(out, key, false);
    buffer_format(out, "{\"legitimate\":%u,\"fraud\":%u}", rows[0], rows[1]);
}

/* How each of the models that are compared was made, in the order of their metrics. */
static void add_models(const struct train_result *r, struct buffer *out)
{
    buffer_add_char(out, '[');
    for (uint32_t i = 0; i < r->models; i++) {
        const struct trained *m = &r->model[i];

        buffer_add_text(out, i > 0 ? ",{" : "{");
        add_key(out, "name", true);
        json_add_text(out, text_of(m->name));
        add_key(out, "kind", false);
        json_add_text(out, text_of(model_kind_name(m->recipe->kind)));
        add_key(out, "threshold", false);
        json_add_real(out, m->threshold);
        add_rows(out, "rows", m->fitted.learned.before);
        add_rows(out, "resampled", m->fitted.learned.after);
        findings_model(r, m, out);
        buffer_add_char(out, '}');
    }
    buffer_add_char(out, ']');
}

static void add_data(const struct train_result *r, struct buffer *out)
{
    add_key(out, "data", false);
    page_data_json(r, out);
    add_key(out, "split", false);
    page_split_json(r, out);
}

/* What depends on the events, the settings and the seed alone, and not on what the model was
 * compared with. */
void page_findings_json(const struct train_result *r, uint32_t model, struct buffer *out)
{
    buffer_add_text(out, "{\"metrics\":{\"test\":");
    findings_test(r, model, out);
    buffer_add_char(out, '}');
    add_data(r, out);
    buffer_add_char(out, '}');
}

static void add_metrics(const struct train_result *r, struct buffer *out)
{
    add_key(out, "metrics", true);
    buffer_add_text(out, "{\"test\":");
    findings_test(r, 0, out);
    for (uint32_t i = 1; i < r->models; i++) {
        add_key(out, r->model[i].name, false);
        findings_test(r, i, out);
    }
    buffer_add_char(out, '}');
}

void train_result_json(const struct train_result *r, struct buffer *out)
{
    buffer_add_char(out, '{');
    add_key(out, "model", true);
    add_model(r, out);
    buffer_add_char(out, ',');
    add_metrics(r, out);
    add_key(out, "models", false);
    add_models(r, out);
    add_data(r, out);
    add_key(out, "checks", false);
    page_checks_json(r, r->checks, out);
    add_key(out, "top", false);
    buffer_add_char(out, '{');
    for (uint32_t i = 0; i < r->models; i++) {
        add_key(out, r->model[i].name, i == 0);
        findings_top(&r->model[i], out);
    }
    buffer_add_char(out, '}');
    add_key(out, "seconds", false);
    add_seconds(r, out);
    buffer_add_char(out, '}');
}
