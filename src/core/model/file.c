/* The model file, little-endian:
 *
 *     "ASSAYMDL"  u32 version  u32 sections
 *     section:    u32 tag  u32 length  u32 CRC-32 of the body  body
 *
 * in this order: HEAD (kind, inputs, calibration), INPT (names, fingerprints, category maps), NOTE,
 * then LINR or TREE. Nothing may be absent, repeated or follow. Every bit is either compared with
 * the one value it can have or covered by a CRC, so a damaged file is refused; and a file with
 * honest CRCs is still not trusted: parts.h's invariants are checked before a model is made of it.
 */
#include "core/model/parts.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "core/base/panic.h"

static const char magic[8] = {'A', 'S', 'S', 'A', 'Y', 'M', 'D', 'L'};

enum section {
    SECTION_HEAD = 0x44414548, /* the letters, as they stand in the file */
    SECTION_INPT = 0x54504e49,
    SECTION_NOTE = 0x45544f4e,
    SECTION_LINR = 0x524e494c,
    SECTION_TREE = 0x45455254,
};

enum {
    FILE_SECTIONS = 4,
    NODE_LEAF = 1,
    NODE_MISSING_LEFT = 2,
    NODE_BYTES_MIN = 13, /* a leaf: flags, cover, value */
    CATEGORY_BYTES_MIN = 12,
};

/* ---- writing ---- */

static void add_section(struct buffer *out, enum section tag, struct buffer *body)
{
    uint32_t length = (uint32_t)body->length;

    if (body->overflow)
        out->overflow = true;
    buffer_add_u32(out, tag);
    buffer_add_u32(out, length);
    buffer_add_u32(out, (uint32_t)crc32(0, (const Bytef *)body->bytes, length));
    buffer_add(out, body->bytes, length);
    buffer_clear(body);
}

static void format_head(const struct model *m, struct buffer *b)
{
    buffer_add_u32(b, m->kind);
    buffer_add_u32(b, m->inputs);
    buffer_add_double(b, m->slope);
    buffer_add_double(b, m->offset);
}

static void format_inputs(const struct model *m, struct buffer *b)
{
    for (uint32_t j = 0; j < m->inputs; j++) {
        const struct model_input *input = &m->input[j];
        const struct category_map *c = &m->category[j];

        buffer_add_bytes32(b, text_of(input->name));
        buffer_add_u8(b, input->is_category);
        buffer_add_u64(b, input->fingerprint);
        if (!input->is_category)
            continue;
        buffer_add_double(b, c->other);
        buffer_add_u32(b, c->count);
        for (uint32_t i = 0; i < c->count; i++) {
            buffer_add_bytes32(b, c->value[i]);
            buffer_add_double(b, c->number[i]);
        }
    }
}

static void format_linear(const struct model *m, struct buffer *b)
{
    const struct model_linear *l = &m->linear;

    buffer_add_double(b, l->bias);
    for (uint32_t j = 0; j < m->inputs; j++) {
        buffer_add_double(b, l->mean[j]);
        buffer_add_double(b, l->weight[j]);
        buffer_add_double(b, l->present[j]);
        buffer_add_double(b, l->missing[j]);
    }
}

static void format_node(const struct tree_node *n, struct buffer *b)
{
    buffer_add_u8(b, (n->left == 0 ? NODE_LEAF : 0) | (n->missing_left ? NODE_MISSING_LEFT : 0));
    buffer_add_u32(b, n->cover);
    if (n->left == 0) {
        buffer_add_u64(b, (uint64_t)n->value);
        return;
    }
    buffer_add_u16(b, n->input);
    buffer_add_double(b, n->threshold);
}

static void format_forest(const struct model *m, struct buffer *b)
{
    const struct model_forest *f = &m->forest;

    buffer_add_u64(b, (uint64_t)f->base);
    buffer_add_u32(b, f->trees);
    buffer_add_u32(b, f->first[f->trees]);
    for (uint32_t t = 0; t < f->trees; t++)
        buffer_add_u16(b, (uint16_t)(f->first[t + 1] - f->first[t]));
    for (uint32_t i = 0; i < f->first[f->trees]; i++)
        format_node(&f->node[i], b);
}

void model_format(const struct model *m, struct buffer *out)
{
    struct buffer body;

    buffer_init(&body, MODEL_BYTES_MAX);
    buffer_add(out, magic, sizeof magic);
    buffer_add_u32(out, MODEL_FORMAT_VERSION);
    buffer_add_u32(out, FILE_SECTIONS);
    format_head(m, &body);
    add_section(out, SECTION_HEAD, &body);
    format_inputs(m, &body);
    add_section(out, SECTION_INPT, &body);
    buffer_add_bytes32(&body, text_of(m->notes.settings));
    buffer_add_bytes32(&body, text_of(m->notes.metrics));
    buffer_add_bytes32(&body, text_of(m->notes.data));
    add_section(out, SECTION_NOTE, &body);
    if (m->kind == MODEL_LOGISTIC)
        format_linear(m, &body);
    else
        format_forest(m, &body);
    add_section(out, m->kind == MODEL_LOGISTIC ? SECTION_LINR : SECTION_TREE, &body);
    buffer_fini(&body);
}

/* ---- reading ---- */

static bool damaged(struct error *e, const char *what)
{
    return error_set(e, ERROR_INVALID,
                     "model file: %s; the file is damaged or was not written by assay: "
                     "train again or restore it",
                     what);
}

static bool open_section(struct reader *in, enum section tag, struct reader *body, struct error *e)
{
    uint32_t found = reader_u32(in), length = reader_u32(in), crc = reader_u32(in);
    const void *bytes = reader_get(in, length);

    if (in->failed || bytes == NULL)
        return damaged(e, "it ends inside a section");
    if (found != (uint32_t)tag)
        return damaged(e, "a section is missing or out of order");
    if ((uint32_t)crc32(0, bytes, length) != crc)
        return damaged(e, "a section does not match its checksum");
    reader_init(body, bytes, length);
    return true;
}

static bool close_section(const struct reader *body, const char *name, struct error *e)
{
    char what[64];

    if (!body->failed && reader_left(body) == 0)
        return true;
    snprintf(what, sizeof what, "section %s is %s", name, body->failed ? "too short" : "too long");
    return damaged(e, what);
}

static bool read_finite(struct reader *in, double *v)
{
    *v = reader_double(in);
    return __builtin_isfinite(*v);
}

static bool parse_head(struct reader *in, struct model **m, struct error *e)
{
    uint32_t kind, inputs;
    double slope, offset;
    struct reader body;

    if (!open_section(in, SECTION_HEAD, &body, e))
        return false;
    kind = reader_u32(&body);
    inputs = reader_u32(&body);
    if (!read_finite(&body, &slope) || !read_finite(&body, &offset))
        return damaged(e, "its calibration is not finite");
    if (!close_section(&body, "HEAD", e))
        return false;
    if (kind > MODEL_BOOST)
        return damaged(e, "its kind is unknown");
    if (inputs == 0 || inputs > MODEL_INPUTS_MAX)
        return damaged(e, "it has no input or too many");
    *m = model_new((enum model_kind)kind, inputs);
    model_set_calibration(*m, slope, offset);
    return true;
}

/* Fills value and number, which have room for count. */
static bool parse_values(struct reader *in, struct text *value, double *number, uint32_t count,
                         struct error *e)
{
    for (uint32_t i = 0; i < count; i++) {
        value[i] = reader_bytes32(in);
        if (!read_finite(in, &number[i]))
            return damaged(e, "a category's number is not finite");
        if (in->failed || value[i].length > TEXT_MAX || !text_is_utf8(value[i]))
            return damaged(e, "a category's text is cut, too long or not UTF-8");
        if (i > 0 && text_compare(value[i - 1], value[i]) >= 0)
            return damaged(e, "categories are not in order");
    }
    return true;
}

static bool parse_categories(struct reader *in, struct category_map *c, struct error *e)
{
    struct text *value;
    double *number, other;
    uint32_t count;
    bool good;

    if (!read_finite(in, &other))
        return damaged(e, "a category's number is not finite");
    count = reader_u32(in);
    if (count > MODEL_CATEGORIES_MAX || count > reader_left(in) / CATEGORY_BYTES_MIN)
        return damaged(e, "an input has more categories than the file can hold");
    value = mem_array(count + 1, sizeof *value);
    number = mem_array(count + 1, sizeof *number);
    good = parse_values(in, value, number, count, e);
    if (good)
        category_map_set(c, value, number, count, other);
    mem_free(value);
    mem_free(number);
    return good;
}

static bool parse_inputs(struct reader *in, struct model *m, struct error *e)
{
    struct reader body;

    if (!open_section(in, SECTION_INPT, &body, e))
        return false;
    for (uint32_t j = 0; j < m->inputs; j++) {
        struct text name = reader_bytes32(&body);
        uint8_t is_category = reader_u8(&body);
        uint64_t fingerprint = reader_u64(&body);

        if (body.failed || name.length == 0 || name.length > FIELD_NAME_MAX ||
            !text_is_utf8(name) || memchr(name.bytes, 0, name.length) != NULL)
            return damaged(e, "an input's name is empty, too long or not UTF-8");
        if (is_category > 1)
            return damaged(e, "an input is of no known type");
        model_set_input(m, j, name, is_category, fingerprint);
        if (is_category && !parse_categories(&body, &m->category[j], e))
            return false;
    }
    return close_section(&body, "INPT", e);
}

static bool parse_note(struct reader *in, char **note, struct error *e)
{
    struct text t = reader_bytes32(in);

    if (in->failed || !text_is_utf8(t) || (t.length > 0 && memchr(t.bytes, 0, t.length) != NULL))
        return damaged(e, "a note is cut or not UTF-8");
    mem_free(*note);
    *note = mem_text(t.bytes, t.length);
    return true;
}

static bool parse_notes(struct reader *in, struct model *m, struct error *e)
{
    struct reader body;

    return open_section(in, SECTION_NOTE, &body, e) && parse_note(&body, &m->notes.settings, e) &&
           parse_note(&body, &m->notes.metrics, e) && parse_note(&body, &m->notes.data, e) &&
           close_section(&body, "NOTE", e);
}

static bool parse_linear(struct reader *in, struct model *m, struct error *e)
{
    struct model_linear *l = &m->linear;
    struct reader body;
    bool finite;

    if (!open_section(in, SECTION_LINR, &body, e))
        return false;
    finite = read_finite(&body, &l->bias);
    for (uint32_t j = 0; j < m->inputs && finite; j++)
        finite = read_finite(&body, &l->mean[j]) && read_finite(&body, &l->weight[j]) &&
                 read_finite(&body, &l->present[j]) && read_finite(&body, &l->missing[j]);
    if (!finite)
        return damaged(e, "a coefficient is not finite");
    return close_section(&body, "LINR", e);
}

static bool value_is_fit(int64_t v)
{
    return v >= -LEAF_VALUE_MAX && v <= LEAF_VALUE_MAX;
}

static bool parse_node(struct reader *in, const struct model *m, struct tree_node *n,
                       struct error *e)
{
    uint8_t flags = reader_u8(in);

    *n = (struct tree_node){.cover = reader_u32(in)};
    n->missing_left = (flags & NODE_MISSING_LEFT) != 0;
    if (in->failed || flags > (NODE_LEAF | NODE_MISSING_LEFT) || n->cover == 0)
        return damaged(e, "a tree's node is cut, of no known kind or without cover");
    if (flags & NODE_LEAF) {
        n->value = (int64_t)reader_u64(in);
        return value_is_fit(n->value) || damaged(e, "a leaf's value is out of range");
    }
    n->left = 1; /* found by link_tree */
    n->input = reader_u16(in);
    if (n->input >= m->inputs)
        return damaged(e, "a tree splits an input that the model has not");
    return read_finite(in, &n->threshold) || damaged(e, "a threshold is not finite");
}

/* Gives the children their indices and checks that they make a tree: parts.h, invariants 1, 2. */
static bool link_tree(struct tree_node *node, uint32_t nodes, struct error *e)
{
    uint8_t depth[MODEL_TREE_NODES_MAX] = {0};
    uint32_t inner = 0;

    for (uint32_t i = 0; i < nodes; i++) {
        uint32_t left = 2 * inner + 1;

        if (node[i].left == 0)
            continue;
        if (left <= i || left + 1 >= nodes || depth[i] == MODEL_DEPTH_MAX)
            return damaged(e, "a tree's nodes are out of order, missing or too deep");
        if ((uint64_t)node[left].cover + node[left + 1].cover != node[i].cover)
            return damaged(e, "a tree's covers do not add up");
        node[i].left = (uint16_t)left;
        depth[left] = depth[left + 1] = (uint8_t)(depth[i] + 1);
        inner++;
    }
    return 2 * inner + 1 == nodes || damaged(e, "a tree has nodes that nothing leads to");
}

static bool parse_trees(struct reader *in, struct model *m, uint32_t nodes, struct error *e)
{
    struct model_forest *f = &m->forest;
    uint32_t at = 0;

    for (uint32_t t = 0; t < f->trees; t++) {
        uint32_t n = reader_u16(in);

        if (n == 0 || n > MODEL_TREE_NODES_MAX || n > nodes - at)
            return damaged(e, "a tree has no node or too many");
        at += n;
        f->first[t + 1] = at;
    }
    if (at != nodes)
        return damaged(e, "the trees' nodes do not add up");
    for (uint32_t i = 0; i < nodes; i++) {
        if (!parse_node(in, m, &f->node[i], e))
            return false;
    }
    for (uint32_t t = 0; t < f->trees; t++) {
        if (!link_tree(f->node + f->first[t], f->first[t + 1] - f->first[t], e))
            return false;
    }
    return true;
}

static bool parse_forest(struct reader *in, struct model *m, struct error *e)
{
    uint32_t trees, nodes;
    struct reader body;

    if (!open_section(in, SECTION_TREE, &body, e))
        return false;
    m->forest.base = (int64_t)reader_u64(&body);
    trees = reader_u32(&body);
    nodes = reader_u32(&body);
    if (!value_is_fit(m->forest.base))
        return damaged(e, "its base is out of range");
    if (trees > MODEL_TREES_MAX || nodes > reader_left(&body) / NODE_BYTES_MIN)
        return damaged(e, "it has more trees or nodes than the file can hold");
    model_forest_reserve(m, trees, nodes);
    return parse_trees(&body, m, nodes, e) && close_section(&body, "TREE", e);
}

static bool parse_file(struct reader *in, struct model **m, struct error *e)
{
    const void *start = reader_get(in, sizeof magic);
    uint32_t version;

    if (start == NULL || memcmp(start, magic, sizeof magic) != 0)
        return error_set(e, ERROR_INVALID,
                         "model file: it does not begin with \"ASSAYMDL\"; "
                         "this is not a model of assay");
    version = reader_u32(in);
    if (version != MODEL_FORMAT_VERSION)
        return error_set(e, ERROR_INVALID,
                         "model file: format version %u, this assay reads version %d; "
                         "train the model again or use the assay that wrote it",
                         version, MODEL_FORMAT_VERSION);
    if (reader_u32(in) != FILE_SECTIONS)
        return damaged(e, "its number of sections is wrong");
    if (!parse_head(in, m, e) || !parse_inputs(in, *m, e) || !parse_notes(in, *m, e))
        return false;
    if (!((*m)->kind == MODEL_LOGISTIC ? parse_linear(in, *m, e) : parse_forest(in, *m, e)))
        return false;
    if (reader_left(in) != 0)
        return damaged(e, "bytes follow its last section");
    return model_finish(*m, e);
}

bool model_parse(const void *bytes, size_t length, struct model **m, struct error *e)
{
    struct model *read = NULL;
    struct reader in;

    if (length > MODEL_BYTES_MAX)
        return error_set(e, ERROR_INVALID, "model file: %zu bytes, at most %d are read", length,
                         MODEL_BYTES_MAX);
    reader_init(&in, bytes, length);
    if (!parse_file(&in, &read, e)) {
        model_free(read);
        return false;
    }
    *m = read;
    return true;
}
