/* Building, checking and scoring. */
#include "core/model/imported.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/base/elementary.h"
#include "core/base/memory.h"
#include "core/base/panic.h"
#include "core/model/imported_parts.h"

/* LightGBM's kZeroThreshold: the float32 nearest to 1e-35, as a double. */
static const double zero_most = 1e-35f;

struct imported *imported_new(uint32_t inputs)
{
    struct imported *m = mem_alloc(sizeof *m);

    m->inputs = inputs;
    m->trees.divisor = 1;
    m->trees.first = mem_array(1, sizeof *m->trees.first);
    return m;
}

void imported_free(struct imported *m)
{
    if (m == NULL)
        return;
    for (uint32_t i = 0; i < m->layers; i++) {
        mem_free(m->layer[i].weight);
        mem_free(m->layer[i].bias);
    }
    mem_free(m->layer);
    mem_free(m->column);
    mem_free(m->step);
    mem_free(m->entry);
    mem_free(m->trees.first);
    mem_free(m->trees.node);
    mem_free(m->trees.share);
    mem_free(m->trees.set_word);
    mem_free(m);
}

/* ---- building ---- */

/* Room for `more` items after `count`: arrays double, so their size is found from the count. */
static void *grown(void *array, size_t count, size_t more, size_t item)
{
    size_t room = 16, want = count + more;

    while (room < count)
        room *= 2;
    if (array != NULL && want <= room)
        return array;
    while (room < want)
        room *= 2;
    array = mem_resize(array, room, item);
    memset((char *)array + count * item, 0, (room - count) * item);
    return array;
}

uint32_t imported_add_column(struct imported *m, uint32_t input)
{
    m->column = grown(m->column, m->columns, 1, sizeof *m->column);
    m->column[m->columns] = (struct imported_column){.input = input, .first = m->steps};
    return m->columns++;
}

void imported_add_step(struct imported *m, const struct imported_step *s)
{
    ASSERT(m->columns > 0);
    m->step = grown(m->step, m->steps, 1, sizeof *m->step);
    m->step[m->steps++] = *s;
    m->column[m->columns - 1].steps++;
}

struct imported_layer *imported_add_layer(struct imported *m, enum imported_layer_kind kind,
                                          uint32_t in, uint32_t out)
{
    bool is_matrix = kind == LAYER_DENSE || kind == LAYER_CHAIN;
    struct imported_layer *l;

    m->layer = grown(m->layer, m->layers, 1, sizeof *m->layer);
    l = &m->layer[m->layers++];
    *l = (struct imported_layer){.kind = (uint8_t)kind, .in = in, .out = out};
    if (kind <= LAYER_MUL)
        l->weight = mem_array(is_matrix ? (size_t)in * out : in, sizeof *l->weight);
    if (is_matrix)
        l->bias = mem_array(out, sizeof *l->bias);
    return l;
}

struct imported_node *imported_add_tree(struct imported *m, uint32_t nodes)
{
    struct imported_trees *t = &m->trees;
    uint32_t at = t->first[t->trees];

    t->first = mem_resize(t->first, (size_t)t->trees + 2, sizeof *t->first);
    t->node = grown(t->node, at, nodes, sizeof *t->node);
    t->first[++t->trees] = at + nodes;
    return t->node + at;
}

uint32_t *imported_add_set(struct imported *m, struct imported_node *n, uint32_t words)
{
    struct imported_trees *t = &m->trees;

    t->set_word = grown(t->set_word, t->set_words, words, sizeof *t->set_word);
    n->set = t->set_words;
    n->set_words = words;
    t->set_words += words;
    return t->set_word + n->set;
}

static void keep_columns(struct imported *m, const bool *tested)
{
    uint32_t *number = mem_array(m->columns + 1, sizeof *number);
    uint32_t kept = 0;

    for (uint32_t i = 0; i < m->columns; i++) {
        number[i] = kept;
        if (tested[i])
            m->column[kept++] = m->column[i];
    }
    m->columns = kept;
    for (uint32_t i = 0; i < m->trees.first[m->trees.trees]; i++) {
        if (m->trees.node[i].test != TEST_LEAF)
            m->trees.node[i].column = number[m->trees.node[i].column];
    }
    mem_free(number);
}

void imported_drop_unused(struct imported *m, bool *used)
{
    bool *tested = mem_array(m->columns + 1, sizeof *tested);

    for (uint32_t i = 0; i < m->trees.first[m->trees.trees]; i++) {
        if (m->trees.node[i].test != TEST_LEAF)
            tested[m->trees.node[i].column] = true;
    }
    if (m->is_trees && m->norm == NORM_NONE)
        keep_columns(m, tested);
    for (uint32_t i = 0; i < m->columns; i++)
        used[m->column[i].input] = true;
    mem_free(tested);
}

void imported_number_inputs(struct imported *m, const uint32_t *number, uint32_t inputs)
{
    for (uint32_t i = 0; i < m->columns; i++)
        m->column[i].input = number[m->column[i].input];
    m->inputs = inputs;
}

/* ---- checking ---- */

static bool unsound(struct error *e, const char *what)
{
    return error_set(e, ERROR_INVALID, "%s", what);
}

static bool check_columns(const struct imported *m, struct error *e)
{
    if (m->columns > IMPORTED_COLUMNS_MAX || m->steps > IMPORTED_STEPS_MAX ||
        m->entries > IMPORTED_TABLE_MAX)
        return unsound(e, "it has too many columns or steps before its core");
    for (uint32_t i = 0; i < m->columns; i++) {
        const struct imported_column *c = &m->column[i];

        if (c->input >= m->inputs || c->first > m->steps || c->steps > m->steps - c->first)
            return unsound(e, "a column is made of an input that the model has not");
    }
    for (uint32_t i = 0; i < m->steps; i++) {
        const struct imported_step *s = &m->step[i];

        if (s->kind >= STEP_KINDS || isnan(s->a) || (isnan(s->b) && s->kind != STEP_LOOKUP))
            return unsound(e, "a step before the core is of no known kind or has no number");
        if (s->kind != STEP_LOOKUP)
            continue;
        if (s->first > m->entries || s->count > m->entries - s->first)
            return unsound(e, "a look-up is out of its table");
        for (uint32_t k = 0; k < s->count; k++) {
            const struct imported_entry *entry = &m->entry[s->first + k];

            if (isnan(entry->key) || (k > 0 && !(entry[-1].key < entry->key)))
                return unsound(e, "a look-up's keys do not ascend");
        }
    }
    return true;
}

static bool check_node(const struct imported *m, uint32_t at, uint32_t end, struct error *e)
{
    const struct imported_node *n = &m->trees.node[at];

    if (n->test >= TESTS)
        return unsound(e, "a tree's node is of no known kind");
    if (!(n->cover >= 0) || !isfinite(n->cover))
        return unsound(e, "a tree's cover is negative or no number");
    if (n->test == TEST_LEAF)
        return isfinite(n->threshold) || unsound(e, "a leaf's value is not finite");
    if (n->left <= at || n->right <= at || n->left >= end || n->right >= end || n->left == n->right)
        return unsound(e, "a tree's nodes lead out of it, back or in a circle");
    if (n->column >= m->columns)
        return unsound(e, "a tree tests a column that the model has not");
    if (n->test < TEST_SET)
        return !isnan(n->threshold) || unsound(e, "a threshold is no number");
    return (n->set <= m->trees.set_words && n->set_words <= m->trees.set_words - n->set) ||
           unsound(e, "a set of categories is out of range");
}

/* Each node but the root is led to once, and none lies too deep. */
static bool check_shape(const struct imported_trees *t, uint32_t tree, uint8_t *depth,
                        struct error *e)
{
    uint32_t first = t->first[tree], end = t->first[tree + 1];

    depth[first] = 1;
    for (uint32_t i = first; i < end; i++) {
        const struct imported_node *n = &t->node[i];

        if (depth[i] == 0)
            return unsound(e, "a tree has nodes that nothing leads to");
        if (n->test == TEST_LEAF)
            continue;
        if (depth[n->left] != 0 || depth[n->right] != 0)
            return unsound(e, "two nodes of a tree lead to the same one");
        if (depth[i] > IMPORTED_DEPTH_MAX)
            return error_set(e, ERROR_INVALID, "tree %u is deeper than %d", tree,
                             IMPORTED_DEPTH_MAX);
        depth[n->left] = depth[n->right] = (uint8_t)(depth[i] + 1);
    }
    return true;
}

static bool check_trees(const struct imported *m, struct error *e)
{
    const struct imported_trees *t = &m->trees;
    uint32_t nodes = t->first[t->trees];
    uint8_t *depth;
    bool good = true;

    if (t->trees > IMPORTED_TREES_MAX || nodes > IMPORTED_NODES_MAX ||
        t->set_words > IMPORTED_SET_WORDS_MAX)
        return error_set(e, ERROR_INVALID,
                         "it has %u trees of %u nodes, with %u words of categories; at most %d, "
                         "%d and %d are taken",
                         t->trees, nodes, t->set_words, IMPORTED_TREES_MAX, IMPORTED_NODES_MAX,
                         IMPORTED_SET_WORDS_MAX);
    if (!isfinite(t->base) || !isfinite(t->divisor) || t->divisor == 0)
        return unsound(e, "its base is not finite");
    if (m->output != OUTPUT_ONLY)
        return unsound(e, "its trees give one number, and two are asked for");
    depth = mem_array((size_t)nodes + 1, 1);
    for (uint32_t tree = 0; tree < t->trees && good; tree++) {
        if (t->first[tree] == t->first[tree + 1])
            good = unsound(e, "a tree has no node");
        for (uint32_t i = t->first[tree]; i < t->first[tree + 1] && good; i++)
            good = check_node(m, i, t->first[tree + 1], e);
        good = good && check_shape(t, tree, depth, e);
    }
    mem_free(depth);
    return good;
}

static size_t layer_weights(const struct imported_layer *l)
{
    if (l->kind == LAYER_DENSE || l->kind == LAYER_CHAIN)
        return (size_t)l->in * l->out;
    return l->kind == LAYER_ADD || l->kind == LAYER_MUL ? l->in : 0;
}

static bool all_finite(const double *v, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(v[i]))
            return false;
    }
    return true;
}

static bool check_layers(const struct imported *m, struct error *e)
{
    uint32_t width = m->columns;

    if (m->layers == 0 || m->layers > IMPORTED_LAYERS_MAX)
        return unsound(e, "it has no layer or too many");
    for (uint32_t i = 0; i < m->layers; i++) {
        const struct imported_layer *l = &m->layer[i];
        bool is_matrix = l->kind == LAYER_DENSE || l->kind == LAYER_CHAIN;

        if (l->kind >= LAYER_KINDS || l->in != width || l->out == 0 ||
            l->out > IMPORTED_WIDTH_MAX || (!is_matrix && l->in != l->out))
            return unsound(e, "its layers do not fit each other");
        if (!isfinite(l->slope) || !all_finite(l->weight, layer_weights(l)) ||
            (is_matrix && !all_finite(l->bias, l->out)))
            return unsound(e, "a weight is not finite");
        width = l->out;
    }
    if (width != (m->output == OUTPUT_ONLY ? 1 : 2))
        return unsound(e, "its last layer is not as wide as its output");
    return true;
}

/* Where the file knows no cover, both children count the same. */
static void share_covers(struct imported_trees *t)
{
    const double least = 1e-12;
    uint32_t nodes = t->first[t->trees];

    mem_free(t->share);
    t->share = mem_array((size_t)nodes + 1, sizeof *t->share);
    for (uint32_t i = 0; i < nodes; i++) {
        const struct imported_node *n = &t->node[i];
        double left, sum;

        if (n->test == TEST_LEAF)
            continue;
        sum = t->node[n->left].cover + t->node[n->right].cover;
        left = sum > 0 && isfinite(sum) ? t->node[n->left].cover / sum : 0.5;
        left = fmin(fmax(left, least), 1 - least);
        t->share[n->left] = left;
        t->share[n->right] = 1 - left;
    }
}

/* Children stand after their parents, so one pass from the end finds every node's mean. */
static void expect_margin(struct imported_trees *t)
{
    uint32_t nodes = t->first[t->trees];
    double *mean = mem_array((size_t)nodes + 1, sizeof *mean), sum = 0;

    for (uint32_t i = nodes; i-- > 0;) {
        const struct imported_node *n = &t->node[i];

        mean[i] = n->test == TEST_LEAF
                      ? n->threshold
                      : t->share[n->left] * mean[n->left] + t->share[n->right] * mean[n->right];
    }
    for (uint32_t tree = 0; tree < t->trees; tree++)
        sum += mean[t->first[tree]];
    t->expected = t->base_last ? sum / t->divisor + t->base : (t->base + sum) / t->divisor;
    mem_free(mean);
}

/* The most inputs that one path tests bounds the degree of what explanations integrate. */
static uint32_t most_on_path(const struct imported *m)
{
    const struct imported_trees *t = &m->trees;
    uint32_t nodes = t->first[t->trees], most = 1;
    uint8_t *depth = mem_array((size_t)nodes + 1, 1);

    for (uint32_t i = 0; i < nodes; i++) {
        const struct imported_node *n = &t->node[i];

        if (n->test == TEST_LEAF)
            continue;
        depth[n->left] = depth[n->right] = (uint8_t)(depth[i] + 1);
        if (depth[n->left] > most)
            most = depth[n->left];
    }
    mem_free(depth);
    return most < m->inputs ? most : m->inputs;
}

bool imported_finish(struct imported *m, struct error *e)
{
    if (m->norm >= NORMS || m->output >= OUTPUTS)
        return unsound(e, "its norm or output is of no known kind");
    if (!check_columns(m, e) || !(m->is_trees ? check_trees(m, e) : check_layers(m, e)))
        return false;
    m->width = m->columns;
    m->cells = m->columns;
    for (uint32_t i = 0; i < m->layers; i++) {
        m->width = m->layer[i].out > m->width ? m->layer[i].out : m->width;
        m->cells += m->layer[i].out;
    }
    if (m->is_trees) {
        share_covers(&m->trees);
        expect_margin(&m->trees);
        m->trees.points = (most_on_path(m) + 1) / 2;
        m->trees.points += m->trees.points == 0;
    }
    return true;
}

/* ---- scoring ---- */

static inline double single(double x)
{
    return (double)(float)x;
}

static double look_up(const struct imported *m, const struct imported_step *s, double x)
{
    uint32_t low = 0, high = s->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (m->entry[s->first + middle].key < x)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->count && m->entry[s->first + low].key == x ? m->entry[s->first + low].value
                                                               : s->b;
}

static double take_step(const struct imported *m, const struct imported_step *s, double x)
{
    switch ((enum imported_step_kind)s->kind) {
    case STEP_SINGLE:
        return single(x);
    case STEP_WHOLE:
        return trunc(x);
    case STEP_ADD:
        return x + s->a;
    case STEP_SUB:
        return x - s->a;
    case STEP_MUL:
        return x * s->a;
    case STEP_DIV:
        return x / s->a;
    case STEP_FILL:
        return isnan(x) ? s->a : x;
    case STEP_REPLACE:
        return x == s->a ? s->b : x;
    case STEP_EQUAL:
        return x == s->a ? 1 : 0;
    case STEP_LOOKUP:
        return look_up(m, s, x);
    case STEP_KINDS:
        break;
    }
    return x;
}

static double column_value(const struct imported *m, const struct imported_column *c,
                           const double *x)
{
    double v = x[c->input];

    for (uint32_t i = c->first; i < c->first + c->steps; i++) {
        v = take_step(m, &m->step[i], v);
        if (m->step[i].is_single)
            v = single(v);
    }
    return v;
}

static void normalize(enum imported_norm norm, double *v, uint32_t count)
{
    double size = norm == NORM_MAX ? -FLT_MAX : 0;

    for (uint32_t i = 0; i < count; i++) {
        if (norm == NORM_MAX)
            size = v[i] > size ? v[i] : size;
        else
            size = single(size + single(norm == NORM_L1 ? fabs(v[i]) : v[i] * v[i]));
    }
    if (norm == NORM_L2)
        size = single(sqrt(size));
    for (uint32_t i = 0; i < count && size != 0; i++)
        v[i] = single(v[i] / size);
}

void imported_columns(const struct imported *m, const double *x, double *v)
{
    for (uint32_t i = 0; i < m->columns; i++)
        v[i] = column_value(m, &m->column[i], x);
    if (m->norm != NORM_NONE)
        normalize((enum imported_norm)m->norm, v, m->columns);
}

static bool is_in_set(const struct imported_trees *t, const struct imported_node *n, double x)
{
    uint32_t category;

    if (!(n->test == TEST_SET_WHOLE ? x > -1 : x >= 0) || !(x < 32.0 * n->set_words))
        return false;
    category = (uint32_t)(int64_t)x;
    return (t->set_word[n->set + category / 32] >> (category % 32) & 1) != 0;
}

bool imported_goes_left(const struct imported_trees *t, const struct imported_node *n, double x)
{
    if (isnan(x) || (n->zero_is_missing && fabs(x) <= zero_most))
        return n->missing_left;
    switch ((enum imported_test)n->test) {
    case TEST_LESS:
        return x < n->threshold;
    case TEST_LESS_EQUAL:
        return x <= n->threshold;
    case TEST_EQUAL:
        return x == n->threshold;
    default:
        return is_in_set(t, n, x);
    }
}

static double trees_margin(const struct imported_trees *t, const double *v)
{
    double sum = t->base_last ? 0 : t->base;

    for (uint32_t tree = 0; tree < t->trees; tree++) {
        const struct imported_node *n = &t->node[t->first[tree]];

        while (n->test != TEST_LEAF)
            n = &t->node[imported_goes_left(t, n, v[n->column]) ? n->left : n->right];
        sum += n->threshold;
        if (t->is_single)
            sum = single(sum);
    }
    if (t->divisor != 1) {
        sum /= t->divisor;
        if (t->is_single)
            sum = single(sum);
    }
    if (!t->base_last)
        return sum;
    return t->is_single ? single(sum + t->base) : sum + t->base;
}

static double hyperbolic_tangent(double x)
{
    double t = em_expm1(2 * (x > 20 ? 20 : x));

    return t / (t + 2);
}

static double activate(const struct imported_layer *l, uint32_t i, double x)
{
    switch ((enum imported_layer_kind)l->kind) {
    case LAYER_ADD:
        return x + l->weight[i];
    case LAYER_MUL:
        return x * l->weight[i];
    case LAYER_RELU:
        return x > 0 ? x : isnan(x) ? x : 0;
    case LAYER_LEAKY:
        return x < 0 ? x * l->slope : x;
    case LAYER_ELU:
        return x < 0 ? em_expm1(x) * l->slope : x;
    case LAYER_SIGMOID:
        return em_sigmoid(x);
    case LAYER_TANH:
        return hyperbolic_tangent(x);
    default:
        return x;
    }
}

static void dense(const struct imported_layer *l, const double *in, double *out)
{
    for (uint32_t o = 0; o < l->out; o++) {
        const double *weight = l->weight + (size_t)o * l->in;
        double sum = l->kind == LAYER_CHAIN ? l->bias[o] : 0;

        for (uint32_t i = 0; i < l->in; i++) {
            sum += l->kind == LAYER_CHAIN ? single(in[i] * weight[i]) : in[i] * weight[i];
            if (l->kind == LAYER_CHAIN)
                sum = single(sum);
        }
        out[o] = l->kind == LAYER_CHAIN ? sum : sum + l->bias[o];
    }
}

void imported_layer_run(const struct imported_layer *l, const double *in, double *out)
{
    if (l->kind == LAYER_DENSE || l->kind == LAYER_CHAIN) {
        dense(l, in, out);
    } else {
        for (uint32_t i = 0; i < l->in; i++)
            out[i] = activate(l, i, in[i]);
    }
    for (uint32_t o = 0; o < l->out && l->is_single; o++)
        out[o] = single(out[o]);
}

double imported_output_of(const struct imported *m, const double *v)
{
    switch ((enum imported_output)m->output) {
    case OUTPUT_SECOND:
        return v[1];
    case OUTPUT_DIFFERENCE:
        return v[1] - v[0];
    default:
        return v[0];
    }
}

/* A library's infinity is the greatest double here; what it can give no number for is 0. */
static double bounded(double margin)
{
    return isnan(margin) ? 0 : fmin(fmax(margin, -DBL_MAX), DBL_MAX);
}

double imported_margin(const struct imported *m, const double *x, double *work)
{
    double *v = work, *next = work + m->width;

    imported_columns(m, x, v);
    if (m->is_trees)
        return bounded(trees_margin(&m->trees, v));
    for (uint32_t i = 0; i < m->layers; i++) {
        double *swap = v;

        imported_layer_run(&m->layer[i], v, next);
        v = next;
        next = swap;
    }
    return bounded(imported_output_of(m, v));
}
