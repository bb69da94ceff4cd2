/* A model of another library put into the data directory, its columns tied to features of the
 * settings. */
#ifndef ASSAY_TRAIN_IMPORT_MODEL_H
#define ASSAY_TRAIN_IMPORT_MODEL_H

#include "core/model/import.h"
#include "shell/run/current.h"

struct import_task {
    struct settings *settings;
    const char *path;      /* of the file */
    const char *name;      /* that the model gets; NULL: that of the file, without its ending */
    const char *inputs;    /* "feature=column,..." or all features in the columns' order; or NULL */
    const char *directory; /* data directory */
    int64_t now_us;        /* for the registry */
    struct import_options options;
};

struct import_result {
    struct import *found;
    struct model *model;
    char name[MODEL_NAME_MAX + 1];
    char id[MODEL_ID_TEXT_MAX];  /* in the registry */
    char path[CURRENT_PATH_MAX]; /* of the model file, which is in force from now on */
    uint32_t inputs;
    uint32_t *column; /* of each of the model's inputs */
};

/* On success the caller frees the result. Words name the column, the feature and the remedy. */
bool import_file(const struct import_task *task, struct import_result *r, struct error *e) MUST_USE;
void import_result_free(struct import_result *r);

/* What is known of the model: library, columns, notes. */
void import_result_json(const struct import_result *r, struct buffer *out);

#endif
