/* The operators of a graph that make columns of columns: scalers, imputers, encoders of categories,
 * and those that only put columns together. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/model/import_onnx.h"
#include "core/model/parts.h"

/* ---- columns ---- */

/* A copy of the columns with graph_room for one more step each. */
bool graph_copy_columns(struct graph *g, const struct symbol *from, enum onnx_type type,
                        struct symbol *to)
{
    *to = (struct symbol){.kind = VALUE_COLUMNS, .type = type, .columns = from->columns};
    to->column = graph_room(g, from->columns, sizeof *to->column);
    for (uint32_t i = 0; i < from->columns && to->column != NULL; i++)
        to->column[i] = from->column[i];
    return to->column != NULL;
}

bool graph_add_step(struct graph *g, struct draft *d, const struct imported_step *s)
{
    enum { COLUMN_STEPS_MAX = 64 };
    struct imported_step *step;

    if (d->steps == COLUMN_STEPS_MAX)
        return graph_refuse(g, "comes after too many others on one column");
    step = graph_room(g, d->steps + 1, sizeof *step);
    if (step == NULL)
        return false;
    for (uint32_t i = 0; i < d->steps; i++)
        step[i] = d->step[i];
    step[d->steps++] = *s;
    d->step = step;
    return true;
}

bool graph_is_text(const struct symbol *v)
{
    return v->type == ONNX_STRING;
}

static bool number_columns(struct graph *g, uint32_t i, struct symbol **v)
{
    if (!graph_input(g, i, v))
        return false;
    if ((*v)->kind != VALUE_COLUMNS || graph_is_text(*v) || (*v)->norm != NORM_NONE)
        return graph_refuse(g, "is not computed of what it is given");
    return true;
}

/* ---- columns to columns ---- */

bool op_cast(struct graph *g, struct symbol *out)
{
    enum onnx_type to = (enum onnx_type)graph_number(g, "to", 0);
    struct imported_step s = {.kind = to == ONNX_FLOAT ? STEP_SINGLE : STEP_WHOLE};
    struct symbol *in = NULL;

    if (!graph_input(g, 0, &in))
        return false;
    if (in->kind != VALUE_COLUMNS || in->type == to) {
        *out = *in;
        return in->kind == VALUE_CONSTANT || in->type == to || to == ONNX_FLOAT ||
               to == ONNX_DOUBLE || graph_refuse(g, "of a score to whole numbers is not computed");
    }
    if (graph_is_text(in) || in->norm != NORM_NONE ||
        (to != ONNX_FLOAT && to != ONNX_DOUBLE && to != ONNX_INT64 && to != ONNX_INT32))
        return graph_refuse(g, "from or to this type is not computed");
    if (!graph_copy_columns(g, in, to, out))
        return false;
    for (uint32_t i = 0; i < out->columns && to != ONNX_DOUBLE; i++) {
        if (!graph_add_step(g, &out->column[i], &s))
            return false;
    }
    return true;
}

bool op_scaler(struct graph *g, struct symbol *out)
{
    const struct onnx_attribute *offset = onnx_attribute(g->node, "offset");
    const struct onnx_attribute *scale = onnx_attribute(g->node, "scale");
    struct symbol *in = NULL;

    if (!number_columns(g, 0, &in) || !graph_copy_columns(g, in, ONNX_FLOAT, out))
        return false;
    if (offset == NULL || scale == NULL || offset->numbers == NULL || scale->numbers == NULL ||
        (offset->count != 1 && offset->count != in->columns) ||
        (scale->count != 1 && scale->count != in->columns))
        return graph_refuse(g, "has offsets or scales that do not fit its input");
    for (uint32_t i = 0; i < out->columns; i++) {
        struct imported_step sub = {.kind = STEP_SUB, .is_single = true};
        struct imported_step mul = {.kind = STEP_MUL, .is_single = true};

        sub.a = offset->numbers[offset->count == 1 ? 0 : i];
        mul.a = scale->numbers[scale->count == 1 ? 0 : i];
        if (!graph_add_step(g, &out->column[i], &sub) || !graph_add_step(g, &out->column[i], &mul))
            return false;
    }
    return true;
}

bool op_imputer(struct graph *g, struct symbol *out)
{
    const struct onnx_attribute *values = onnx_attribute(g->node, "imputed_value_floats");
    double replaced = graph_number(g, "replaced_value_float", NAN);
    struct symbol *in = NULL;

    if (values == NULL || values->numbers == NULL) {
        values = onnx_attribute(g->node, "imputed_value_int64s");
        replaced = graph_number(g, "replaced_value_int64", 0);
    }
    if (!number_columns(g, 0, &in) || !graph_copy_columns(g, in, in->type, out))
        return false;
    if (values == NULL || values->numbers == NULL ||
        (values->count != 1 && values->count != in->columns))
        return graph_refuse(g, "has values that do not fit its input");
    for (uint32_t i = 0; i < out->columns; i++) {
        double value = values->numbers[values->count == 1 ? 0 : i];
        struct imported_step s = {.kind = STEP_FILL, .a = value};

        if (!isnan(replaced))
            s = (struct imported_step){.kind = STEP_REPLACE, .a = replaced, .b = value};
        if (!graph_add_step(g, &out->column[i], &s))
            return false;
    }
    return true;
}

bool op_normalizer(struct graph *g, struct symbol *out)
{
    struct text norm = graph_word(g, "norm", "MAX");
    struct symbol *in = NULL;

    if (!graph_input(g, 0, &in))
        return false;
    if (in->kind == VALUE_SCORE && text_is(norm, "L1") && in->link != LINK_NONE &&
        (in->is_mirrored || in->is_pair || in->link == LINK_SOFTMAX)) {
        *out = *in; /* p and 1 - p: their sum is 1 */
        return true;
    }
    if (!number_columns(g, 0, &in) || !graph_copy_columns(g, in, ONNX_FLOAT, out))
        return false;
    out->norm = text_is(norm, "L1")    ? NORM_L1
                : text_is(norm, "L2")  ? NORM_L2
                : text_is(norm, "MAX") ? NORM_MAX
                                       : NORM_NONE;
    return out->norm != NORM_NONE || graph_refuse(g, "has a norm that is not known");
}

bool op_concat(struct graph *g, struct symbol *out)
{
    uint32_t columns = 0, at = 0;
    struct symbol *in = NULL, *last = NULL;

    if (!graph_input(g, 0, &in) || !graph_input(g, g->node->inputs - 1, &last))
        return false;
    if (in->kind == VALUE_SCORE && in->is_complement && g->node->inputs == 2 &&
        last->kind == VALUE_SCORE && !last->is_complement && last->link == in->link &&
        last->layers == in->layers) {
        *out = *last;
        out->is_pair = true;
        return true;
    }
    for (uint32_t i = 0; i < g->node->inputs; i++) {
        if (!graph_input(g, i, &in))
            return false;
        if (in->kind != VALUE_COLUMNS || in->norm != NORM_NONE ||
            graph_is_text(in) != graph_is_text(last) ||
            (!text_is(g->node->op, "FeatureVectorizer") && in->type != last->type))
            return graph_refuse(g, "is not computed of what it is given");
        columns += in->columns;
        if (columns > IMPORTED_COLUMNS_MAX)
            return graph_refuse(g, "has too many columns");
    }
    *out = (struct symbol){.kind = VALUE_COLUMNS, .type = last->type, .columns = columns};
    out->column = graph_room(g, columns, sizeof *out->column);
    for (uint32_t i = 0; i < g->node->inputs && out->column != NULL; i++) {
        if (!graph_input(g, i, &in))
            return false;
        for (uint32_t k = 0; k < in->columns; k++)
            out->column[at++] = in->column[k];
    }
    return out->column != NULL;
}

/* Gather along the columns, and ArrayFeatureExtractor. */
static bool select_columns(struct graph *g, bool has_axis, struct symbol *out)
{
    double axis = has_axis ? graph_number(g, "axis", 0) : 1;
    const struct onnx_tensor *index = NULL;
    struct symbol *in = NULL;

    if (!graph_input(g, 0, &in) || !graph_constant(g, 1, &index))
        return false;
    if (in->kind != VALUE_COLUMNS || in->norm != NORM_NONE || (axis != 1 && axis != -1) ||
        index->count == 0 || index->count > IMPORTED_COLUMNS_MAX)
        return graph_refuse(g, "is not computed of what it is given");
    *out = (struct symbol){.kind = VALUE_COLUMNS, .type = in->type, .columns = index->count};
    out->column = graph_room(g, index->count, sizeof *out->column);
    for (uint32_t i = 0; i < index->count && out->column != NULL; i++) {
        double k = index->number[i];

        if (!(k >= 0 && k < in->columns))
            return graph_refuse(g, "selects a column that is not there");
        out->column[i] = in->column[(uint32_t)k];
    }
    return out->column != NULL;
}

/* Reshape, Flatten and their like, where the columns stay what they are. */
bool op_keep_shape(struct graph *g, struct symbol *out)
{
    const struct onnx_tensor *shape = NULL;
    struct symbol *in = NULL;
    uint32_t width = 0;
    double last;

    if (!graph_input(g, 0, &in))
        return false;
    width = in->kind == VALUE_COLUMNS ? in->columns : in->is_pair ? 2 : in->width;
    *out = *in;
    if (!text_is(g->node->op, "Reshape"))
        return true;
    if (!graph_constant(g, 1, &shape))
        return false;
    last = shape->count == 2 ? shape->number[1] : shape->count == 1 && width == 1 ? 1 : 0;
    if (last == width || (last == -1 && shape->number[0] != -1 && shape->number[0] != 1))
        return true;
    return graph_refuse(g, "to another number of columns is not computed");
}

/* ---- categories ---- */

/* A text input becomes the place of its value in the list, by the input's own map. */
static bool place_texts(struct graph *g, uint32_t input, const struct text *text, uint32_t count)
{
    const struct import_input *known = &g->found->input[input];
    double *number;
    bool good;

    if (count > MODEL_CATEGORIES_MAX)
        return graph_refuse(g, "has too many categories");
    if (known->is_category && known->count == count) {
        for (uint32_t i = 0; i < count; i++) {
            uint32_t place = (uint32_t)known->number[i];

            if (!text_equal(known->value[i], text[place]))
                return graph_refuse(g, "has another list of categories than one before it");
        }
        return true;
    }
    number = mem_array((size_t)count + 1, sizeof *number);
    for (uint32_t i = 0; i < count; i++)
        number[i] = i;
    good = import_categories(g->found, input, text, number, count, -1, g->e);
    mem_free(number);
    return good;
}

/* A missing text is the empty one, where that is a category. */
static bool fill_empty(struct graph *g, const struct text *text, uint32_t count, struct draft *d)
{
    for (uint32_t i = 0; i < count; i++) {
        if (text[i].length == 0)
            return graph_add_step(g, d, &(struct imported_step){.kind = STEP_FILL, .a = i});
    }
    return true;
}

bool op_one_hot(struct graph *g, struct symbol *out)
{
    const struct onnx_attribute *texts = onnx_attribute(g->node, "cats_strings");
    const struct onnx_attribute *numbers = onnx_attribute(g->node, "cats_int64s");
    const struct onnx_attribute *categories;
    struct symbol *in = NULL;
    uint64_t columns;

    if (!graph_input(g, 0, &in))
        return false;
    categories = graph_is_text(in) ? texts : numbers;
    if (in->kind != VALUE_COLUMNS || in->norm != NORM_NONE || categories == NULL ||
        categories->count == 0 || (graph_is_text(in) && categories->texts == NULL))
        return graph_refuse(g, "has no categories of its input's type");
    columns = (uint64_t)in->columns * categories->count;
    if (columns > IMPORTED_COLUMNS_MAX)
        return graph_refuse(g, "makes too many columns");
    *out = (struct symbol){.kind = VALUE_COLUMNS, .type = ONNX_FLOAT, .columns = (uint32_t)columns};
    out->column = graph_room(g, columns, sizeof *out->column);
    for (uint32_t i = 0; i < in->columns && out->column != NULL; i++) {
        if (graph_is_text(in) &&
            !place_texts(g, in->column[i].input, categories->texts, categories->count))
            return false;
        for (uint32_t k = 0; k < categories->count; k++) {
            struct draft *d = &out->column[(size_t)i * categories->count + k];
            struct imported_step s = {.kind = STEP_EQUAL};

            s.a = graph_is_text(in) ? k : categories->numbers[k];
            *d = in->column[i];
            if ((graph_is_text(in) && !fill_empty(g, categories->texts, categories->count, d)) ||
                !graph_add_step(g, d, &s))
                return false;
        }
    }
    return out->column != NULL;
}

static int compare_entries(const void *a, const void *b)
{
    const struct imported_entry *x = a, *y = b;

    return (x->key > y->key) - (x->key < y->key);
}

/* A list, or as a tensor (ai.onnx.ml 4). */
struct list {
    enum onnx_type type;
    uint32_t count;
    const double *numbers;
    const struct text *texts;
};

static struct list find_list(const struct graph *g, const char *part)
{
    static const struct {
        const char *suffix;
        enum onnx_type type;
    } forms[] = {{"strings", ONNX_STRING}, {"int64s", ONNX_INT64}, {"floats", ONNX_FLOAT}};
    const struct onnx_attribute *a;
    char name[32];

    snprintf(name, sizeof name, "%s_tensor", part);
    a = onnx_attribute(g->node, name);
    if (a != NULL && a->tensor != NULL)
        return (struct list){a->tensor->type, a->tensor->count, a->tensor->number, a->tensor->text};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        snprintf(name, sizeof name, "%s_%s", part, forms[i].suffix);
        a = onnx_attribute(g->node, name);
        if (a != NULL && a->count > 0)
            return (struct list){forms[i].type, a->count, a->numbers, a->texts};
    }
    return (struct list){0};
}

/* What a key that is not in the list becomes. */
static double find_default(const struct graph *g, enum onnx_type type)
{
    const struct onnx_attribute *a = onnx_attribute(g->node, "default_tensor");

    if (a != NULL && a->tensor != NULL && a->tensor->number != NULL && a->tensor->count == 1)
        return a->tensor->number[0];
    return type == ONNX_INT64 ? graph_number(g, "default_int64", -1)
                              : graph_number(g, "default_float", 0);
}

/* Keys to values, both numbers by now: texts are their places. */
static bool add_table(struct graph *g, const double *keys, const struct list *values,
                      struct imported_step *s)
{
    struct imported *m = g->found->body;
    uint32_t count = values->count;

    if (count > IMPORTED_TABLE_MAX - m->entries)
        return graph_refuse(g, "has too many keys");
    m->entry = mem_resize(m->entry, (size_t)m->entries + count + 1, sizeof *m->entry);
    s->first = m->entries;
    s->count = count;
    for (uint32_t i = 0; i < count; i++)
        m->entry[m->entries++] =
            (struct imported_entry){keys != NULL ? keys[i] : i, values->numbers[i]};
    qsort(m->entry + s->first, count, sizeof *m->entry, compare_entries);
    return true;
}

bool op_label_encoder(struct graph *g, struct symbol *out)
{
    struct list keys = find_list(g, "keys"), values = find_list(g, "values");
    struct imported_step s = {.kind = STEP_LOOKUP, .b = find_default(g, values.type)};
    struct symbol *in = NULL;

    if (!graph_input(g, 0, &in))
        return false;
    if (in->kind != VALUE_COLUMNS || in->norm != NORM_NONE || values.numbers == NULL ||
        keys.count != values.count ||
        (graph_is_text(in) ? keys.texts == NULL : keys.numbers == NULL))
        return graph_refuse(g, "is computed from texts or numbers to numbers only");
    if (!graph_copy_columns(g, in, values.type, out) ||
        !add_table(g, graph_is_text(in) ? NULL : keys.numbers, &values, &s))
        return false;
    for (uint32_t i = 0; i < out->columns; i++) {
        if (graph_is_text(in) && (!place_texts(g, in->column[i].input, keys.texts, keys.count) ||
                                  !fill_empty(g, keys.texts, keys.count, &out->column[i])))
            return false;
        if (!graph_add_step(g, &out->column[i], &s))
            return false;
    }
    return true;
}

/* ---- operators ---- */

bool op_gather(struct graph *g, struct symbol *out)
{
    return select_columns(g, true, out);
}

bool op_extract(struct graph *g, struct symbol *out)
{
    return select_columns(g, false, out);
}
