/* What the importers share, and the making of a model of what they found. */
#include "core/model/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/panic.h"
#include "core/model/parts.h"

const char *import_format_name(enum import_format format)
{
    static const char *const names[] = {"unknown", "XGBoost", "LightGBM", "ONNX"};

    return names[format];
}

static bool begins(const void *bytes, size_t length, const char *with)
{
    return length >= strlen(with) && memcmp(bytes, with, strlen(with)) == 0;
}

/* UBJSON begins with '{' and the length of a key (or a count), JSON with '{' and white space or a
 * quote. An ONNX file's first field is nearly always its version: 08, then a small number. */
enum import_format import_guess(const void *bytes, size_t length)
{
    const unsigned char *b = bytes;

    if (begins(bytes, length, "tree\n") || begins(bytes, length, "tree\r\n"))
        return IMPORT_LIGHTGBM;
    if (length >= 2 && b[0] == '{')
        return IMPORT_XGBOOST;
    if (length >= 2 && (b[0] == 0x08 || b[0] == 0x12 || b[0] == 0x3a))
        return IMPORT_ONNX;
    return IMPORT_UNKNOWN;
}

struct import *import_new(enum import_format format, uint32_t inputs)
{
    struct import *found = mem_alloc(sizeof *found);

    ASSERT(inputs <= IMPORT_INPUTS_MAX);
    *found = (struct import){.format = format, .inputs = inputs, .slope = 1};
    found->input = mem_array((size_t)inputs + 1, sizeof *found->input);
    found->body = imported_new(inputs);
    for (uint32_t j = 0; j < inputs; j++) {
        char name[16];
        int length = snprintf(name, sizeof name, "f%u", j);

        found->input[j].name = mem_text(name, (size_t)length);
    }
    return found;
}

void import_free(struct import *found)
{
    if (found == NULL)
        return;
    for (uint32_t j = 0; j < found->inputs; j++) {
        mem_free(found->input[j].name);
        mem_free(found->input[j].value);
        mem_free(found->input[j].number);
        mem_free(found->input[j].bytes);
    }
    mem_free(found->input);
    imported_free(found->body);
    mem_free(found);
}

void import_name(struct import *found, uint32_t input, struct text name)
{
    mem_free(found->input[input].name);
    found->input[input].name = mem_text(name.bytes, name.length);
}

void import_note(struct import *found, const char *format, ...)
{
    va_list arguments;

    if (found->notes == IMPORT_NOTES_MAX)
        return;
    va_start(arguments, format);
    vsnprintf(found->note[found->notes++], sizeof found->note[0], format, arguments);
    va_end(arguments);
}

struct pair {
    struct text value;
    double number;
};

static int compare_pairs(const void *a, const void *b)
{
    return text_compare(((const struct pair *)a)->value, ((const struct pair *)b)->value);
}

static bool check_pairs(const struct import *found, uint32_t input, const struct pair *pair,
                        uint32_t count, struct error *e)
{
    for (uint32_t i = 0; i < count; i++) {
        if (pair[i].value.length > TEXT_MAX || !text_is_utf8(pair[i].value))
            return error_set(
                e, ERROR_INVALID,
                "a category of \"%s\" is over %d bytes or not UTF-8 (XGBoost cuts texts "
                "that are not ASCII: rename such categories and train again)",
                found->input[input].name, TEXT_MAX);
        if (i > 0 && text_equal(pair[i - 1].value, pair[i].value))
            return error_set(e, ERROR_INVALID, "the category \"%.*s\" of \"%s\" appears twice",
                             (int)(pair[i].value.length < 60 ? pair[i].value.length : 60),
                             pair[i].value.bytes, found->input[input].name);
    }
    return true;
}

bool import_categories(struct import *found, uint32_t input, const struct text *value,
                       const double *number, uint32_t count, double other, struct error *e)
{
    struct import_input *in = &found->input[input];
    struct pair *pair;
    size_t bytes = 0;
    char *at;
    bool good;

    if (count > MODEL_CATEGORIES_MAX || in->is_category)
        return error_set(e, ERROR_INVALID,
                         "\"%s\" has %u categories, or two lists of them; one of at most %d is "
                         "taken",
                         in->name, count, MODEL_CATEGORIES_MAX);
    pair = mem_array((size_t)count + 1, sizeof *pair);
    for (uint32_t i = 0; i < count; i++) {
        pair[i] = (struct pair){value[i], number[i]};
        bytes += value[i].length;
    }
    qsort(pair, count, sizeof *pair, compare_pairs);
    good = check_pairs(found, input, pair, count, e);
    if (good) {
        in->is_category = true;
        in->count = count;
        in->other = other;
        in->value = mem_array((size_t)count + 1, sizeof *in->value);
        in->number = mem_array((size_t)count + 1, sizeof *in->number);
        in->bytes = at = mem_array(bytes + 1, 1);
        for (uint32_t i = 0; i < count; i++) {
            memcpy(at, pair[i].value.bytes, pair[i].value.length);
            in->value[i] = (struct text){at, pair[i].value.length};
            in->number[i] = pair[i].number;
            at += pair[i].value.length;
        }
    }
    mem_free(pair);
    return good;
}

/* An input that nothing depends on is no input of ours. */
static void mark_used(struct import *found)
{
    bool *used = mem_array((size_t)found->inputs + 1, sizeof *used);

    imported_drop_unused(found->body, used);
    for (uint32_t j = 0; j < found->inputs; j++)
        found->input[j].is_used = used[j];
    mem_free(used);
}

bool import_parse(const void *bytes, size_t length, const struct import_options *o,
                  struct import **found, struct error *e)
{
    enum import_format format = import_guess(bytes, length);
    struct import *read = NULL;
    bool good = false;

    if (length > IMPORT_BYTES_MAX)
        return error_set(e, ERROR_INVALID, "%zu bytes, at most %d MiB are read", length,
                         IMPORT_BYTES_MAX >> 20);
    if (format == IMPORT_UNKNOWN)
        return error_set(e, ERROR_INVALID,
                         "neither XGBoost's JSON or UBJSON nor LightGBM's text nor ONNX: save it "
                         "with Booster.save_model (XGBoost, LightGBM), or convert it to ONNX");
    if (format == IMPORT_XGBOOST)
        good = import_xgboost(bytes, length, o, &read, e);
    else if (format == IMPORT_LIGHTGBM)
        good = import_lightgbm(bytes, length, o, &read, e);
    else
        good = import_onnx(bytes, length, o, &read, e);
    good = good && imported_finish(read->body, e);
    if (!good) {
        import_free(read);
        return error_prefix(e, "%s", import_format_name(format));
    }
    mark_used(read);
    *found = read;
    return true;
}

/* number[column] is the place among the features. */
static bool number_columns(const struct import *found, const struct import_feature *features,
                           uint32_t count, uint32_t *number, struct error *e)
{
    const uint32_t none = UINT32_MAX;

    for (uint32_t j = 0; j < found->inputs; j++)
        number[j] = none;
    for (uint32_t i = 0; i < count; i++) {
        const struct import_feature *f = &features[i];

        ASSERT(f->column < found->inputs);
        if (number[f->column] != none)
            return error_set(e, ERROR_INVALID, "column \"%s\" of the model is given twice",
                             found->input[f->column].name);
        if (f->is_category != found->input[f->column].is_category)
            return error_set(e, ERROR_INVALID,
                             "column \"%s\" of the model takes %s, feature "
                             "\"%.*s\" is a %s",
                             found->input[f->column].name, f->is_category ? "numbers" : "texts",
                             TEXT_ARG(f->name), f->is_category ? "text" : "number");
        number[f->column] = i;
    }
    for (uint32_t j = 0; j < found->inputs; j++) {
        if (found->input[j].is_used && number[j] == none)
            return error_set(e, ERROR_INVALID, "column \"%s\" of the model has no feature",
                             found->input[j].name);
    }
    return true;
}

static struct model *build(struct import *found, const struct import_feature *features,
                           uint32_t count, const uint32_t *number, struct error *e)
{
    struct model *m = model_new(MODEL_IMPORTED, count);

    for (uint32_t i = 0; i < count; i++) {
        const struct import_feature *f = &features[i];
        const struct import_input *in = &found->input[f->column];

        model_set_input(m, i, f->name, f->is_category, f->fingerprint);
        if (f->is_category)
            category_map_set(&m->category[i], in->value, in->number, in->count, in->other);
    }
    m->imported = found->body;
    found->body = NULL;
    imported_number_inputs(m->imported, number, count);
    if (found->is_log_odds)
        model_calibrate(m, &(struct calibration){.kind = CALIBRATION_PLATT, .slope = found->slope});
    if (model_finish(m, e))
        return m;
    model_free(m);
    return NULL;
}

struct model *import_model(struct import *found, const struct import_feature *features,
                           uint32_t count, struct error *e)
{
    uint32_t *number;
    struct model *m = NULL;

    if (count == 0 || count > MODEL_INPUTS_MAX) {
        error_set(e, ERROR_INVALID, "the model uses %u columns; 1 to %d are taken", count,
                  MODEL_INPUTS_MAX);
        return NULL;
    }
    number = mem_array((size_t)found->inputs + 1, sizeof *number);
    if (number_columns(found, features, count, number, e))
        m = build(found, features, count, number, e);
    mem_free(number);
    return m;
}
