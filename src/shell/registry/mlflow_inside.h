/* What mlflow's own files know of one another; others use mlflow.h. */
#ifndef ASSAY_REGISTRY_MLFLOW_INSIDE_H
#define ASSAY_REGISTRY_MLFLOW_INSIDE_H

#include "core/data/json_at.h"
#include "shell/registry/mlflow.h"

enum {
    MLFLOW_BODY_MAX = 4 << 20,
    MLFLOW_PARAMS_MAX = 100, /* of one log-batch, as the server limits it */
    MLFLOW_METRICS_MAX = 1000,
    MLFLOW_VALUE_MAX = 500, /* bytes of a parameter's value */
};

/* One call of the API: `body` empty: GET. What was answered is the caller's to free; with a status
 * other than 200 it is NULL, `code` is the server's error_code and *e has its words. */
struct mlflow_answer {
    struct json_document *document;
    int status;
    char code[64];
};

bool mlflow_call(struct mlflow *m, const char *method, const char *path, const struct buffer *body,
                 struct mlflow_answer *answer, struct error *e) MUST_USE;
bool mlflow_upload(struct mlflow *m, const char *path, struct text bytes, struct error *e) MUST_USE;
bool mlflow_download(struct mlflow *m, const char *path, struct buffer *out,
                     struct error *e) MUST_USE;
const char *mlflow_experiment(const struct mlflow *m);

/* ---- mlflow_batch.c ---- */

/* Bodies of log-batch for a run, one after another: `each` gets them. */
bool mlflow_batches(const char *run, const struct json *lineage, const struct json *metrics,
                    bool (*each)(void *context, const struct buffer *body, struct error *e),
                    void *context, struct error *e) MUST_USE;
/* "tags":[...] of a run. */
void mlflow_tags(const struct model_id *id, const struct json *lineage, const struct json *metrics,
                 struct buffer *out);
int64_t mlflow_made_ms(const struct json *lineage);

#endif
