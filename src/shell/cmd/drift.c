/* `assay drift`: how far the newest decisions of a running service are from what its model learned
 * from; GET /v1/drift, the farthest first. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/data/json_at.h"
#include "shell/cmd/cmd.h"
#include "shell/link/http_client.h"

enum { DECISIONS_USUAL = 2000, DECISIONS_MOST = 20000, ROWS_MAX = 4096 };

struct asking {
    struct http_client *client;
    struct json_reader *json;
    struct buffer answer;
    struct json_document *document;
};

static bool ask(struct asking *a, int64_t decisions, struct error *e)
{
    char path[64];
    int status;

    snprintf(path, sizeof path, "/v1/drift?decisions=%lld", (long long)decisions);
    if (!http_client_ask(a->client, path, "", (struct text){NULL, 0}, &a->answer, &status, e))
        return false;
    a->document = json_parse(a->json, a->answer.bytes, a->answer.length, e);
    if (a->document == NULL)
        return false;
    return status == 200 ||
           error_set(e, status >= 500 ? ERROR_WORLD : ERROR_INVALID, "%.*s%s",
                     TEXT_ARG(json_text_at(&a->document->root, "detail")), hint_of_status(status));
}

/* What nobody can compare comes last. */
static double psi_of(const struct json *feature)
{
    double psi = json_real_at(feature, "psi");

    return isnan(psi) ? -1 : psi;
}

static int by_psi(const void *a, const void *b)
{
    const struct json *x = *(const struct json *const *)a, *y = *(const struct json *const *)b;
    double p = psi_of(x), q = psi_of(y);

    if (p != q)
        return p < q ? 1 : -1;
    return text_compare(json_text_at(x, "name"), json_text_at(y, "name"));
}

static void add_verdict(const struct json *v, uint64_t decisions, struct buffer *out)
{
    struct text verdict = json_text_at(v, "verdict");
    uint64_t needed = json_count_at(v, "needed");

    if (!text_is(verdict, "too_few"))
        buffer_format(out, "%.*s",
                      TEXT_ARG(verdict.length > 0 ? verdict : text_of("not known to the model")));
    else if (needed > 0)
        buffer_format(out, "too few to tell (%llu of at least %llu)", (unsigned long long)decisions,
                      (unsigned long long)needed);
    else
        buffer_add_text(out, "too few rows to learn from to tell");
    buffer_add_char(out, '\n');
}

static void add_row(const struct json *v, struct text name, uint64_t decisions, struct buffer *out)
{
    double psi = json_real_at(v, "psi"), ks = json_real_at(v, "ks");

    buffer_format(out, "  %-32.*s", TEXT_ARG(name));
    if (isnan(psi))
        buffer_add_text(out, "       -");
    else
        buffer_format(out, "%8.3f", psi);
    if (isnan(ks))
        buffer_add_text(out, "       -");
    else
        buffer_format(out, "%8.3f", ks);
    buffer_add_text(out, "  ");
    add_verdict(v, decisions, out);
}

static void add_words(const struct json *root, struct buffer *out)
{
    const struct json *features = json_at(root, "features"), *row[ROWS_MAX];
    uint64_t decisions = json_count_at(root, "decisions");
    uint32_t count = 0;

    if (decisions == 0) {
        buffer_add_text(out, "no decision yet whose feature values are known\n");
        return;
    }
    buffer_format(out,
                  "%llu decisions, received %.*s to %.*s, beside what the model learned from\n",
                  (unsigned long long)decisions, TEXT_ARG(json_text_at(root, "from")),
                  TEXT_ARG(json_text_at(root, "to")));
    buffer_format(out, "  %-32s%8s%8s\n", "", "psi", "ks");
    add_row(json_at(root, "score"), text_of("score"), decisions, out);
    for (uint32_t i = 0; features != NULL && features->kind == JSON_ARRAY && i < features->count &&
                         count < ROWS_MAX;
         i++)
        row[count++] = &features->items[i];
    qsort(row, count, sizeof *row, by_psi);
    for (uint32_t i = 0; i < count; i++)
        add_row(row[i], json_text_at(row[i], "name"), decisions, out);
}

static bool drift_run(struct invocation *v, struct error *e)
{
    struct asking a = {.client = NULL};
    int64_t decisions = DECISIONS_USUAL;
    char url[SERVICE_URL_MAX];
    struct http_peer peer;
    struct buffer out;
    bool ok;

    if (!option_whole(v, "decisions", 100, DECISIONS_MOST, &decisions, e) ||
        !invocation_service(v, NULL, url, &peer, e))
        return false;
    a.client = http_client_of(&peer);
    a.json = json_reader_new();
    buffer_init(&a.answer, HTTP_ANSWER_MAX);
    buffer_init(&out, HTTP_ANSWER_MAX);
    ok = ask(&a, decisions, e);
    if (ok && v->json)
        buffer_add(&out, a.answer.bytes, a.answer.length);
    else if (ok)
        add_words(&a.document->root, &out);
    ok = ok && print_result(&out, e);
    json_free(a.document);
    buffer_fini(&out);
    buffer_fini(&a.answer);
    json_reader_free(a.json);
    http_client_free(a.client);
    return ok;
}

static const struct option options[] = {
    {"decisions", 0, "N", "so many of the newest, 100 to 20000 (default 2000)"},
    OPTIONS_SERVICE,
    {0},
};

const struct command command_drift = {
    .name = "drift",
    .group = GROUP_LOOK,
    .summary = "shows how far features and scores of a running service moved since training",
    .arguments = "",
    .words =
        "psi is the population stability index over the deciles of the training rows: from 0.1 on a\n"
        "feature is moving, from 0.25 on it has moved. ks is the largest difference of the shares.\n"
        "Chance moves the index of a few decisions, so there is no verdict before there are so many\n"
        "that it alone would reach 0.1 once in a thousand times: 200 at least, about 300 beside\n"
        "many training rows, more of a category of many words.",
    .options = options,
    .examples = "  assay drift\n"
                "  assay drift --decisions 20000 --json\n",
    .run = drift_run,
};
