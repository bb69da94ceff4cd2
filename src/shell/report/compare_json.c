/* The same as compare_words, for machines. */
#include "shell/report/compare.h"
#include "shell/report/metrics_read.h"

static void add_estimate(struct buffer *out, const char *key, const struct estimate *f)
{
    buffer_format(out, ",\"%s\":", key);
    if (f->is_null) {
        buffer_add_text(out, "null");
        return;
    }
    buffer_add_text(out, "{\"value\":");
    json_add_real(out, f->value);
    buffer_add_text(out, ",\"low\":");
    json_add_real(out, f->low);
    buffer_add_text(out, ",\"high\":");
    json_add_real(out, f->high);
    buffer_add_char(out, '}');
}

static void add_count(struct buffer *out, const char *key, uint64_t n)
{
    buffer_format(out, ",\"%s\":%lu", key, (unsigned long)n);
}

static void add_rows(const struct json *metrics, const char *name, const char *legitimate,
                     const char *fraud, struct buffer *out)
{
    buffer_format(out, ",\"%s\":{\"legitimate\":%lu,\"fraud\":%lu}", name,
                  (unsigned long)json_count_at(metrics, legitimate),
                  (unsigned long)json_count_at(metrics, fraud));
}

/* The last part of a path: "test.auc_roc" is auc_roc. */
static const char *last(const char *path)
{
    for (const char *at = path; *at != 0; at++) {
        if (*at == '.')
            path = at + 1;
    }
    return path;
}

static void add_threshold(const struct json *row, struct buffer *out)
{
    static const char *const shares[] = {"precision", "recall", "false_positive_rate"};
    static const char *const counts[] = {"tp", "fp", "fn", "tn"};

    buffer_add_text(out, "{\"threshold\":");
    json_add_real(out, json_real_at(row, "threshold"));
    for (unsigned i = 0; i < 4; i++)
        add_count(out, counts[i], json_count_at(row, counts[i]));
    for (unsigned i = 0; i < 3; i++) {
        struct estimate f = json_estimate_at(row, shares[i]);

        add_estimate(out, shares[i], &f);
    }
    buffer_add_text(out, ",\"f1\":");
    json_add_real(out, compare_f1(row));
    buffer_add_char(out, '}');
}

static void add_class(const struct json *metrics, const char *name, const char *path,
                      struct buffer *out)
{
    static const char *const figures[] = {"mean", "min", "max"};
    const struct json *j = json_at(metrics, path);

    buffer_format(out, "%s\"%s\":{", name[0] == 'f' ? "," : "", name);
    for (unsigned i = 0; i < 3; i++) {
        buffer_format(out, "%s\"%s\":", i > 0 ? "," : "", figures[i]);
        json_add_real(out, json_real_at(j, figures[i]));
    }
    buffer_add_char(out, '}');
}

static void add_riskiest(const struct compared *m, struct buffer *out)
{
    const struct json *j;

    buffer_add_text(out, ",\"riskiest\":[");
    for (uint32_t i = 0; (j = compare_riskiest(m, i)) != NULL; i++) {
        buffer_add_text(out, i > 0 ? ",{\"id\":" : "{\"id\":");
        json_add_text(out, json_text_at(j, "id"));
        buffer_add_text(out, ",\"probability\":");
        json_add_real(out, json_real_at(j, "probability"));
        buffer_format(out, ",\"fraud\":%s}", json_count_at(j, "label") == 1 ? "true" : "false");
    }
    buffer_add_char(out, ']');
}

static void add_model(const struct comparison *c, uint32_t m, struct buffer *out)
{
    const struct json *metrics = c->model[m].metrics;

    buffer_add_text(out, "{\"id\":");
    json_add_text(out, text_of(c->model[m].id));
    buffer_add_text(out, ",\"kind\":");
    json_add_text(out, json_text_at(metrics, "kind"));
    add_rows(metrics, "learned_from", "training_rows.before.legitimate",
             "training_rows.before.fraud", out);
    add_rows(metrics, "after_resampling", "training_rows.after.legitimate",
             "training_rows.after.fraud", out);
    add_count(out, "test_rows", json_count_at(metrics, "test.rows"));
    add_count(out, "test_frauds", json_count_at(metrics, "test.frauds"));
    for (unsigned i = 0; i < compare_figure_count; i++) {
        struct estimate f = json_estimate_at(metrics, compare_figures[i].path);

        add_estimate(out, last(compare_figures[i].path), &f);
    }
    buffer_add_text(out, ",\"chance_p\":");
    json_add_real(out, json_real_at(metrics, "test.chance_p"));
    buffer_format(out, ",\"better_than_chance\":%s,\"probability\":{",
                  compare_is_better_than_chance(&c->model[m]) ? "true" : "false");
    add_class(metrics, "legitimate", "test.by_class.legitimate", out);
    add_class(metrics, "fraud", "test.by_class.fraud", out);
    buffer_add_text(out, "},\"own\":");
    if (compare_own(c, m) != NULL)
        add_threshold(compare_own(c, m), out);
    else
        buffer_add_text(out, "null");
    buffer_add_text(out, ",\"thresholds\":[");
    for (uint32_t row = 0, written = 0; row < compare_threshold_count(c); row++) {
        const struct json *at = compare_threshold(c, m, row);

        if (at == NULL)
            continue;
        buffer_add_text(out, written++ > 0 ? "," : "");
        add_threshold(at, out);
    }
    buffer_add_char(out, ']');
    add_riskiest(&c->model[m], out);
    buffer_add_char(out, '}');
}

static void add_differences(const struct comparison *c, struct buffer *out)
{
    const char *comma = "";

    buffer_add_text(out, ",\"differences\":[");
    for (unsigned i = 0; i < compare_figure_count && compare_is_same_test(c); i++) {
        const struct compare_figure *figure = &compare_figures[i];
        int best = compare_best(c, figure);

        for (uint32_t m = 0; best >= 0 && m < c->models; m++) {
            struct estimate a = json_estimate_at(c->model[best].metrics, figure->path);
            struct estimate b = json_estimate_at(c->model[m].metrics, figure->path);

            if ((int)m == best || b.is_null)
                continue;
            buffer_format(out, "%s{\"figure\":\"%s\",\"best\":", comma, last(figure->path));
            json_add_text(out, text_of(c->model[best].id));
            buffer_add_text(out, ",\"other\":");
            json_add_text(out, text_of(c->model[m].id));
            buffer_format(out, ",\"inside_intervals\":%s}",
                          compare_is_apart(&a, &b) ? "false" : "true");
            comma = ",";
        }
    }
    buffer_add_char(out, ']');
}

static void add_finding(void *context, const char *words)
{
    struct buffer *out = context;

    if (out->bytes[out->length - 1] != '[')
        buffer_add_char(out, ',');
    json_add_text(out, text_of(words));
}

void compare_json(const struct comparison *c, struct buffer *out)
{
    buffer_add_text(out, "{\"models\":[");
    for (uint32_t m = 0; m < c->models; m++) {
        buffer_add_text(out, m > 0 ? "," : "");
        add_model(c, m, out);
    }
    buffer_format(out, "],\"same_test\":%s", compare_is_same_test(c) ? "true" : "false");
    add_differences(c, out);
    buffer_add_text(out, ",\"findings\":[");
    compare_findings(c, add_finding, out);
    buffer_add_text(out, "]}\n");
}
