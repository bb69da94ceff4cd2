/* Models of the registry on a tracking server of MLflow, over its REST API (2.0): a run for each
 * version with parameters, metrics, tags and files, a version of a registered model for it, and
 * aliases, both ways.
 *
 * 1. A version has one run in an experiment, found by the tag assay.model_sha256: what was cut
 *    short is taken up again, what is there is left.
 * 2. Files come and go through the server (mlflow-artifacts), with a manifest of their SHA-256.
 *
 * One thread. Errors: ERROR_WORLD where the server cannot be reached, refuses or fails,
 * ERROR_NOT_FOUND for what it does not have, ERROR_INVALID for what is no model of ours or damaged,
 * ERROR_CONFLICT where another model has the version; with the server's words and what to do.
 */
#ifndef ASSAY_REGISTRY_MLFLOW_H
#define ASSAY_REGISTRY_MLFLOW_H

#include "shell/registry/registry.h"

enum { MLFLOW_ID_MAX = 128, MLFLOW_NAME_MAX = 250, MLFLOW_URL_MAX = 512 };

/* Texts may be NULL or "": MLFLOW_TRACKING_URI, _USERNAME, _PASSWORD, _TOKEN of the environment. */
struct mlflow_place {
    const char *url, *experiment; /* the experiment must be said */
    const char *user, *password, *token, *ca;
};

struct mlflow;

bool mlflow_open(const struct mlflow_place *place, struct mlflow **m, struct error *e) MUST_USE;
void mlflow_close(struct mlflow *m); /* takes NULL */
const char *mlflow_url(const struct mlflow *m);
/* It answers; *has_experiment: and has the experiment already. */
bool mlflow_check(struct mlflow *m, bool *has_experiment, struct error *e) MUST_USE;

struct mlflow_pushed {
    char run[MLFLOW_ID_MAX], experiment[MLFLOW_ID_MAX], version[MLFLOW_ID_MAX];
    bool is_new; /* the run was not there, or not finished */
};

/* The version's run, its version of the registered model of the same name, and the aliases that the
 * registry has for it. */
bool mlflow_push(struct mlflow *m, const char *data_directory, const struct model_id *id,
                 struct mlflow_pushed *pushed, struct error *e) MUST_USE;

struct mlflow_pulled {
    struct model_id id;
    char version[MLFLOW_ID_MAX], run[MLFLOW_ID_MAX];
    bool is_new;
};

/* What a person wrote: NAME@ALIAS or NAME@NUMBER, as MLflow has them. Into an open registry. */
bool mlflow_pull(struct mlflow *m, struct registry *r, struct text words,
                 struct mlflow_pulled *pulled, struct error *e) MUST_USE;

#endif
