/* `assay model compare` */
#include <string.h>

#include "core/base/number.h"
#include "shell/cmd/model_actions.h"
#include "shell/registry/registry.h"
#include "shell/report/compare.h"

struct comparing {
    struct json_document *lineage[COMPARE_MODELS_MAX], *metrics[COMPARE_MODELS_MAX];
    struct compared model[COMPARE_MODELS_MAX];
    double threshold[COMPARE_THRESHOLDS_MAX];
    struct comparison c;
};

static bool read_one(struct comparing *p, const char *directory, const char *words, struct error *e)
{
    uint32_t at = p->c.models;
    struct model_id id;

    if (!registry_find(directory, text_of(words), &id, e) ||
        !registry_read(directory, &id, "lineage.json", &p->lineage[at], e) ||
        !registry_read(directory, &id, "metrics.json", &p->metrics[at], e))
        return false;
    model_id_format(&id, p->model[at].id);
    p->model[at].lineage = &p->lineage[at]->root;
    p->model[at].metrics = &p->metrics[at]->root;
    for (uint32_t i = 0; i < at; i++) {
        if (strcmp(p->model[i].id, p->model[at].id) == 0)
            return error_set(e, ERROR_USAGE, "model compare: %s stands there twice",
                             p->model[at].id);
    }
    p->c.models++;
    return true;
}

static bool read_thresholds(struct comparing *p, const char *list, struct error *e)
{
    while (list != NULL && *list != 0) {
        struct text item = {list, strcspn(list, ",")};
        double value;

        if (p->c.thresholds == COMPARE_THRESHOLDS_MAX)
            return error_set(e, ERROR_USAGE, "--at: over %d probabilities", COMPARE_THRESHOLDS_MAX);
        if (!number_parse_real(text_trim(item), '.', &value) || !(value >= 0 && value <= 1))
            return error_set(e, ERROR_USAGE,
                             "--at: expected probabilities by commas, found \"%.*s\"",
                             TEXT_ARG(item));
        p->threshold[p->c.thresholds++] = value;
        list += item.length + (list[item.length] == ',');
    }
    return true;
}

/* A probability that nobody tabulated would be an empty row. */
static bool check_thresholds(const struct comparing *p, struct error *e)
{
    for (uint32_t row = 0; row < p->c.thresholds; row++) {
        bool found = false;

        for (uint32_t m = 0; m < p->c.models; m++)
            found = found || compare_threshold(&p->c, m, row) != NULL;
        if (!found)
            return error_set(e, ERROR_NOT_FOUND,
                             "--at: none of the models was measured at %g; `assay model show` "
                             "tells at which they were",
                             p->threshold[row]);
    }
    return true;
}

bool model_compare(struct invocation *v, struct settings *s, const char *directory, struct error *e)
{
    struct comparing p = {0};
    struct buffer out;
    bool ok;

    if (option_has(v, "live"))
        return model_compare_live(v, s, e);
    if (v->argument_count < 3)
        return error_set(e, ERROR_USAGE,
                         "model compare: expected two to %d models after it, or --live",
                         COMPARE_MODELS_MAX);
    ok = read_thresholds(&p, option_get(v, "at"), e);
    p.c.model = p.model;
    p.c.threshold = p.threshold;
    for (uint32_t i = 1; ok && i < v->argument_count; i++)
        ok = read_one(&p, directory, v->argument[i], e);
    ok = ok && check_thresholds(&p, e);
    buffer_init(&out, OUTPUT_MAX);
    if (ok && v->json)
        compare_json(&p.c, &out);
    else if (ok)
        compare_words(&p.c, &out);
    ok = ok && print_result(&out, e);
    buffer_fini(&out);
    for (uint32_t i = 0; i < COMPARE_MODELS_MAX; i++) {
        json_free(p.lineage[i]);
        json_free(p.metrics[i]);
    }
    return ok;
}
