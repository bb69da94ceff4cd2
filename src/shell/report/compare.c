#include "shell/report/compare.h"

#include <math.h>
#include <stdio.h>

#include "shell/report/metrics_read.h"
#include "shell/report/words.h"

enum { CELL_MAX = 128, WORDS_MAX = 4096, NAME_COLUMNS = 24 };

/* Of a model: its longest figure, "0.00615 [0.00231, 0.01077]". */
enum { LEAST_COLUMNS = 26, GAP = 2 };

const struct compare_figure compare_figures[] = {
    {"average precision", "test.average_precision", false, false},
    {"AUC ROC", "test.auc_roc", false, false},
    {"recall at 1 % FPR", "test.recall_at_1pct_fpr", true, false},
    {"card precision at 100", "test.card_precision_at_100", false, false},
    {"Brier score", "test.brier", false, true},
    {"calibration error", "test.calibration_error", false, true},
};

const unsigned compare_figure_count = sizeof compare_figures / sizeof *compare_figures;

/* ---- what is what ---- */

bool compare_is_apart(const struct estimate *a, const struct estimate *b)
{
    return !a->is_null && !b->is_null && (a->high < b->low || b->high < a->low);
}

bool compare_is_same_test(const struct comparison *c)
{
    for (uint32_t i = 1; i < c->models; i++) {
        const struct compared *a = &c->model[0], *b = &c->model[i];

        if (!text_equal(json_text_at(a->lineage, "data.sha256"),
                        json_text_at(b->lineage, "data.sha256")) ||
            !text_equal(json_text_at(a->metrics, "split.by"),
                        json_text_at(b->metrics, "split.by")) ||
            json_count_at(a->metrics, "test.rows") != json_count_at(b->metrics, "test.rows") ||
            json_count_at(a->metrics, "test.frauds") != json_count_at(b->metrics, "test.frauds"))
            return false;
    }
    return true;
}

bool compare_is_better_than_chance(const struct compared *m)
{
    return json_is_true_at(m->metrics, "test.better_than_chance");
}

int compare_best(const struct comparison *c, const struct compare_figure *f)
{
    double best = 0;
    int at = -1;

    for (uint32_t i = 0; i < c->models; i++) {
        struct estimate e = json_estimate_at(c->model[i].metrics, f->path);

        if (!e.is_null && (at < 0 || (f->is_less_better ? e.value < best : e.value > best))) {
            best = e.value;
            at = (int)i;
        }
    }
    return at;
}

/* The model's own threshold for that outcome. */
static const struct json *own_threshold(const struct compared *m, struct text outcome)
{
    const struct json *list = json_at(m->metrics, "decision");

    for (uint32_t i = 0; list != NULL && list->kind == JSON_ARRAY && i < list->count; i++) {
        if (text_equal(json_text_at(&list->items[i], "outcome"), outcome))
            return json_threshold_at(json_at(m->metrics, "test"),
                                     json_real_at(&list->items[i], "threshold"));
    }
    return NULL;
}

/* The outcomes are those of the first model. */
static const struct json *decision(const struct comparison *c, uint32_t row)
{
    const struct json *list = json_at(c->model[0].metrics, "decision");

    return list != NULL && list->kind == JSON_ARRAY && row < list->count ? &list->items[row] : NULL;
}

uint32_t compare_threshold_count(const struct comparison *c)
{
    uint32_t count = 0;

    if (c->thresholds > 0)
        return c->thresholds;
    while (count < COMPARE_THRESHOLDS_MAX && decision(c, count) != NULL)
        count++;
    return count;
}

const struct json *compare_threshold(const struct comparison *c, uint32_t m, uint32_t row)
{
    if (c->thresholds > 0)
        return json_threshold_at(json_at(c->model[m].metrics, "test"), c->threshold[row]);
    return own_threshold(&c->model[m], json_text_at(decision(c, row), "outcome"));
}

const struct json *compare_own(const struct comparison *c, uint32_t m)
{
    return json_threshold_at(json_at(c->model[m].metrics, "test"),
                             json_real_at(c->model[m].metrics, "own_threshold"));
}

const struct json *compare_riskiest(const struct compared *m, uint32_t place)
{
    const struct json *list = json_at(m->metrics, "riskiest");

    return list != NULL && list->kind == JSON_ARRAY && place < list->count ? &list->items[place]
                                                                           : NULL;
}

double compare_f1(const struct json *row)
{
    double tp = json_real_at(row, "tp"), fp = json_real_at(row, "fp"), fn = json_real_at(row, "fn");

    return tp + fp + fn > 0 ? 2 * tp / (2 * tp + fp + fn) : NAN;
}

/* ---- what follows ---- */

struct finding {
    const struct comparison *c;
    struct buffer words;
    void (*say)(void *context, const char *words);
    void *context;
};

static void tell(struct finding *f)
{
    f->say(f->context, buffer_text(&f->words));
    buffer_clear(&f->words);
}

static void name_those(struct finding *f, bool (*is_named)(const struct compared *m))
{
    const char *comma = "";

    for (uint32_t i = 0; i < f->c->models; i++) {
        if (!is_named(&f->c->model[i]))
            continue;
        buffer_format(&f->words, "%s%s", comma, f->c->model[i].id);
        comma = ", ";
    }
}

static bool is_untested(const struct compared *m)
{
    return json_estimate_at(m->metrics, "test.auc_roc").is_null;
}

static bool is_chance(const struct compared *m)
{
    return !is_untested(m) && !compare_is_better_than_chance(m);
}

static uint32_t count_those(const struct comparison *c, bool (*is_named)(const struct compared *m))
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < c->models; i++)
        count += is_named(&c->model[i]);
    return count;
}

static void tell_of_chance(struct finding *f)
{
    uint32_t untested = count_those(f->c, is_untested), chance = count_those(f->c, is_chance);

    if (untested > 0) {
        buffer_add_text(&f->words, "without figures on held-out rows: ");
        name_those(f, is_untested);
        tell(f);
    }
    if (chance == 0)
        return;
    if (chance == f->c->models) {
        buffer_add_text(&f->words, "on held-out rows none of them can be told from chance");
    } else {
        buffer_add_text(&f->words, "on held-out rows not told from chance: ");
        name_those(f, is_chance);
    }
    tell(f);
}

enum against { AGAINST_SAME, AGAINST_INSIDE, AGAINST_APART, AGAINSTS };

static enum against hold(const struct estimate *best, const struct estimate *other)
{
    return other->value == best->value     ? AGAINST_SAME
           : compare_is_apart(best, other) ? AGAINST_APART
                                           : AGAINST_INSIDE;
}

/* Which of the others is apart from the best, and which is not. */
static void tell_of_figure(struct finding *f, const struct compare_figure *figure)
{
    static const char *const words[AGAINSTS] = {"as good", "different inside the intervals",
                                                "worse beyond the intervals"};
    const struct comparison *c = f->c;
    int best = compare_best(c, figure);
    struct estimate first;
    uint32_t others = 0;

    if (best < 0)
        return;
    first = json_estimate_at(c->model[best].metrics, figure->path);
    buffer_format(&f->words, "%s: best %s", figure->name, c->model[best].id);
    for (int kind = 0; kind < AGAINSTS; kind++) {
        uint32_t before = others;

        for (uint32_t i = 0; i < c->models; i++) {
            struct estimate e = json_estimate_at(c->model[i].metrics, figure->path);

            if ((int)i == best || e.is_null || (int)hold(&first, &e) != kind)
                continue;
            if (others++ == before)
                buffer_format(&f->words, "; %s: %s", words[kind], c->model[i].id);
            else
                buffer_format(&f->words, ", %s", c->model[i].id);
        }
    }
    if (others > 0)
        tell(f);
    buffer_clear(&f->words);
}

void compare_findings(const struct comparison *c, void (*say)(void *context, const char *words),
                      void *context)
{
    struct finding f = {.c = c, .say = say, .context = context};

    buffer_init(&f.words, WORDS_MAX);
    if (!compare_is_same_test(c)) {
        buffer_add_text(&f.words, "they were not tested on the same rows: the figures cannot be "
                                  "held against each other");
        tell(&f);
    }
    tell_of_chance(&f);
    for (unsigned i = 0; i < compare_figure_count && compare_is_same_test(c); i++)
        tell_of_figure(&f, &compare_figures[i]);
    buffer_fini(&f.words);
}

/* ---- the table ---- */

static unsigned column_width(const struct comparison *c)
{
    size_t width = LEAST_COLUMNS;

    for (uint32_t i = 0; i < c->models; i++) {
        size_t length = text_of(c->model[i].id).length;

        width = length > width ? length : width;
    }
    return (unsigned)width + GAP;
}

typedef void cell_words(const struct comparison *c, uint32_t m, const void *what,
                        struct buffer *out);

static void add_line(const struct comparison *c, const char *name, cell_words *say,
                     const void *what, struct buffer *out)
{
    unsigned width = column_width(c);

    buffer_format(out, "%-*s", NAME_COLUMNS, name);
    for (uint32_t i = 0; i < c->models; i++) {
        struct buffer cell;

        buffer_init(&cell, CELL_MAX);
        say(c, i, what, &cell);
        buffer_format(out, "%-*s", (int)(i + 1 < c->models ? width : 0), buffer_text(&cell));
        buffer_fini(&cell);
    }
    buffer_add_char(out, '\n');
}

static void say_id(const struct comparison *c, uint32_t m, const void *what, struct buffer *out)
{
    (void)what;
    buffer_add_text(out, c->model[m].id);
}

static void say_kind(const struct comparison *c, uint32_t m, const void *what, struct buffer *out)
{
    (void)what;
    buffer_add_slice(out, json_text_at(c->model[m].metrics, "kind"));
}

/* "22,390 + 53": legitimate and frauds. */
static void say_rows(const struct comparison *c, uint32_t m, const void *what, struct buffer *out)
{
    const struct json *rows = json_at(c->model[m].metrics, what);

    if (rows == NULL)
        return;
    words_count(out, json_count_at(rows, "legitimate"));
    buffer_add_text(out, " + ");
    words_count(out, json_count_at(rows, "fraud"));
}

static void say_tested(const struct comparison *c, uint32_t m, const void *what, struct buffer *out)
{
    const struct json *test = json_at(c->model[m].metrics, "test");
    uint64_t frauds = json_count_at(test, "frauds");

    (void)what;
    if (is_untested(&c->model[m]) && frauds == 0)
        return;
    words_count(out, json_count_at(test, "rows") - frauds);
    buffer_add_text(out, " + ");
    words_count(out, frauds);
}

static void say_figure(const struct comparison *c, uint32_t m, const void *what, struct buffer *out)
{
    const struct compare_figure *f = what;
    struct estimate e = json_estimate_at(c->model[m].metrics, f->path);

    if (e.is_null)
        buffer_add_text(out, "-");
    else
        words_estimate(out, &e, f->is_share);
}

static void say_chance(const struct comparison *c, uint32_t m, const void *what, struct buffer *out)
{
    double p = json_real_at(c->model[m].metrics, "test.chance_p");

    (void)what;
    if (is_untested(&c->model[m])) {
        buffer_add_text(out, "-");
        return;
    }
    buffer_add_text(out, compare_is_better_than_chance(&c->model[m]) ? "yes" : "no");
    if (!isnan(p))
        buffer_format(out, " (p = %.3f)", p);
}

/* A row of thresholds, or the models' own. */
enum { OWN = UINT32_MAX };

struct at {
    uint32_t row;
    const char *path;
};

static const struct json *row_at(const struct comparison *c, uint32_t m, const void *what)
{
    uint32_t row = ((const struct at *)what)->row;

    return row == OWN ? compare_own(c, m) : compare_threshold(c, m, row);
}

static void say_threshold(const struct comparison *c, uint32_t m, const void *what,
                          struct buffer *out)
{
    const struct json *row = row_at(c, m, what);

    if (row != NULL)
        words_number(out, json_real_at(row, "threshold"));
}

static void say_counts(const struct comparison *c, uint32_t m, const void *what, struct buffer *out)
{
    static const char *const counts[] = {"tp", "fp", "fn", "tn"};
    const struct json *row = row_at(c, m, what);

    for (unsigned i = 0; row != NULL && i < 4; i++) {
        buffer_add_text(out, i > 0 ? " " : "");
        words_count(out, json_count_at(row, counts[i]));
    }
}

static void say_share(const struct comparison *c, uint32_t m, const void *what, struct buffer *out)
{
    const struct at *at = what;
    const struct json *row = row_at(c, m, what);
    struct estimate e = json_estimate_at(row, at->path);

    if (row != NULL)
        words_estimate(out, &e, true);
}

static void say_f1(const struct comparison *c, uint32_t m, const void *what, struct buffer *out)
{
    const struct json *row = row_at(c, m, what);

    if (row != NULL)
        words_number(out, compare_f1(row));
}

static void add_threshold(const struct comparison *c, uint32_t row, struct buffer *out)
{
    struct text outcome = row == OWN          ? text_of("fraud said")
                          : c->thresholds > 0 ? text_of("probability")
                                              : json_text_at(decision(c, row), "outcome");
    char name[CELL_MAX];
    struct at at = {row, NULL};

    snprintf(name, sizeof name, "%.*s from", TEXT_ARG(outcome));
    buffer_add_char(out, '\n');
    add_line(c, name, say_threshold, &at, out);
    add_line(c, "  TP FP FN TN", say_counts, &at, out);
    at.path = "precision";
    add_line(c, "  precision", say_share, &at, out);
    at.path = "recall";
    add_line(c, "  recall", say_share, &at, out);
    add_line(c, "  F1", say_f1, &at, out);
    at.path = "false_positive_rate";
    add_line(c, "  false-positive rate", say_share, &at, out);
}

/* "0.31 (0.02 to 0.77)": mean and extremes of the probability. */
static void say_class(const struct comparison *c, uint32_t m, const void *what, struct buffer *out)
{
    const struct json *j = json_at(c->model[m].metrics, what);

    if (j == NULL || json_count_at(j, "rows") == 0)
        return;
    words_number(out, json_real_at(j, "mean"));
    buffer_add_text(out, " (");
    words_number(out, json_real_at(j, "min"));
    buffer_add_text(out, " to ");
    words_number(out, json_real_at(j, "max"));
    buffer_add_char(out, ')');
}

static void say_riskiest(const struct comparison *c, uint32_t m, const void *what,
                         struct buffer *out)
{
    const struct json *j = compare_riskiest(&c->model[m], *(const uint32_t *)what);

    if (j == NULL)
        return;
    words_number(out, json_real_at(j, "probability"));
    buffer_add_text(out, "  ");
    buffer_add_slice(out, json_text_at(j, "id"));
    buffer_add_text(out, json_count_at(j, "label") == 1 ? "  fraud" : "");
}

static bool has_own(const struct comparison *c)
{
    for (uint32_t i = 0; i < c->models; i++) {
        const struct json *own = compare_own(c, i);
        double first = c->thresholds > 0 ? NAN : json_real_at(decision(c, 0), "threshold");

        if (own != NULL && json_real_at(own, "threshold") != first)
            return true;
    }
    return false;
}

static void add_riskiest(const struct comparison *c, struct buffer *out)
{
    for (uint32_t place = 0;; place++) {
        char name[CELL_MAX];
        bool has_any = false;

        for (uint32_t i = 0; i < c->models; i++)
            has_any = has_any || compare_riskiest(&c->model[i], place) != NULL;
        if (!has_any)
            return;
        if (place == 0)
            buffer_add_char(out, '\n');
        snprintf(name, sizeof name, "riskiest %u", place + 1);
        add_line(c, name, say_riskiest, &place, out);
    }
}

static void add_finding(void *context, const char *words)
{
    buffer_format(context, "- %s\n", words);
}

void compare_words(const struct comparison *c, struct buffer *out)
{
    add_line(c, "", say_id, NULL, out);
    add_line(c, "kind", say_kind, NULL, out);
    add_line(c, "learned from", say_rows, "training_rows.before", out);
    add_line(c, "after resampling", say_rows, "training_rows.after", out);
    add_line(c, "tested on", say_tested, NULL, out);
    for (unsigned i = 0; i < compare_figure_count; i++)
        add_line(c, compare_figures[i].name, say_figure, &compare_figures[i], out);
    add_line(c, "better than chance", say_chance, NULL, out);
    add_line(c, "said of legitimate", say_class, "test.by_class.legitimate", out);
    add_line(c, "said of frauds", say_class, "test.by_class.fraud", out);
    if (has_own(c))
        add_threshold(c, OWN, out);
    for (uint32_t row = 0; row < compare_threshold_count(c); row++)
        add_threshold(c, row, out);
    add_riskiest(c, out);
    buffer_add_text(out, "\nRows are legitimate + fraudulent ones.\n");
    compare_findings(c, add_finding, out);
}
