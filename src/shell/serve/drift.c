/* GET /v1/drift: each feature and the score of the newest decisions beside what the model learned
 * from.
 *
 * The model's file has 101 quantiles of each number and the shares of the frequent words
 * (core/model/population.h): bins are its deciles, and a null is a bin of its own. Of scores it has
 * a histogram over the rows that it was tested on. The newest decisions are read from the log by
 * the desk that answers: a sample, not a count of all. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/data/json_at.h"
#include "core/model/population.h"
#include "core/stats/drift.h"
#include "shell/run/reasons.h"
#include "shell/run/verdict.h"
#include "shell/serve/inside.h"
#include "shell/store/recent.h"

enum {
    DECISIONS_USUAL = 2000,
    DECISIONS_MIN = 100,
    BINS_MAX = 16,    /* of a number: deciles, and a bin of nulls */
    DECILES = 9,      /* between which numbers are counted */
    WORDS_SHOWN = 20, /* of a category */
    SCORE_BANDS = 10,
    SCORE_MAX = 1000,
};

struct shares {
    double before[POPULATION_VALUES_MAX + 2], now[POPULATION_VALUES_MAX + 2];
    uint32_t count;
    double rows_before;
    uint32_t rows_now;
};

static void add_share(struct shares *s, double before, double now)
{
    s->before[s->count] = before;
    s->now[s->count++] = now;
}

static void add_real(struct buffer *out, const char *key, double v)
{
    buffer_format(out, "\"%s\":", key);
    json_add_real(out, v); /* null of NaN */
}

/* Bins that anything is or was in. */
static uint32_t used_bins(const struct shares *s)
{
    uint32_t used = 0;

    for (uint32_t i = 0; i < s->count; i++)
        used += s->before[i] > 0 || s->now[i] > 0;
    return used;
}

static void add_verdict(struct buffer *out, const struct shares *s, bool is_ordered)
{
    double psi = s->count > 0 ? drift_psi(s->before, s->now, s->count) : NAN;
    uint32_t least = s->count > 0 ? drift_least(used_bins(s), s->rows_before) : 0;

    buffer_add_char(out, ',');
    add_real(out, "psi", psi);
    buffer_add_char(out, ',');
    add_real(out, "ks", s->count > 0 && is_ordered ? drift_ks(s->before, s->now, s->count) : NAN);
    buffer_format(out, ",\"verdict\":%s",
                  s->count == 0         ? "null"
                  : s->rows_now < least ? "\"too_few\""
                  : psi >= DRIFT_MOVED  ? "\"moved\""
                  : psi >= DRIFT_MOVING ? "\"moving\""
                                        : "\"stable\"");
    if (least > 0 && least < UINT32_MAX)
        buffer_format(out, ",\"needed\":%u", least);
    else
        buffer_add_text(out, ",\"needed\":null");
}

static void add_nulls(struct buffer *out, const struct population_input *in, double now)
{
    buffer_add_text(out, ",\"nulls\":{");
    add_real(out, "training", in != NULL ? in->missing : NAN);
    buffer_add_char(out, ',');
    add_real(out, "recent", now);
    buffer_add_char(out, '}');
}

/* ---- numbers ---- */

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static double at_share(const double *sorted, uint32_t n, double share)
{
    return n > 0 ? sorted[(uint32_t)(share * (n - 1) + 0.5)] : NAN;
}

/* Ascending, each once. */
static uint32_t edges_of(const struct population_input *in, const double *sorted, uint32_t n,
                         double edge[DECILES])
{
    uint32_t count = 0;

    for (int i = 1; i <= DECILES; i++) {
        double e = in != NULL ? in->quantile[i * (POPULATION_POINTS - 1) / (DECILES + 1)]
                              : at_share(sorted, n, (double)i / (DECILES + 1));

        if (!isnan(e) && (count == 0 || e > edge[count - 1]))
            edge[count++] = e;
    }
    return count;
}

static uint32_t count_to(const double *sorted, uint32_t n, double edge)
{
    uint32_t low = 0, high = n;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (sorted[middle] <= edge)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Bins of shares of all rows, those of nulls the last. */
static void add_bins(const struct population *all, uint32_t input, const double *sorted, uint32_t n,
                     uint32_t rows, struct shares *s, struct buffer *out)
{
    const struct population_input *in = all != NULL ? &all->input[input] : NULL;
    double edge[DECILES], before = 0, has = in != NULL ? 1 - in->missing : NAN;
    uint32_t edges = edges_of(in, sorted, n, edge), seen = 0;

    buffer_add_text(out, ",\"bins\":[");
    for (uint32_t i = 0; i <= edges; i++) {
        uint32_t to = i < edges ? count_to(sorted, n, edge[i]) : n;
        struct standing standing;
        double reached = 1;

        if (in != NULL && i < edges && population_standing(all, input, edge[i], &standing))
            reached = 1 - standing.above;
        add_share(s, (reached - before) * has, (double)(to - seen) / rows);
        buffer_add_text(out, i > 0 ? ",{" : "{");
        add_real(out, "up_to", i < edges ? edge[i] : NAN);
        buffer_add_char(out, ',');
        add_real(out, "training", s->before[s->count - 1]);
        buffer_add_char(out, ',');
        add_real(out, "recent", s->now[s->count - 1]);
        buffer_add_char(out, '}');
        before = reached;
        seen = to;
    }
    buffer_add_char(out, ']');
    add_share(s, in != NULL ? in->missing : NAN, (double)(rows - n) / rows);
}

static void add_number(const struct population *all, uint32_t input, const struct column *c,
                       uint32_t rows, struct buffer *out)
{
    static const struct {
        const char *name;
        double share;
    } quantiles[] = {{"p5", 0.05}, {"p25", 0.25}, {"p50", 0.5}, {"p75", 0.75}, {"p95", 0.95}};
    const struct population_input *in = all != NULL ? &all->input[input] : NULL;
    double *sorted = mem_array(rows, sizeof *sorted);
    struct shares s = {.rows_before = all != NULL ? all->rows : 0, .rows_now = rows};
    uint32_t n = 0;

    for (uint32_t i = 0; i < rows; i++) {
        struct value v = column_get(c, i);

        if (!v.is_null)
            sorted[n++] = reason_number(&v);
    }
    qsort(sorted, n, sizeof *sorted, by_value);
    add_nulls(out, in, (double)(rows - n) / rows);
    buffer_add_text(out, n > 0 ? ",\"quantiles\":{" : ",\"quantiles\":null");
    for (size_t i = 0; n > 0 && i < sizeof quantiles / sizeof *quantiles; i++) {
        buffer_add_text(out, i > 0 ? "," : "");
        add_real(out, quantiles[i].name, at_share(sorted, n, quantiles[i].share));
    }
    buffer_add_text(out, n > 0 ? "}" : "");
    add_bins(in != NULL && in->points > 0 ? all : NULL, input, sorted, n, rows, &s, out);
    if (in == NULL || in->points == 0)
        s.count = 0;
    add_verdict(out, &s, true);
    mem_free(sorted);
}

/* ---- categories ---- */

struct word {
    struct text text;
    uint32_t count;
};

static int by_text(const void *a, const void *b)
{
    return text_compare(((const struct word *)a)->text, ((const struct word *)b)->text);
}

static int by_count(const void *a, const void *b)
{
    const struct word *x = a, *y = b;

    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return text_compare(x->text, y->text);
}

/* Each word once, in byte order. */
static uint32_t count_words(const struct column *c, uint32_t rows, struct word *word, uint32_t *n)
{
    uint32_t distinct = 0;

    *n = 0;
    for (uint32_t i = 0; i < rows; i++) {
        if (!c->null[i])
            word[(*n)++] = (struct word){c->text[i], 1};
    }
    qsort(word, *n, sizeof *word, by_text);
    for (uint32_t i = 0; i < *n; i++) {
        if (distinct > 0 && text_equal(word[distinct - 1].text, word[i].text))
            word[distinct - 1].count++;
        else
            word[distinct++] = word[i];
    }
    return distinct;
}

/* The words that the model knows, all others, and none. */
static void share_words(const struct population_input *in, const struct word *word,
                        uint32_t distinct, uint32_t n, uint32_t rows, struct shares *s)
{
    double before = 1 - in->missing, now = (double)n / rows;

    for (uint32_t i = 0; i < in->values && i < POPULATION_VALUES_MAX; i++) {
        const struct word *w =
            bsearch(&(struct word){in->value[i], 0}, word, distinct, sizeof *word, by_text);
        double share = w != NULL ? (double)w->count / rows : 0;

        add_share(s, in->share[i], share);
        before -= in->share[i];
        now -= share;
    }
    add_share(s, fmax(before, 0), fmax(now, 0));
    add_share(s, in->missing, (double)(rows - n) / rows);
}

static void add_words(const struct population *all, uint32_t input, const struct column *c,
                      uint32_t rows, struct buffer *out)
{
    const struct population_input *in = all != NULL ? &all->input[input] : NULL;
    struct word *word = mem_array(rows, sizeof *word);
    struct shares s = {.rows_before = all != NULL ? all->rows : 0, .rows_now = rows};
    uint32_t n, distinct = count_words(c, rows, word, &n);

    if (in != NULL && in->values > 0)
        share_words(in, word, distinct, n, rows, &s);
    qsort(word, distinct, sizeof *word, by_count);
    add_nulls(out, in, (double)(rows - n) / rows);
    buffer_add_text(out, ",\"words\":[");
    for (uint32_t i = 0; i < distinct && i < WORDS_SHOWN; i++) {
        bool is_known;

        buffer_add_text(out, i > 0 ? ",{\"word\":" : "{\"word\":");
        json_add_text(out, word[i].text);
        buffer_add_char(out, ',');
        add_real(out, "training",
                 in != NULL ? population_share(all, input, word[i].text, &is_known) : NAN);
        buffer_add_char(out, ',');
        add_real(out, "recent", (double)word[i].count / rows);
        buffer_add_char(out, '}');
    }
    buffer_add_char(out, ']');
    add_verdict(out, &s, false);
    mem_free(word);
}

/* ---- scores ---- */

/* The model's own histogram of the rows that it was tested on, by class and in equal bins of the
 * probability: how many there were; 0: its notes have none. */
static double tested_scores(const struct plan *p, struct json_reader *reader,
                            double before[SCORE_BANDS])
{
    static const char *const classes[] = {"metrics.test.by_class.legitimate.histogram",
                                          "metrics.test.by_class.fraud.histogram"};
    const char *metrics = plan_model(p) != NULL ? model_notes(plan_model(p))->metrics : NULL;
    struct json_document *d;
    struct error ignored;
    double rows = 0;

    memset(before, 0, SCORE_BANDS * sizeof *before);
    if (metrics == NULL || (d = json_parse(reader, metrics, strlen(metrics), &ignored)) == NULL)
        return 0;
    for (int k = 0; k < 2; k++) {
        const struct json *histogram = json_at(&d->root, classes[k]);
        bool has = histogram != NULL && histogram->kind == JSON_ARRAY;

        for (uint32_t i = 0; has && i < histogram->count; i++) {
            double count = (double)histogram->items[i].integer;

            before[(uint64_t)i * SCORE_BANDS / histogram->count] += count;
            rows += count;
        }
    }
    json_free(d);
    for (int i = 0; i < SCORE_BANDS && rows > 0; i++)
        before[i] /= rows;
    return rows;
}

static void add_scores(const struct plan *p, struct json_reader *reader, const struct recent *r,
                       struct buffer *out)
{
    struct shares s = {.count = SCORE_BANDS, .rows_now = r->decisions};
    bool is_known = (s.rows_before = tested_scores(p, reader, s.before)) > 0;

    for (uint32_t i = 0; i < r->decisions; i++) {
        int band = r->score[i] * SCORE_BANDS / SCORE_MAX;

        s.now[band < SCORE_BANDS ? band : SCORE_BANDS - 1] += 1.0 / r->decisions;
    }
    buffer_add_text(out, ",\"score\":{\"bands\":[");
    for (int i = 0; i < SCORE_BANDS; i++) {
        buffer_format(out, "%s{\"from\":%d,\"to\":%d,", i > 0 ? "," : "",
                      i * SCORE_MAX / SCORE_BANDS,
                      i < SCORE_BANDS - 1 ? (i + 1) * SCORE_MAX / SCORE_BANDS - 1 : SCORE_MAX);
        add_real(out, "training", is_known ? s.before[i] : NAN);
        buffer_add_char(out, ',');
        add_real(out, "recent", s.now[i]);
        buffer_add_char(out, '}');
    }
    buffer_add_char(out, ']');
    s.count = is_known ? SCORE_BANDS : 0;
    add_verdict(out, &s, true);
    buffer_add_char(out, '}');
}

/* ---- all ---- */

static void add_feature(const struct plan *p, uint32_t feature, const struct recent *r,
                        struct buffer *out)
{
    const struct column *c = &r->values.column[feature];
    int input = plan_feature_input(p, feature);
    const struct population *all = input >= 0 ? model_population(plan_model(p)) : NULL;

    buffer_add_text(out, "{\"name\":");
    json_add_text(out, text_of(plan_feature_name(p, feature)));
    buffer_format(out, ",\"type\":\"%s\"", type_name(c->type));
    if (c->type == TYPE_TEXT)
        add_words(all, (uint32_t)(input >= 0 ? input : 0), c, r->decisions, out);
    else
        add_number(all, (uint32_t)(input >= 0 ? input : 0), c, r->decisions, out);
    buffer_add_char(out, '}');
}

static void write_all(const struct plan *p, struct json_reader *reader, const struct recent *r,
                      struct buffer *out)
{
    buffer_format(out, "{\"decisions\":%u", r->decisions);
    verdict_add_plan(p, out);
    if (r->decisions == 0) {
        buffer_add_text(out, ",\"from\":null,\"to\":null,\"score\":null,\"features\":[]}\n");
        return;
    }
    verdict_add_time(out, "from", r->from_us);
    verdict_add_time(out, "to", r->until_us);
    add_scores(p, reader, r, out);
    buffer_add_text(out, ",\"features\":[");
    for (uint32_t i = 0; i < plan_feature_count(p); i++) {
        if (i > 0)
            buffer_add_char(out, ',');
        add_feature(p, i, r, out);
    }
    buffer_add_text(out, "]}\n");
}

enum http_next show_drift(struct server *s, struct exchange *x)
{
    const struct explanation_sources from = {.log = shard_log(s->o.shard),
                                             .plans = shard_plans(s->o.shard)};
    int64_t decisions = DECISIONS_USUAL;
    struct plan *p;
    struct recent r;
    struct error e;

    if (!query_int(x, "decisions", DECISIONS_MIN, RECENT_MAX, &decisions))
        return HTTP_ANSWERED;
    p = shard_plan(s->o.shard);
    if (recent_read(&from, p, (uint32_t)decisions, &r, &e)) {
        write_all(p, seat_get(s)->json, &r, &x->answer);
        recent_fini(&r);
        x->status = 200;
    } else {
        problem_answer(x, 503, "%s", e.text);
    }
    plan_unref(p);
    return HTTP_ANSWERED;
}
