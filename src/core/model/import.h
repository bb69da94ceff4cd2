/* Model files of other libraries, read into ours.
 *
 *     XGBoost    JSON or UBJSON (save_model), from 1.0 on: gbtree, dart, gblinear
 *     LightGBM   text (save_model), versions 2 to 4
 *     ONNX       trees, linear models and dense nets with what prepares their inputs
 *
 * A parser trusts nothing: every count, index and length is checked and has a limit. What a file
 * needs and this cannot compute exactly is refused by its name.
 *
 * The file's columns become inputs under the file's own names; import_model then gives them the
 * names of features. Columns that nothing depends on are left out.
 */
#ifndef ASSAY_MODEL_IMPORT_H
#define ASSAY_MODEL_IMPORT_H

#include "core/model/imported.h"
#include "core/model/model.h"

enum {
    IMPORT_BYTES_MAX = 64 << 20,
    IMPORT_INPUTS_MAX = 65536, /* of the file; MODEL_INPUTS_MAX that are used */
    IMPORT_NOTES_MAX = 8,
};

enum import_format { IMPORT_UNKNOWN, IMPORT_XGBOOST, IMPORT_LIGHTGBM, IMPORT_ONNX };

struct import_options {
    uint32_t iterations; /* boosting rounds to take, from the first on; 0: all */
    const char *output;  /* ONNX: the tensor with the score; NULL: found */
};

struct import_input {
    char *name; /* the file's, or f0, f1, ... where it has none */
    bool is_used;
    bool is_category;
    uint32_t
        count; /* categories, different and in byte order; number[i] is what value[i] becomes */
    struct text *value;
    double *number;
    double other;
    char *bytes; /* of the values */
};

struct import {
    enum import_format format;
    char library[96]; /* "XGBoost 3.2.0, gbtree, binary:logistic" */
    bool has_names;   /* the file names its columns */
    uint32_t inputs;
    struct import_input *input;
    struct imported *body;
    bool is_log_odds; /* probability = sigmoid(slope * margin); else the margin, held to 0..1 */
    double slope;
    uint32_t notes; /* what a person should know before trusting it */
    char note[IMPORT_NOTES_MAX][256];
};

/* By the first bytes. */
enum import_format import_guess(const void *bytes, size_t length);
const char *import_format_name(enum import_format format); /* "XGBoost", ... */

/* ERROR_INVALID says what and where; *found is to be freed by import_free. */
bool import_parse(const void *bytes, size_t length, const struct import_options *o,
                  struct import **found, struct error *e) MUST_USE;
void import_free(struct import *found);

/* How an input of the model is called by whom: the file's column `column` is the feature `name`. */
struct import_feature {
    struct text name;
    uint32_t column;
    bool is_category;
    uint64_t fingerprint;
};

/* The model, of the features in the order given; every used column must be among them, each once.
 * Takes the import's body. */
struct model *import_model(struct import *found, const struct import_feature *features,
                           uint32_t count, struct error *e) MUST_USE;

/* ---- for the parsers ---- */

struct import *import_new(enum import_format format, uint32_t inputs);
void import_name(struct import *found, uint32_t input, struct text name);
/* Text values of an input become numbers; false where there are too many or two are the same. */
bool import_categories(struct import *found, uint32_t input, const struct text *value,
                       const double *number, uint32_t count, double other,
                       struct error *e) MUST_USE;
void import_note(struct import *found, const char *format, ...) PRINTF_LIKE(2, 3);

bool import_xgboost(const void *bytes, size_t length, const struct import_options *o,
                    struct import **found, struct error *e) MUST_USE;
bool import_lightgbm(const void *bytes, size_t length, const struct import_options *o,
                     struct import **found, struct error *e) MUST_USE;
bool import_onnx(const void *bytes, size_t length, const struct import_options *o,
                 struct import **found, struct error *e) MUST_USE;

#endif
