#include "shell/report/card.h"

#include <math.h>
#include <stdio.h>

#include "shell/report/metrics_read.h"
#include "shell/report/verdict.h"
#include "shell/report/words.h"

enum { CELL_MAX = 256, WORDS_MAX = 64 << 10 };

struct card {
    const struct card_form *form;
    const struct json *lineage, *metrics;
    struct buffer *out;
    struct buffer words; /* of the paragraph that is being made */
};

static void say(struct card *c)
{
    c->form->paragraph(c->out, buffer_text(&c->words));
    buffer_clear(&c->words);
}

static void say_text(struct card *c, const char *words)
{
    buffer_add_text(&c->words, words);
    say(c);
}

static bool is_judged(const struct card *c)
{
    const struct json *test = json_at(c->metrics, "test");

    return test != NULL && test->kind == JSON_OBJECT;
}

static void table_pair(struct card *c, const char *name, struct text value)
{
    const char *cell[2] = {name};

    if (value.length == 0)
        return;
    buffer_add_slice(&c->words, value);
    cell[1] = buffer_text(&c->words);
    c->form->row(c->out, cell, 2);
    buffer_clear(&c->words);
}

static void table_count(struct card *c, const char *name, uint64_t n)
{
    struct buffer words;

    buffer_init(&words, CELL_MAX);
    words_count(&words, n);
    table_pair(c, name, (struct text){words.bytes, words.length});
    buffer_fini(&words);
}

/* ---- the sections, in their order ---- */

static void details(struct card *c)
{
    static const char *const heading[] = {"", ""};
    const struct json *l = c->lineage;
    const char *recipe;
    struct buffer text;

    c->form->heading(c->out, "Model details");
    c->form->table_open(c->out, "What it is", heading, 2);
    table_pair(c, "Name", json_text_at(l, "name"));
    table_pair(c, "Version", json_text_at(l, "version"));
    table_pair(c, "Kind", json_text_at(l, "kind"));
    table_pair(c, "Made", json_text_at(l, "made"));
    table_pair(c, "By", json_text_at(l, "by"));
    table_pair(c, "Program", json_text_at(l, "program.version"));
    table_pair(c, "SHA-256 of the model file", json_text_at(l, "model_sha256"));
    table_pair(c, "SHA-256 of its inputs", json_text_at(l, "inputs_sha256"));
    table_pair(c, "SHA-256 of its recipe", json_text_at(l, "recipe_sha256"));
    table_pair(c, "SHA-256 of the settings", json_text_at(l, "settings_sha256"));
    c->form->table_close(c->out);
    buffer_init(&text, WORDS_MAX);
    buffer_add_slice(&text, json_text_at(l, "recipe"));
    recipe = buffer_text(&text);
    if (text.length > 0) {
        say_text(c, "Made by this recipe:");
        c->form->code(c->out, recipe);
    }
    buffer_fini(&text);
    c->form->heading_close(c->out);
}

static void intended_use(struct card *c)
{
    struct text purpose = json_text_at(c->lineage, "purpose");

    c->form->heading(c->out, "Intended use");
    if (purpose.length > 0) {
        buffer_add_slice(&c->words, purpose);
        say(c);
    } else {
        say_text(c, "Its makers have not said what it is for; `model.purpose` in the settings is "
                    "the place.");
    }
    say_text(c, "It gives a transaction a probability of fraud. Out of its scope: transactions of "
                "another kind or of another source than those below, and any decision about a "
                "person that nobody looks at.");
    c->form->heading_close(c->out);
}

static void factors(struct card *c)
{
    static const char *const heading[] = {"Input", "Type", "Definition"};
    const struct json *inputs = json_at(c->lineage, "inputs");

    c->form->heading(c->out, "Factors");
    say_text(c, "It sees these inputs and nothing else. Figures by group of customers were not "
                "measured.");
    c->form->table_open(c->out, "Inputs", heading, 3);
    for (uint32_t i = 0; inputs != NULL && inputs->kind == JSON_ARRAY && i < inputs->count; i++) {
        static const char *const keys[] = {"name", "type", "expression"};
        struct buffer cell[3];
        const char *text[3];

        for (unsigned k = 0; k < 3; k++) {
            buffer_init(&cell[k], WORDS_MAX);
            buffer_add_slice(&cell[k], json_text_at(&inputs->items[i], keys[k]));
            text[k] = buffer_text(&cell[k]);
        }
        c->form->row(c->out, text, 3);
        for (unsigned k = 0; k < 3; k++)
            buffer_fini(&cell[k]);
    }
    c->form->table_close(c->out);
    c->form->heading_close(c->out);
}

static void how_measured(struct card *c)
{
    const struct json *decision = json_at(c->metrics, "decision");

    c->form->heading(c->out, "Metrics");
    say_text(c, "Average precision and AUC say how well it ranks; precision, recall and the "
                "false-positive rate what happens at a threshold; Brier score and calibration "
                "error how far its probabilities can be believed. In brackets: from 2.5 % to "
                "97.5 % of the bootstrap.");
    for (uint32_t i = 0; decision != NULL && decision->kind == JSON_ARRAY && i < decision->count;
         i++) {
        buffer_add_text(&c->words, i == 0 ? "Thresholds of the settings when it was made: " : ", ");
        buffer_add_slice(&c->words, json_text_at(&decision->items[i], "outcome"));
        buffer_add_text(&c->words, " from ");
        words_number(&c->words, json_real_at(&decision->items[i], "threshold"));
    }
    if (c->words.length > 0) {
        buffer_add_char(&c->words, '.');
        say(c);
    }
    c->form->heading_close(c->out);
}

static void evaluation_data(struct card *c)
{
    c->form->heading(c->out, "Evaluation data");
    if (json_at(c->metrics, "anomalies") != NULL) {
        say_text(c, "None that could judge it: no event had a label when it was made. How its "
                    "scores lie, and whether they hold, is in its report.");
    } else if (!is_judged(c)) {
        say_text(c, "None: it was taken over from another program, and nothing is known of how it "
                    "was tested. `assay replay` and `assay score` on labelled events tell more.");
    } else {
        buffer_add_text(&c->words, "Split: ");
        buffer_add_slice(&c->words, json_text_at(c->metrics, "split.by"));
        buffer_add_text(&c->words, ". Held out: ");
        words_count(&c->words, json_count_at(c->metrics, "test.rows"));
        buffer_add_text(&c->words, " transactions, ");
        words_count(&c->words, json_count_at(c->metrics, "test.frauds"));
        buffer_add_text(&c->words, " of them fraudulent. It did not learn from them.");
        say(c);
    }
    c->form->heading_close(c->out);
}

static void sources(struct card *c)
{
    static const char *const heading[] = {"Source", "File", "SHA-256"};
    static const char *const keys[] = {"name", "file", "sha256"};
    const struct json *list = json_at(c->lineage, "sources");

    if (list == NULL || list->kind != JSON_ARRAY || list->count == 0)
        return;
    c->form->table_open(c->out, "Sources", heading, 3);
    for (uint32_t i = 0; i < list->count; i++) {
        char cell[3][CELL_MAX];
        const char *text[3] = {cell[0], cell[1], cell[2]};

        for (unsigned k = 0; k < 3; k++) {
            struct text t = json_text_at(&list->items[i], keys[k]);

            snprintf(cell[k], CELL_MAX, "%.*s", TEXT_ARG(t));
        }
        c->form->row(c->out, text, 3);
    }
    c->form->table_close(c->out);
}

static void training_data(struct card *c)
{
    static const char *const heading[] = {"", ""};

    c->form->heading(c->out, "Training data");
    sources(c);
    if (is_judged(c)) {
        c->form->table_open(c->out, "Rows", heading, 2);
        table_count(c, "Transactions read", json_count_at(c->lineage, "data.rows"));
        table_count(c, "of them fraudulent", json_count_at(c->lineage, "frauds"));
        table_pair(c, "From", json_text_at(c->lineage, "data.from"));
        table_pair(c, "Until", json_text_at(c->lineage, "data.until"));
        table_count(c, "Learned from, legitimate",
                    json_count_at(c->metrics, "training_rows.before.legitimate"));
        table_count(c, "Learned from, fraudulent",
                    json_count_at(c->metrics, "training_rows.before.fraud"));
        table_count(c, "After resampling, legitimate",
                    json_count_at(c->metrics, "training_rows.after.legitimate"));
        table_count(c, "After resampling, fraudulent",
                    json_count_at(c->metrics, "training_rows.after.fraud"));
        c->form->table_close(c->out);
    } else {
        buffer_add_text(&c->words, "Unknown: the model was made by ");
        buffer_add_slice(&c->words, json_text_at(c->lineage, "data.imported.library"));
        buffer_add_char(&c->words, '.');
        say(c);
    }
    c->form->heading_close(c->out);
}

static void figure(struct card *c, const char *name, const char *path, bool is_share)
{
    struct estimate f = json_estimate_at(c->metrics, path);
    struct buffer words;

    if (f.is_null)
        return;
    buffer_init(&words, CELL_MAX);
    words_estimate(&words, &f, is_share);
    table_pair(c, name, (struct text){words.bytes, words.length});
    buffer_fini(&words);
}

static void threshold_row(struct card *c, const struct json *row)
{
    static const char *const counts[] = {"tp", "fp", "fn", "tn"};
    static const char *const shares[] = {"precision", "recall", "false_positive_rate"};
    struct buffer cell[8];
    const char *text[8];
    unsigned n = 0;

    for (unsigned i = 0; i < 8; i++)
        buffer_init(&cell[i], CELL_MAX);
    words_number(&cell[n++], json_real_at(row, "threshold"));
    for (unsigned i = 0; i < 4; i++)
        words_count(&cell[n++], json_count_at(row, counts[i]));
    for (unsigned i = 0; i < 3; i++) {
        struct estimate f = json_estimate_at(row, shares[i]);

        words_estimate(&cell[n++], &f, true);
    }
    for (unsigned i = 0; i < 8; i++)
        text[i] = buffer_text(&cell[i]);
    c->form->row(c->out, text, 8);
    for (unsigned i = 0; i < 8; i++)
        buffer_fini(&cell[i]);
}

static void thresholds(struct card *c)
{
    static const char *const heading[] = {
        "From",   "Found",     "False alarms", "Missed",
        "Passed", "Precision", "Recall",       "False-positive rate"};
    const struct json *rows = json_at(c->metrics, "test.thresholds");

    if (rows == NULL || rows->kind != JSON_ARRAY || rows->count == 0)
        return;
    c->form->table_open(c->out, "At thresholds of the probability", heading, 8);
    for (uint32_t i = 0; i < rows->count; i++) {
        double at = json_real_at(&rows->items[i], "threshold");

        if (json_threshold_at(json_at(c->metrics, "test"), at) == &rows->items[i])
            threshold_row(c, &rows->items[i]); /* the first of equal ones */
    }
    c->form->table_close(c->out);
}

static void analyses(struct card *c)
{
    static const char *const heading[] = {"Metric", "Held-out"};

    c->form->heading(c->out, "Quantitative analyses");
    if (is_judged(c)) {
        c->form->table_open(c->out, "Figures", heading, 2);
        figure(c, "AUC ROC", "test.auc_roc", false);
        figure(c, "Average precision", "test.average_precision", false);
        figure(c, "Recall at 1 % false positives", "test.recall_at_1pct_fpr", true);
        figure(c, "Card precision at 100", "test.card_precision_at_100", false);
        figure(c, "Brier score", "test.brier", false);
        figure(c, "Log loss", "test.log_loss", false);
        figure(c, "Calibration error", "test.calibration_error", false);
        c->form->table_close(c->out);
        thresholds(c);
    } else {
        say_text(c, "None.");
    }
    c->form->heading_close(c->out);
}

static void ethics(struct card *c)
{
    c->form->heading(c->out, "Ethical considerations");
    say_text(c, verdict_caveat);
    say_text(c, "It learned from what was found to be fraud in the past, with the blind spots of "
                "those who looked. Whoever is refused by it should be told why and be able to "
                "object.");
    c->form->heading_close(c->out);
}

static void caveats(struct card *c)
{
    const struct json *checks = json_at(c->metrics, "checks");
    uint32_t count = checks != NULL && checks->kind == JSON_ARRAY ? checks->count : 0;

    c->form->heading(c->out, "Caveats and recommendations");
    if (is_judged(c) && !json_is_true_at(c->metrics, "test.better_than_chance"))
        say_text(c, "On held-out transactions it cannot be told from chance. Do not decide "
                    "anything by it.");
    if (is_judged(c) && count == 0)
        say_text(c, "The checks of data, split and figures found nothing to remark.");
    for (uint32_t i = 0; i < count; i++) {
        buffer_add_slice(&c->words, json_text_at(&checks->items[i], "words"));
        c->form->item(c->out, buffer_text(&c->words), i == 0, i == count - 1);
        buffer_clear(&c->words);
    }
    say_text(c, "Fraud changes: train again when figures on new labels fall out of the intervals "
                "above.");
    c->form->heading_close(c->out);
}

void card_write(const struct card_form *form, const struct json *lineage,
                const struct json *metrics, struct buffer *out)
{
    struct card c = {.form = form, .lineage = lineage, .metrics = metrics, .out = out};
    struct text name = json_text_at(lineage, "name"), version = json_text_at(lineage, "version");
    char title[CELL_MAX];

    buffer_init(&c.words, WORDS_MAX);
    snprintf(title, sizeof title, "%.*s %.*s", TEXT_ARG(name), TEXT_ARG(version));
    form->open(out, title);
    details(&c);
    intended_use(&c);
    factors(&c);
    how_measured(&c);
    evaluation_data(&c);
    training_data(&c);
    analyses(&c);
    ethics(&c);
    caveats(&c);
    form->close(out);
    buffer_fini(&c.words);
}
