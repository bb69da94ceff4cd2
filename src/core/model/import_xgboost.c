/* XGBoost's JSON and UBJSON model files: one document, two notations.
 *
 * What its predictor does, and so this: values and thresholds are float32; left where x <
 * threshold; a missing value takes the default side; a listed category goes right, a negative or
 * unknown one left; the margin is a float32 sum from the base on, in the order of the trees. A
 * dart tree's leaves are multiplied by its weight first. base_score is in the space of the
 * probability and goes through the logit for logistic objectives; since 3.1 it is a list of one.
 * Nodes that pruning left behind stay in the arrays. Which value meant "missing" in training is not
 * in the file: here it is null.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/elementary.h"
#include "core/base/number.h"
#include "core/data/ubjson.h"
#include "core/model/import.h"
#include "core/model/import_tree.h"

enum {
    CATEGORY_MOST = 1 << 24, /* float32 counts no further */
    ROOT_INDEX = 0,
};

struct source {
    const struct import_options *options;
    struct import *found;
    const struct json *learner, *model; /* of gbtree */
    const struct json *weight_drop;     /* of dart; or NULL */
    struct error *e;
};

/* ---- the document ---- */

static bool bad(struct source *s, const char *what, const char *name)
{
    return error_set(s->e, ERROR_INVALID,
                     "\"%s\" %s: the file is damaged or was not written by "
                     "XGBoost 1.0 or later",
                     name, what);
}

static const struct json *member(const struct json *object, const char *name)
{
    return object != NULL && object->kind == JSON_OBJECT ? json_get(object, name) : NULL;
}

/* An array of numbers (or booleans); `count` UINT32_MAX: any length. */
static bool get_array(struct source *s, const struct json *object, const char *name, uint32_t count,
                      const struct json **array)
{
    const struct json *a = member(object, name);

    if (a == NULL || a->kind != JSON_ARRAY)
        return bad(s, "is missing or no list", name);
    if (count != UINT32_MAX && a->count != count)
        return error_set(s->e, ERROR_INVALID, "\"%s\" has %u items where %u are expected", name,
                         a->count, count);
    *array = a;
    return true;
}

static bool whole_of(const struct json *v, int64_t *whole)
{
    if (v->kind == JSON_TEXT)
        return number_parse_int(v->text, whole);
    if (v->kind == JSON_BOOL)
        *whole = v->boolean;
    else if (v->kind == JSON_INT)
        *whole = v->integer;
    else if (v->kind == JSON_REAL && fabs(v->real) < 0x1p53 && v->real == (double)(int64_t)v->real)
        *whole = (int64_t)v->real;
    else
        return false;
    return true;
}

/* A whole number, which XGBoost writes as text; `least` where it is absent. */
static bool get_whole(struct source *s, const struct json *object, const char *name, int64_t least,
                      int64_t most, int64_t *whole)
{
    const struct json *v = member(object, name);

    *whole = least;
    if (v == NULL)
        return true;
    if (!whole_of(v, whole))
        return bad(s, "is no whole number", name);
    if (*whole < least || *whole > most)
        return error_set(s->e, ERROR_INVALID, "\"%s\" is %lld, %lld to %lld are taken", name,
                         (long long)*whole, (long long)least, (long long)most);
    return true;
}

/* One item of an array as an index or number from `least` to `most`. */
static bool item_whole(struct source *s, const struct json *array, uint32_t i, const char *name,
                       int64_t least, int64_t most, int64_t *whole)
{
    if (!whole_of(&array->items[i], whole) || *whole < least || *whole > most)
        return error_set(s->e, ERROR_INVALID,
                         "item %u of \"%s\" is no whole number from %lld to "
                         "%lld",
                         i, name, (long long)least, (long long)most);
    return true;
}

static double item_single(const struct json *array, uint32_t i)
{
    const struct json *v = &array->items[i];

    return v->kind == JSON_INT || v->kind == JSON_REAL ? (double)(float)v->real : NAN;
}

/* ---- objective and base ---- */

struct objective {
    const char *name;
    bool is_log_odds;      /* the margin is */
    bool base_is_probable; /* base_score is a probability, else a margin */
};

static const struct objective objectives[] = {
    {"binary:logistic", true, true},        {"binary:logitraw", true, false},
    {"reg:logistic", true, true},           {"reg:squarederror", false, false},
    {"reg:linear", false, false},           {"reg:squaredlogerror", false, false},
    {"reg:pseudohubererror", false, false}, {"reg:absoluteerror", false, false},
    {"reg:quantileerror", false, false},
};

static bool find_objective(struct source *s, const struct objective **found)
{
    const struct json *name = member(member(s->learner, "objective"), "name");

    if (name == NULL || name->kind != JSON_TEXT)
        return bad(s, "has no name", "objective");
    for (size_t i = 0; i < sizeof objectives / sizeof *objectives; i++) {
        if (text_is(name->text, objectives[i].name)) {
            *found = &objectives[i];
            return true;
        }
    }
    return error_set(s->e, ERROR_INVALID,
                     "objective \"%.*s\" gives no score of one class: binary:logistic, "
                     "binary:logitraw and reg:* without a log link are taken",
                     (int)(name->text.length < 60 ? name->text.length : 60), name->text.bytes);
}

/* "5E-1", or since 3.1 "[5E-1]". */
static bool parse_base(struct source *s, double *base)
{
    const struct json *v = member(member(s->learner, "learner_model_param"), "base_score");
    struct text t;

    *base = 0.5;
    if (v == NULL)
        return true;
    if (v->kind == JSON_REAL || v->kind == JSON_INT) {
        *base = v->real;
        return true;
    }
    t = v->kind == JSON_TEXT ? text_trim(v->text) : (struct text){"", 0};
    if (t.length >= 2 && (t.bytes[0] == '[' || t.bytes[0] == '('))
        t = text_trim((struct text){t.bytes + 1, t.length - 2});
    if (memchr(t.bytes, ',', t.length) != NULL)
        return bad(s, "has more than one number", "base_score");
    return number_parse_real(t, '.', base) || bad(s, "is no number", "base_score");
}

static bool set_base(struct source *s, const struct objective *o, double *margin)
{
    double base;
    float single;

    if (!parse_base(s, &base))
        return false;
    single = (float)base;
    if (o->base_is_probable) {
        if (!(single > 0 && single < 1))
            return error_set(s->e, ERROR_INVALID,
                             "\"base_score\" is %g, a probability between 0 "
                             "and 1 is expected",
                             base);
        single = (float)-em_log((double)(1.0f / single - 1.0f));
    }
    *margin = (double)single;
    s->found->is_log_odds = o->is_log_odds;
    return true;
}

/* ---- inputs ---- */

static bool name_inputs(struct source *s)
{
    const struct json *names = member(s->learner, "feature_names");

    if (names == NULL || names->kind != JSON_ARRAY || names->count == 0)
        return true;
    if (names->count != s->found->inputs)
        return bad(s, "is not as long as num_feature", "feature_names");
    for (uint32_t j = 0; j < names->count; j++) {
        const struct text name = names->items[j].text;

        if (names->items[j].kind != JSON_TEXT || name.length == 0 || !text_is_utf8(name) ||
            memchr(name.bytes, 0, name.length) != NULL)
            return bad(s, "has a name that is no text", "feature_names");
        import_name(s->found, j, name);
    }
    s->found->has_names = true;
    return true;
}

/* Categories that were texts in training: their bytes one after the other. */
static bool text_categories(struct source *s, uint32_t input, const struct json *offsets,
                            const struct json *values)
{
    uint32_t count = offsets->count - 1;
    char *bytes = mem_array((size_t)values->count + 1, 1);
    struct text *value = mem_array((size_t)count + 1, sizeof *value);
    double *number = mem_array((size_t)count + 1, sizeof *number);
    bool good = true;

    for (uint32_t i = 0; i < values->count && good; i++) {
        int64_t byte = 0;

        good = item_whole(s, values, i, "values", -128, 255, &byte);
        bytes[i] = (char)byte;
    }
    for (uint32_t i = 0; i < count && good; i++) {
        int64_t from = 0, to = 0;

        good = item_whole(s, offsets, i, "offsets", 0, values->count, &from) &&
               item_whole(s, offsets, i + 1, "offsets", from, values->count, &to);
        value[i] = (struct text){bytes + from, (size_t)(to - from)};
        number[i] = i;
    }
    good = good && import_categories(s->found, input, value, number, count, -1, s->e);
    mem_free(bytes);
    mem_free(value);
    mem_free(number);
    return good;
}

static int compare_entries(const void *a, const void *b)
{
    const struct imported_entry *x = a, *y = b;

    return (x->key > y->key) - (x->key < y->key);
}

/* Categories that were numbers: each becomes its place in the list. */
static bool number_categories(struct source *s, const struct json *values)
{
    struct imported *m = s->found->body;
    struct imported_step step = {
        .kind = STEP_LOOKUP, .first = m->entries, .count = values->count, .b = -1};

    if (values->count > IMPORTED_TABLE_MAX - m->entries)
        return bad(s, "has too many categories", "cats");
    m->entry = mem_resize(m->entry, (size_t)m->entries + values->count + 1, sizeof *m->entry);
    for (uint32_t i = 0; i < values->count; i++) {
        const struct json *v = &values->items[i];

        if (v->kind != JSON_INT && v->kind != JSON_REAL)
            return bad(s, "has a category that is no number", "cats");
        m->entry[m->entries++] = (struct imported_entry){v->real, i};
    }
    qsort(m->entry + step.first, step.count, sizeof *m->entry, compare_entries);
    imported_add_step(m, &step);
    return true;
}

/* Since 3.1 the file has the categories themselves; before, the data had their numbers. */
static bool recode(struct source *s, uint32_t input)
{
    const struct json *enc = member(member(s->model, "cats"), "enc"), *one, *values, *offsets;

    if (enc == NULL || enc->kind != JSON_ARRAY || input >= enc->count)
        return true;
    one = &enc->items[input];
    values = member(one, "values");
    offsets = member(one, "offsets");
    if (values == NULL || values->kind != JSON_ARRAY)
        return bad(s, "has no values", "cats");
    if (offsets == NULL)
        return values->count == 0 || number_categories(s, values);
    if (offsets->kind != JSON_ARRAY)
        return bad(s, "has no offsets", "cats");
    return offsets->count < 2 || text_categories(s, input, offsets, values);
}

static bool add_columns(struct source *s)
{
    for (uint32_t j = 0; j < s->found->inputs; j++) {
        imported_add_column(s->found->body, j);
        if (!recode(s, j))
            return false;
        imported_add_step(s->found->body, &(struct imported_step){.kind = STEP_SINGLE});
    }
    return true;
}

/* ---- trees ---- */

struct tree {
    uint32_t nodes;
    const struct json *left, *right, *column, *condition, *default_left, *cover, *type;
};

static bool open_tree(struct source *s, const struct json *tree, struct tree *t)
{
    const struct json *param = member(tree, "tree_param");
    int64_t nodes, width;

    if (!get_whole(s, param, "num_nodes", 1, IMPORTED_NODES_MAX, &nodes) ||
        !get_whole(s, param, "size_leaf_vector", 0, 1, &width))
        return false;
    t->nodes = (uint32_t)nodes;
    t->type = member(tree, "split_type");
    return get_array(s, tree, "left_children", t->nodes, &t->left) &&
           get_array(s, tree, "right_children", t->nodes, &t->right) &&
           get_array(s, tree, "split_indices", t->nodes, &t->column) &&
           get_array(s, tree, "split_conditions", t->nodes, &t->condition) &&
           get_array(s, tree, "default_left", t->nodes, &t->default_left) &&
           get_array(s, tree, "sum_hessian", t->nodes, &t->cover) &&
           (t->type == NULL || get_array(s, tree, "split_type", t->nodes, &t->type));
}

static bool read_node(struct source *s, const struct tree *t, uint32_t i, double weight,
                      struct imported_node *n)
{
    double cover = item_single(t->cover, i);
    int64_t left, right, column, default_left;

    *n = (struct imported_node){.threshold = item_single(t->condition, i)};
    n->cover = cover > 0 && isfinite(cover) ? cover : 0;
    if (!item_whole(s, t->left, i, "left_children", -1, t->nodes - 1, &left) ||
        !item_whole(s, t->right, i, "right_children", -1, t->nodes - 1, &right))
        return false;
    if (left == -1) {
        n->test = TEST_LEAF;
        n->threshold = (double)(float)(n->threshold * weight);
        return true;
    }
    if (!item_whole(s, t->column, i, "split_indices", 0, (int64_t)s->found->inputs - 1, &column) ||
        !item_whole(s, t->default_left, i, "default_left", 0, 1, &default_left))
        return false;
    n->test = TEST_LESS;
    n->left = (uint32_t)left;
    n->right = (uint32_t)right;
    n->column = (uint32_t)column;
    n->missing_left = default_left != 0;
    return right >= 0 || bad(s, "has one child only", "right_children");
}

/* Listed categories go right: here the set is what goes left, so the sides change places. */
static bool read_set(struct source *s, struct imported_node *n, const struct json *categories,
                     uint32_t from, uint32_t count)
{
    struct imported *m = s->found->body;
    uint32_t swap = n->left, words, *word;
    int64_t most = -1, category = 0;

    for (uint32_t i = from; i < from + count; i++) {
        if (!item_whole(s, categories, i, "categories", 0, CATEGORY_MOST - 1, &category))
            return false;
        most = category > most ? category : most;
    }
    words = (uint32_t)(most + 32) / 32;
    if (words > IMPORTED_SET_WORDS_MAX - m->trees.set_words)
        return bad(s, "have too many categories together", "trees");
    n->test = TEST_SET;
    n->threshold = 0;
    n->left = n->right;
    n->right = swap;
    n->missing_left = !n->missing_left;
    word = imported_add_set(m, n, words);
    for (uint32_t i = from; i < from + count; i++) {
        if (!item_whole(s, categories, i, "categories", 0, CATEGORY_MOST - 1, &category))
            return false;
        word[category / 32] |= 1u << (category % 32);
    }
    return true;
}

static bool read_sets(struct source *s, const struct json *tree, const struct tree *t,
                      struct imported_node *node)
{
    const struct json *nodes = NULL, *first = NULL, *sizes = NULL, *categories = NULL;
    uint32_t sets = 0;
    int64_t listed = 0;

    for (uint32_t i = 0; i < t->nodes && t->type != NULL; i++) {
        int64_t type;

        if (!item_whole(s, t->type, i, "split_type", 0, 1, &type))
            return false;
        sets += type == 1 && node[i].test != TEST_LEAF;
    }
    if (sets == 0)
        return true;
    if (!get_array(s, tree, "categories_nodes", UINT32_MAX, &nodes) ||
        !get_array(s, tree, "categories_segments", nodes->count, &first) ||
        !get_array(s, tree, "categories_sizes", nodes->count, &sizes) ||
        !get_array(s, tree, "categories", UINT32_MAX, &categories))
        return false;
    for (uint32_t i = 0; i < nodes->count; i++) {
        int64_t at, from, count;

        if (!item_whole(s, nodes, i, "categories_nodes", 0, t->nodes - 1, &at) ||
            !item_whole(s, first, i, "categories_segments", 0, categories->count, &from) ||
            !item_whole(s, sizes, i, "categories_sizes", 0, categories->count - from, &count))
            return false;
        listed += count; /* sets do not overlap: else a small file could ask for much work */
        if (listed > categories->count)
            return bad(s, "overlap", "categories_segments");
        if (node[at].test == TEST_LEAF)
            continue;
        if (node[at].test != TEST_LESS ||
            !item_whole(s, t->type, (uint32_t)at, "split_type", 1, 1, &(int64_t){0}))
            return bad(s, "names a node twice or one without categories", "categories_nodes");
        if (!read_set(s, &node[at], categories, (uint32_t)from, (uint32_t)count))
            return false;
        sets--;
    }
    return sets == 0 || bad(s, "leaves out a node", "categories_nodes");
}

static bool read_tree(struct source *s, uint32_t index, const struct json *tree)
{
    struct imported_node *node;
    double weight = 1;
    struct tree t = {0};
    bool good = true;

    if (!open_tree(s, tree, &t))
        return false;
    if (s->weight_drop != NULL)
        weight = item_single(s->weight_drop, index);
    node = mem_array(t.nodes, sizeof *node);
    for (uint32_t i = 0; i < t.nodes && good; i++)
        good = read_node(s, &t, i, weight, &node[i]);
    good = good && read_sets(s, tree, &t, node) &&
           import_add_tree(s->found->body, node, t.nodes, s->e);
    mem_free(node);
    return good;
}

/* How many trees the rounds make that were asked for. */
static bool take_rounds(struct source *s, uint32_t *trees)
{
    const struct json *best = member(member(s->learner, "attributes"), "best_iteration");
    uint32_t rounds = s->options->iterations;
    int64_t parallel, iteration;

    if (best != NULL && whole_of(best, &iteration) && rounds == 0 && iteration >= 0 &&
        iteration + 1 < *trees)
        import_note(s->found,
                    "all trees are taken; the best round in training was %lld: "
                    "--iterations %lld takes those up to it",
                    (long long)iteration, (long long)iteration + 1);
    if (rounds == 0)
        return true;
    if (!get_whole(s, member(s->model, "gbtree_model_param"), "num_parallel_tree", 1,
                   IMPORTED_TREES_MAX, &parallel))
        return false;
    if ((uint64_t)rounds * (uint64_t)parallel > *trees)
        return error_set(s->e, ERROR_INVALID, "%u iterations are asked for, the model has %u",
                         rounds, *trees / (uint32_t)parallel);
    *trees = rounds * (uint32_t)parallel;
    return true;
}

static bool read_trees(struct source *s)
{
    const struct json *trees = NULL, *info = NULL;
    uint32_t count;

    if (!get_array(s, s->model, "trees", UINT32_MAX, &trees) ||
        !get_array(s, s->model, "tree_info", trees->count, &info))
        return false;
    if (s->weight_drop != NULL && s->weight_drop->count != trees->count)
        return bad(s, "is not as long as the trees", "weight_drop");
    count = trees->count;
    if (!take_rounds(s, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        int64_t group;

        if (!item_whole(s, info, i, "tree_info", 0, 0, &group))
            return false;
        if (!read_tree(s, i, &trees->items[i]))
            return error_prefix(s->e, "tree %u", i);
    }
    return true;
}

static bool read_gbtree(struct source *s, double base)
{
    struct imported *m = s->found->body;

    m->is_trees = true;
    m->trees.is_single = true;
    m->trees.base = base;
    return add_columns(s) && read_trees(s);
}

/* ---- gblinear ---- */

/* psum = bias + base, then += x * weight for each feature that is present, in float32. */
static bool read_linear(struct source *s, double base)
{
    const struct json *weights = NULL;
    uint32_t inputs = s->found->inputs;
    struct imported *m = s->found->body;
    struct imported_layer *l;

    if (!get_array(s, s->model, "weights", inputs + 1, &weights))
        return false;
    for (uint32_t j = 0; j < inputs; j++) {
        imported_add_column(m, j);
        imported_add_step(m, &(struct imported_step){.kind = STEP_SINGLE});
        imported_add_step(m, &(struct imported_step){.kind = STEP_FILL});
    }
    l = imported_add_layer(m, LAYER_CHAIN, inputs, 1);
    l->is_single = true;
    for (uint32_t j = 0; j < inputs; j++)
        l->weight[j] = item_single(weights, j);
    l->bias[0] = (double)((float)item_single(weights, inputs) + (float)base);
    return true;
}

/* ---- the whole ---- */

/* dart before 3.3 keeps its gbtree one level down; since then it is a gbtree with weights. */
static bool find_booster(struct source *s, struct text *name)
{
    const struct json *booster = member(s->learner, "gradient_booster"), *n, *weights;

    n = member(booster, "name");
    if (n == NULL || n->kind != JSON_TEXT)
        return bad(s, "has no name", "gradient_booster");
    *name = n->text;
    if (!text_is(*name, "gbtree") && !text_is(*name, "gblinear") && !text_is(*name, "dart"))
        return error_set(s->e, ERROR_INVALID, "booster \"%.*s\" is not known",
                         (int)(name->length < 60 ? name->length : 60), name->bytes);
    s->model = member(booster, "model");
    if (s->model == NULL)
        s->model = member(member(booster, "gbtree"), "model");
    weights = member(booster, "weight_drop");
    if (weights == NULL)
        weights = member(s->model, "weight_drop");
    if (weights != NULL && weights->kind == JSON_ARRAY && weights->count > 0)
        s->weight_drop = weights;
    if (s->weight_drop == NULL && text_is(*name, "dart"))
        return bad(s, "is missing", "weight_drop");
    return s->model != NULL || bad(s, "has no model", "gradient_booster");
}

static bool check_version(struct source *s, const struct json *root, int64_t version[3])
{
    const struct json *v = member(root, "version");

    if (v == NULL || v->kind != JSON_ARRAY || v->count != 3)
        return bad(s, "is missing or no list of three numbers", "version");
    for (uint32_t i = 0; i < 3; i++) {
        if (!item_whole(s, v, i, "version", i == 0 ? 1 : 0, 1000000, &version[i]))
            return false;
    }
    return true;
}

static bool read_learner(struct source *s, const struct json *root)
{
    const struct json *param = member(s->learner, "learner_model_param");
    const struct objective *objective = NULL;
    int64_t features, classes, targets, version[3];
    struct text booster = {0};
    double base = 0;

    if (!check_version(s, root, version) || !find_objective(s, &objective))
        return false;
    if (!get_whole(s, param, "num_feature", 0, IMPORT_INPUTS_MAX, &features) ||
        !get_whole(s, param, "num_class", 0, 1, &classes) ||
        !get_whole(s, param, "num_target", 0, 1, &targets))
        return false;
    s->found = import_new(IMPORT_XGBOOST, (uint32_t)features);
    if (!find_booster(s, &booster) || !set_base(s, objective, &base) || !name_inputs(s))
        return false;
    snprintf(s->found->library, sizeof s->found->library, "XGBoost %lld.%lld.%lld, %.*s, %s",
             (long long)version[0], (long long)version[1], (long long)version[2], TEXT_ARG(booster),
             objective->name);
    if (!(text_is(booster, "gblinear") ? read_linear(s, base) : read_gbtree(s, base)))
        return false;
    import_note(s->found, "a value is missing where it is null; if training had another mark for "
                          "missing (such as 0 or -999), make it null in the features");
    return true;
}

/* XGBoost writes NaN and Infinity as bare words (the threshold of a split on one category is NaN),
 * which are no JSON: here null. */
static void replace_words(struct text in, struct buffer *out)
{
    bool is_text = false;

    for (size_t i = 0; i < in.length; i++) {
        char c = in.bytes[i];
        size_t left = in.length - i, word = 0;

        if (c == '"')
            is_text = !is_text;
        if (!is_text && left >= 3 && memcmp(in.bytes + i, "NaN", 3) == 0)
            word = 3;
        else if (!is_text && left >= 8 && memcmp(in.bytes + i, "Infinity", 8) == 0)
            word = 8;
        else if (!is_text && left >= 9 && memcmp(in.bytes + i, "-Infinity", 9) == 0)
            word = 9;
        if (word > 0) {
            buffer_add_text(out, "null");
            i += word - 1;
            continue;
        }
        buffer_add_char(out, c);
        if (is_text && c == '\\' && left > 1)
            buffer_add_char(out, in.bytes[++i]);
    }
}

static struct json_document *read_json(struct text in, struct error *e)
{
    struct json_reader *reader = json_reader_new();
    struct json_document *d;
    struct buffer clean;

    buffer_init(&clean, JSON_BYTES_MAX);
    if (memmem(in.bytes, in.length, "NaN", 3) != NULL ||
        memmem(in.bytes, in.length, "Infinity", 8) != NULL) {
        replace_words(in, &clean);
        in = (struct text){clean.bytes, clean.length};
    }
    if (clean.overflow) {
        error_set(e, ERROR_INVALID, "over %d MiB of JSON", JSON_BYTES_MAX >> 20);
        d = NULL;
    } else {
        d = json_parse(reader, in.bytes, in.length, e);
    }
    buffer_fini(&clean);
    json_reader_free(reader);
    return d;
}

static struct json_document *read_document(const void *bytes, size_t length, struct error *e)
{
    const unsigned char *b = bytes;

    if (length < 2 || strchr("iUIlL#$N", b[1]) != NULL)
        return ubjson_parse(bytes, length, e);
    return read_json((struct text){(const char *)bytes, length}, e);
}

bool import_xgboost(const void *bytes, size_t length, const struct import_options *o,
                    struct import **found, struct error *e)
{
    struct json_document *d = read_document(bytes, length, e);
    struct source s = {.options = o, .e = e};
    const struct json *root;
    bool good;

    if (d == NULL)
        return false;
    /* A snapshot of memory (pickle, save_raw of old) has the model one level down. */
    root = member(&d->root, "Model") != NULL ? member(&d->root, "Model") : &d->root;
    s.learner = member(root, "learner");
    good = (s.learner != NULL || bad(&s, "is missing", "learner")) && read_learner(&s, root);
    json_free(d);
    if (good)
        *found = s.found;
    else
        import_free(s.found);
    return good;
}
