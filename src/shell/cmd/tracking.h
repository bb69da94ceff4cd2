/* The MLflow that the settings name. */
#ifndef ASSAY_CMD_TRACKING_H
#define ASSAY_CMD_TRACKING_H

#include "shell/registry/mlflow.h"
#include "shell/settings/settings.h"

bool tracking_open(const struct settings *s, struct mlflow **m, struct error *e) MUST_USE;
/* Pushes one model, by its id as a person writes it. */
bool tracking_push(struct mlflow *m, const char *directory, const char *words, struct model_id *id,
                   struct mlflow_pushed *pushed, struct error *e) MUST_USE;

#endif
