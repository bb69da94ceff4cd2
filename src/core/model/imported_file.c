/* The body of an imported model in the model file. */
#include "core/base/memory.h"
#include "core/model/imported.h"

enum {
    NODE_MISSING_LEFT = 1,
    NODE_ZERO_IS_MISSING = 2,
    COLUMN_BYTES = 8,
    STEP_BYTES = 26,
    ENTRY_BYTES = 16,
    NODE_BYTES_MIN = 18, /* a leaf */
    LAYER_BYTES_MIN = 18,
};

/* ---- writing ---- */

static void format_columns(const struct imported *m, struct buffer *b)
{
    buffer_add_u32(b, m->columns);
    for (uint32_t i = 0; i < m->columns; i++) {
        buffer_add_u32(b, m->column[i].input);
        buffer_add_u32(b, m->column[i].steps);
        for (uint32_t k = 0; k < m->column[i].steps; k++) {
            const struct imported_step *s = &m->step[m->column[i].first + k];

            buffer_add_u8(b, s->kind);
            buffer_add_u8(b, s->is_single);
            buffer_add_u32(b, s->first);
            buffer_add_u32(b, s->count);
            buffer_add_double(b, s->a);
            buffer_add_double(b, s->b);
        }
    }
    buffer_add_u32(b, m->entries);
    for (uint32_t i = 0; i < m->entries; i++) {
        buffer_add_double(b, m->entry[i].key);
        buffer_add_double(b, m->entry[i].value);
    }
}

/* Children as distances, so that a tree's bytes do not depend on where it stands. */
static void format_node(const struct imported_node *n, uint32_t at, struct buffer *b)
{
    buffer_add_u8(b, n->test);
    buffer_add_u8(b, (n->missing_left ? NODE_MISSING_LEFT : 0) |
                         (n->zero_is_missing ? NODE_ZERO_IS_MISSING : 0));
    buffer_add_double(b, n->threshold);
    buffer_add_double(b, n->cover);
    if (n->test == TEST_LEAF)
        return;
    buffer_add_u32(b, n->left - at);
    buffer_add_u32(b, n->right - at);
    buffer_add_u32(b, n->column);
    if (n->test < TEST_SET)
        return;
    buffer_add_u32(b, n->set);
    buffer_add_u32(b, n->set_words);
}

static void format_trees(const struct imported_trees *t, struct buffer *b)
{
    buffer_add_double(b, t->base);
    buffer_add_double(b, t->divisor);
    buffer_add_u8(b, t->base_last);
    buffer_add_u8(b, t->is_single);
    buffer_add_u32(b, t->trees);
    for (uint32_t i = 0; i < t->trees; i++)
        buffer_add_u32(b, t->first[i + 1] - t->first[i]);
    for (uint32_t i = 0; i < t->first[t->trees]; i++)
        format_node(&t->node[i], i, b);
    buffer_add_u32(b, t->set_words);
    for (uint32_t i = 0; i < t->set_words; i++)
        buffer_add_u32(b, t->set_word[i]);
}

static size_t layer_weights(enum imported_layer_kind kind, uint32_t in, uint32_t out)
{
    if (kind == LAYER_DENSE || kind == LAYER_CHAIN)
        return (size_t)in * out;
    return kind == LAYER_ADD || kind == LAYER_MUL ? in : 0;
}

static void format_layer(const struct imported_layer *l, struct buffer *b)
{
    size_t weights = layer_weights((enum imported_layer_kind)l->kind, l->in, l->out);

    buffer_add_u8(b, l->kind);
    buffer_add_u8(b, l->is_single);
    buffer_add_u32(b, l->in);
    buffer_add_u32(b, l->out);
    buffer_add_double(b, l->slope);
    for (size_t i = 0; i < weights; i++)
        buffer_add_double(b, l->weight[i]);
    for (uint32_t i = 0; i < l->out && l->bias != NULL; i++)
        buffer_add_double(b, l->bias[i]);
}

void imported_format(const struct imported *m, struct buffer *b)
{
    buffer_add_u8(b, m->is_trees);
    buffer_add_u8(b, m->norm);
    buffer_add_u8(b, m->output);
    format_columns(m, b);
    if (m->is_trees) {
        format_trees(&m->trees, b);
        return;
    }
    buffer_add_u32(b, m->layers);
    for (uint32_t i = 0; i < m->layers; i++)
        format_layer(&m->layer[i], b);
}

/* ---- reading ---- */

static bool cut(struct error *e, const char *what)
{
    return error_set(e, ERROR_INVALID, "%s", what);
}

/* To the column that was added last. */
static bool parse_steps(struct reader *in, struct imported *m, uint32_t steps, struct error *e)
{
    if (steps > reader_left(in) / STEP_BYTES || steps > IMPORTED_STEPS_MAX - m->steps)
        return cut(e, "it has more steps than the file can hold");
    for (uint32_t k = 0; k < steps; k++) {
        struct imported_step s = {.kind = reader_u8(in)};

        s.is_single = reader_u8(in) != 0;
        s.first = reader_u32(in);
        s.count = reader_u32(in);
        s.a = reader_double(in);
        s.b = reader_double(in);
        imported_add_step(m, &s);
    }
    return true;
}

static bool parse_columns(struct reader *in, struct imported *m, struct error *e)
{
    uint32_t columns = reader_u32(in);

    if (columns > IMPORTED_COLUMNS_MAX || columns > reader_left(in) / COLUMN_BYTES)
        return cut(e, "it has more columns than the file can hold");
    for (uint32_t i = 0; i < columns; i++) {
        imported_add_column(m, reader_u32(in));
        if (!parse_steps(in, m, reader_u32(in), e))
            return false;
    }
    m->entries = reader_u32(in);
    if (m->entries > IMPORTED_TABLE_MAX || m->entries > reader_left(in) / ENTRY_BYTES) {
        m->entries = 0;
        return cut(e, "it has more entries of a table than the file can hold");
    }
    m->entry = mem_array((size_t)m->entries + 1, sizeof *m->entry);
    for (uint32_t i = 0; i < m->entries; i++) {
        m->entry[i].key = reader_double(in);
        m->entry[i].value = reader_double(in);
    }
    return true;
}

static bool parse_node(struct reader *in, struct imported_node *n, uint32_t at, struct error *e)
{
    uint8_t flags;
    uint32_t left, right;

    n->test = reader_u8(in);
    flags = reader_u8(in);
    n->missing_left = (flags & NODE_MISSING_LEFT) != 0;
    n->zero_is_missing = (flags & NODE_ZERO_IS_MISSING) != 0;
    n->threshold = reader_double(in);
    n->cover = reader_double(in);
    if (flags > (NODE_MISSING_LEFT | NODE_ZERO_IS_MISSING))
        return cut(e, "a tree's node is of no known kind");
    if (n->test == TEST_LEAF)
        return true;
    left = reader_u32(in);
    right = reader_u32(in);
    if (left > IMPORTED_NODES_MAX || right > IMPORTED_NODES_MAX)
        return cut(e, "a tree's nodes lead out of it, back or in a circle");
    n->left = at + left;
    n->right = at + right;
    n->column = reader_u32(in);
    if (n->test < TEST_SET)
        return true;
    n->set = reader_u32(in);
    n->set_words = reader_u32(in);
    return true;
}

static bool parse_trees(struct reader *in, struct imported *m, struct error *e)
{
    struct imported_trees *t = &m->trees;
    uint32_t trees, nodes = 0;

    t->base = reader_double(in);
    t->divisor = reader_double(in);
    t->base_last = reader_u8(in) != 0;
    t->is_single = reader_u8(in) != 0;
    trees = reader_u32(in);
    if (trees > IMPORTED_TREES_MAX || trees > reader_left(in) / 4)
        return cut(e, "it has more trees than the file can hold");
    for (uint32_t i = 0; i < trees; i++) {
        uint32_t count = reader_u32(in);

        if (count > IMPORTED_NODES_MAX || nodes + count > IMPORTED_NODES_MAX ||
            nodes + count > reader_left(in) / NODE_BYTES_MIN)
            return cut(e, "a tree has more nodes than the file can hold");
        imported_add_tree(m, count);
        nodes += count;
    }
    if (nodes > reader_left(in) / NODE_BYTES_MIN)
        return cut(e, "its trees have more nodes than the file can hold");
    for (uint32_t i = 0; i < nodes; i++) {
        if (!parse_node(in, &t->node[i], i, e))
            return false;
    }
    t->set_words = reader_u32(in);
    if (t->set_words > reader_left(in) / 4) {
        t->set_words = 0;
        return cut(e, "it has more categories than the file can hold");
    }
    t->set_word = mem_array((size_t)t->set_words + 1, sizeof *t->set_word);
    for (uint32_t i = 0; i < t->set_words; i++)
        t->set_word[i] = reader_u32(in);
    return true;
}

static bool parse_layer(struct reader *in, struct imported *m, struct error *e)
{
    uint8_t kind = reader_u8(in);
    bool is_single = reader_u8(in) != 0;
    uint32_t width = reader_u32(in), out = reader_u32(in);
    double slope = reader_double(in);
    struct imported_layer *l;
    size_t weights;

    if (in->failed || kind >= LAYER_KINDS || width > IMPORTED_COLUMNS_MAX ||
        out > IMPORTED_WIDTH_MAX)
        return cut(e, "a layer is of no known kind or too wide");
    weights = layer_weights((enum imported_layer_kind)kind, width, out);
    if (weights > reader_left(in) / 8 || out > reader_left(in) / 8 + IMPORTED_WIDTH_MAX)
        return cut(e, "a layer has more weights than the file can hold");
    l = imported_add_layer(m, (enum imported_layer_kind)kind, width, out);
    l->is_single = is_single;
    l->slope = slope;
    for (size_t i = 0; i < weights; i++)
        l->weight[i] = reader_double(in);
    for (uint32_t i = 0; i < out && l->bias != NULL; i++)
        l->bias[i] = reader_double(in);
    return true;
}

static bool parse_body(struct reader *in, struct imported *m, struct error *e)
{
    uint32_t layers;

    m->is_trees = reader_u8(in) != 0;
    m->norm = reader_u8(in);
    m->output = reader_u8(in);
    if (!parse_columns(in, m, e))
        return false;
    if (m->is_trees)
        return parse_trees(in, m, e);
    layers = reader_u32(in);
    if (layers > IMPORTED_LAYERS_MAX || layers > reader_left(in) / LAYER_BYTES_MIN)
        return cut(e, "it has more layers than the file can hold");
    for (uint32_t i = 0; i < layers; i++) {
        if (!parse_layer(in, m, e))
            return false;
    }
    return true;
}

struct imported *imported_parse(struct reader *in, uint32_t inputs, struct error *e)
{
    struct imported *m = imported_new(inputs);

    if (parse_body(in, m, e) && (!in->failed || cut(e, "its body is cut")) && imported_finish(m, e))
        return m;
    imported_free(m);
    return NULL;
}
