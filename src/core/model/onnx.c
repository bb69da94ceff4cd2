#include "core/model/onnx.h"

#include <string.h>

#include "core/model/protobuf.h"

/* The numbers of the fields in onnx.proto3. */
enum {
    MODEL_PRODUCER = 2,
    MODEL_PRODUCER_VERSION = 3,
    MODEL_GRAPH = 7,
    GRAPH_NODE = 1,
    GRAPH_CONSTANT = 5,
    GRAPH_INPUT = 11,
    GRAPH_OUTPUT = 12,
    GRAPH_SPARSE = 15,
    NODE_INPUT = 1,
    NODE_OUTPUT = 2,
    NODE_OP = 4,
    NODE_ATTRIBUTE = 5,
    NODE_DOMAIN = 7,
    ATTRIBUTE_NAME = 1,
    ATTRIBUTE_F = 2,
    ATTRIBUTE_I = 3,
    ATTRIBUTE_S = 4,
    ATTRIBUTE_T = 5,
    ATTRIBUTE_G = 6,
    ATTRIBUTE_FLOATS = 7,
    ATTRIBUTE_INTS = 8,
    ATTRIBUTE_STRINGS = 9,
    TENSOR_DIMS = 1,
    TENSOR_TYPE = 2,
    TENSOR_FLOATS = 4,
    TENSOR_INT32S = 5,
    TENSOR_STRINGS = 6,
    TENSOR_INT64S = 7,
    TENSOR_NAME = 8,
    TENSOR_RAW = 9,
    TENSOR_DOUBLES = 10,
    TENSOR_EXTERNAL = 13,
    TENSOR_LOCATION = 14,
    PORT_NAME = 1,
    PORT_TYPE = 2,
    TYPE_TENSOR = 1,
    TENSOR_TYPE_ELEMENT = 1,
    TENSOR_TYPE_SHAPE = 2,
    SHAPE_DIMENSION = 1,
    DIMENSION_VALUE = 1,
};

struct parse {
    struct onnx *o;
    uint32_t links;
    struct error *e;
};

static bool damaged(struct parse *p, const char *what)
{
    return error_set(p->e, ERROR_INVALID, "the file is damaged or no ONNX model: %s", what);
}

static void *room(struct parse *p, size_t count, size_t item)
{
    void *at = count < ONNX_MEMORY_MAX / item ? arena_alloc(&p->o->memory, count * item) : NULL;

    if (at == NULL)
        error_set(p->e, ERROR_FULL, "the file needs more than %d MiB of memory",
                  ONNX_MEMORY_MAX >> 20);
    return at;
}

/* How often a field of bytes stands in a message. */
static uint32_t occurrences(struct text message, uint32_t number)
{
    struct proto_field f;
    struct reader in;
    uint32_t count = 0;

    reader_init(&in, message.bytes, message.length);
    while (proto_next(&in, &f))
        count += f.number == number;
    return count;
}

/* ---- lists of numbers: each on its own, or packed ---- */

enum element { ELEMENT_VARINT, ELEMENT_FLOAT, ELEMENT_DOUBLE };

static double element_of(enum element kind, uint64_t bits)
{
    return kind == ELEMENT_FLOAT    ? proto_float(bits)
           : kind == ELEMENT_DOUBLE ? proto_double(bits)
                                    : (double)(int64_t)bits;
}

static bool next_element(struct reader *in, enum element kind, uint64_t *bits)
{
    if (reader_left(in) == 0)
        return false;
    if (kind == ELEMENT_VARINT)
        return proto_varint(in, bits);
    *bits = kind == ELEMENT_FLOAT ? reader_u32(in) : reader_u64(in);
    return !in->failed;
}

/* Fills `numbers`, or only counts where it is NULL. */
static bool list_pass(struct text message, uint32_t number, enum element kind, double *numbers,
                      uint32_t *count)
{
    struct proto_field f;
    struct reader in, packed;
    uint64_t bits;

    *count = 0;
    reader_init(&in, message.bytes, message.length);
    while (proto_next(&in, &f)) {
        if (f.number != number)
            continue;
        if (f.wire != PROTO_BYTES) {
            if (numbers != NULL)
                numbers[*count] = element_of(kind, f.value);
            ++*count;
            continue;
        }
        reader_init(&packed, f.bytes.bytes, f.bytes.length);
        while (next_element(&packed, kind, &bits)) {
            if (numbers != NULL)
                numbers[*count] = element_of(kind, bits);
            ++*count;
        }
        if (packed.failed)
            return false;
    }
    return !in.failed;
}

static bool read_list(struct parse *p, struct text message, uint32_t number, enum element kind,
                      double **numbers, uint32_t *count)
{
    if (!list_pass(message, number, kind, NULL, count))
        return damaged(p, "a list of numbers is cut");
    if (*count == 0)
        return true;
    *numbers = room(p, *count, sizeof **numbers);
    return *numbers != NULL && list_pass(message, number, kind, *numbers, count);
}

static bool read_texts(struct parse *p, struct text message, uint32_t number, struct text **texts,
                       uint32_t *count)
{
    struct proto_field f;
    struct reader in;
    uint32_t at = 0;

    *count = occurrences(message, number);
    if (*count == 0)
        return true;
    *texts = room(p, *count, sizeof **texts);
    if (*texts == NULL)
        return false;
    reader_init(&in, message.bytes, message.length);
    while (proto_next(&in, &f)) {
        if (f.number == number)
            (*texts)[at++] = f.wire == PROTO_BYTES ? f.bytes : (struct text){"", 0};
    }
    return true;
}

/* ---- tensors ---- */

static bool read_raw(struct parse *p, struct onnx_tensor *t, struct text raw)
{
    unsigned size = t->type == ONNX_FLOAT || t->type == ONNX_INT32 ? 4
                    : t->type == ONNX_BOOL                         ? 1
                                                                   : 8;
    struct reader in;

    if (t->type != ONNX_FLOAT && t->type != ONNX_DOUBLE && t->type != ONNX_INT64 &&
        t->type != ONNX_INT32 && t->type != ONNX_BOOL)
        return true;
    if (raw.length % size != 0)
        return damaged(p, "a constant's bytes do not fit its type");
    t->count = (uint32_t)(raw.length / size);
    t->number = room(p, t->count + 1, sizeof *t->number);
    if (t->number == NULL)
        return false;
    reader_init(&in, raw.bytes, raw.length);
    for (uint32_t i = 0; i < t->count; i++) {
        if (t->type == ONNX_FLOAT)
            t->number[i] = proto_float(reader_u32(&in));
        else if (t->type == ONNX_DOUBLE)
            t->number[i] = proto_double(reader_u64(&in));
        else if (t->type == ONNX_INT64)
            t->number[i] = (double)(int64_t)reader_u64(&in);
        else if (t->type == ONNX_INT32)
            t->number[i] = (int32_t)reader_u32(&in);
        else
            t->number[i] = reader_u8(&in);
    }
    return true;
}

static bool read_data(struct parse *p, struct text message, struct onnx_tensor *t)
{
    switch (t->type) {
    case ONNX_FLOAT:
        return read_list(p, message, TENSOR_FLOATS, ELEMENT_FLOAT, &t->number, &t->count);
    case ONNX_DOUBLE:
        return read_list(p, message, TENSOR_DOUBLES, ELEMENT_DOUBLE, &t->number, &t->count);
    case ONNX_INT64:
        return read_list(p, message, TENSOR_INT64S, ELEMENT_VARINT, &t->number, &t->count);
    case ONNX_INT32:
    case ONNX_BOOL:
        return read_list(p, message, TENSOR_INT32S, ELEMENT_VARINT, &t->number, &t->count);
    case ONNX_STRING:
        return read_texts(p, message, TENSOR_STRINGS, &t->text, &t->count);
    default: /* of a type that nothing here computes with: an error only where it is needed */
        return true;
    }
}

static bool read_dimensions(struct parse *p, struct text message, struct onnx_tensor *t)
{
    double *size = NULL, product = 1;

    if (!read_list(p, message, TENSOR_DIMS, ELEMENT_VARINT, &size, &t->dimensions))
        return false;
    if (t->dimensions > ONNX_DIMENSIONS_MAX)
        return damaged(p, "a constant has too many dimensions");
    for (uint32_t i = 0; i < t->dimensions; i++) {
        if (!(size[i] >= 0 && size[i] <= 0x1p31))
            return damaged(p, "a constant's size is out of range");
        t->size[i] = (int64_t)size[i];
        product *= size[i];
    }
    if (t->number == NULL && t->text == NULL)
        return true;
    return product == t->count || damaged(p, "a constant has not as many items as its shape says");
}

static bool read_tensor(struct parse *p, struct text message, struct onnx_tensor *t)
{
    struct proto_field f;
    struct reader in;
    struct text raw = {0};

    *t = (struct onnx_tensor){0};
    reader_init(&in, message.bytes, message.length);
    while (proto_next(&in, &f)) {
        if (f.number == TENSOR_NAME && f.wire == PROTO_BYTES)
            t->name = f.bytes;
        else if (f.number == TENSOR_TYPE)
            t->type = (enum onnx_type)f.value;
        else if (f.number == TENSOR_RAW && f.wire == PROTO_BYTES)
            raw = f.bytes;
        else if (f.number == TENSOR_EXTERNAL || (f.number == TENSOR_LOCATION && f.value != 0))
            return error_set(p->e, ERROR_INVALID,
                             "a constant lies in another file: save the model as one file");
    }
    if (in.failed)
        return damaged(p, "a constant is cut");
    if (!(raw.length > 0 && t->type != ONNX_STRING ? read_raw(p, t, raw)
                                                   : read_data(p, message, t)))
        return false;
    return read_dimensions(p, message, t);
}

/* ---- nodes ---- */

static bool read_attribute(struct parse *p, struct text message, struct onnx_attribute *a)
{
    struct proto_field f;
    struct reader in;
    uint32_t floats = 0, ints = 0, texts = 0;
    double *numbers = NULL;

    *a = (struct onnx_attribute){0};
    reader_init(&in, message.bytes, message.length);
    while (proto_next(&in, &f)) {
        if (f.number == ATTRIBUTE_NAME && f.wire == PROTO_BYTES)
            a->name = f.bytes;
        else if (f.number == ATTRIBUTE_F && f.wire == PROTO_FIXED32)
            a->number = proto_float(f.value);
        else if (f.number == ATTRIBUTE_I && f.wire == PROTO_VARINT)
            a->number = (double)(int64_t)f.value;
        else if (f.number == ATTRIBUTE_S && f.wire == PROTO_BYTES)
            a->text = f.bytes;
        else if (f.number == ATTRIBUTE_G)
            a->has_graph = true;
        else if (f.number == ATTRIBUTE_T && f.wire == PROTO_BYTES && a->tensor == NULL) {
            a->tensor = room(p, 1, sizeof *a->tensor);
            if (a->tensor == NULL || !read_tensor(p, f.bytes, a->tensor))
                return false;
        }
    }
    if (in.failed)
        return damaged(p, "an attribute is cut");
    if (!read_list(p, message, ATTRIBUTE_FLOATS, ELEMENT_FLOAT, &a->numbers, &floats) ||
        !read_list(p, message, ATTRIBUTE_INTS, ELEMENT_VARINT, &numbers, &ints) ||
        !read_texts(p, message, ATTRIBUTE_STRINGS, &a->texts, &texts))
        return false;
    if ((floats > 0) + (ints > 0) + (texts > 0) > 1)
        return damaged(p, "an attribute has lists of two kinds");
    a->numbers = ints > 0 ? numbers : a->numbers;
    a->count = floats + ints + texts;
    return true;
}

static bool read_node(struct parse *p, struct text message, struct onnx_node *n)
{
    struct proto_field f;
    struct reader in;

    *n = (struct onnx_node){0};
    if (!read_texts(p, message, NODE_INPUT, &n->input, &n->inputs) ||
        !read_texts(p, message, NODE_OUTPUT, &n->output, &n->outputs))
        return false;
    if (n->inputs + n->outputs > ONNX_LINKS_MAX - p->links)
        return damaged(p, "its nodes have too many inputs and outputs");
    p->links += n->inputs + n->outputs;
    if (occurrences(message, NODE_ATTRIBUTE) > ONNX_ATTRIBUTES_MAX)
        return damaged(p, "a node has too many attributes");
    n->attribute = room(p, ONNX_ATTRIBUTES_MAX, sizeof *n->attribute);
    if (n->attribute == NULL)
        return false;
    reader_init(&in, message.bytes, message.length);
    while (proto_next(&in, &f)) {
        if (f.wire != PROTO_BYTES)
            continue;
        if (f.number == NODE_OP)
            n->op = f.bytes;
        else if (f.number == NODE_DOMAIN)
            n->domain = f.bytes;
        else if (f.number == NODE_ATTRIBUTE &&
                 !read_attribute(p, f.bytes, &n->attribute[n->attributes++]))
            return false;
    }
    return !in.failed || damaged(p, "a node is cut");
}

/* ---- inputs and outputs ---- */

/* The bytes of the last field `number` of a message; empty where there is none. */
static struct text inner(struct text message, uint32_t number)
{
    struct text found = {"", 0};
    struct proto_field f;
    struct reader in;

    reader_init(&in, message.bytes, message.length);
    while (proto_next(&in, &f)) {
        if (f.number == number && f.wire == PROTO_BYTES)
            found = f.bytes;
    }
    return found;
}

static uint64_t inner_whole(struct text message, uint32_t number)
{
    uint64_t found = 0;
    struct proto_field f;
    struct reader in;

    reader_init(&in, message.bytes, message.length);
    while (proto_next(&in, &f)) {
        if (f.number == number && f.wire == PROTO_VARINT)
            found = f.value;
    }
    return found;
}

static bool read_port(struct parse *p, struct text message, struct onnx_port *port)
{
    struct text tensor = inner(inner(message, PORT_TYPE), TYPE_TENSOR), shape;
    struct proto_field f;
    struct reader in;

    *port = (struct onnx_port){.name = inner(message, PORT_NAME)};
    port->type = (enum onnx_type)inner_whole(tensor, TENSOR_TYPE_ELEMENT);
    shape = inner(tensor, TENSOR_TYPE_SHAPE);
    reader_init(&in, shape.bytes, shape.length);
    while (proto_next(&in, &f)) {
        if (f.number != SHAPE_DIMENSION || f.wire != PROTO_BYTES)
            continue;
        if (port->dimensions == ONNX_DIMENSIONS_MAX)
            return damaged(p, "an input or output has too many dimensions");
        port->size[port->dimensions++] = (int64_t)inner_whole(f.bytes, DIMENSION_VALUE);
    }
    return port->name.length > 0 || damaged(p, "an input or output has no name");
}

/* ---- the graph ---- */

static bool reserve(struct parse *p, struct text graph)
{
    struct onnx *o = p->o;

    if (occurrences(graph, GRAPH_NODE) > ONNX_NODES_MAX ||
        occurrences(graph, GRAPH_CONSTANT) > ONNX_CONSTANTS_MAX ||
        occurrences(graph, GRAPH_INPUT) > ONNX_PORTS_MAX + ONNX_CONSTANTS_MAX ||
        occurrences(graph, GRAPH_OUTPUT) > ONNX_PORTS_MAX)
        return error_set(p->e, ERROR_INVALID, "over %d nodes, %d constants or %d inputs or outputs",
                         ONNX_NODES_MAX, ONNX_CONSTANTS_MAX, ONNX_PORTS_MAX);
    o->node = room(p, occurrences(graph, GRAPH_NODE) + 1, sizeof *o->node);
    o->constant = room(p, occurrences(graph, GRAPH_CONSTANT) + 1, sizeof *o->constant);
    o->input = room(p, occurrences(graph, GRAPH_INPUT) + 1, sizeof *o->input);
    o->output = room(p, occurrences(graph, GRAPH_OUTPUT) + 1, sizeof *o->output);
    return o->node != NULL && o->constant != NULL && o->input != NULL && o->output != NULL;
}

static bool read_graph(struct parse *p, struct text graph)
{
    struct onnx *o = p->o;
    struct proto_field f;
    struct reader in;
    bool good = reserve(p, graph);

    reader_init(&in, graph.bytes, graph.length);
    while (good && proto_next(&in, &f)) {
        if (f.wire != PROTO_BYTES)
            continue;
        if (f.number == GRAPH_NODE)
            good = read_node(p, f.bytes, &o->node[o->nodes++]);
        else if (f.number == GRAPH_CONSTANT)
            good = read_tensor(p, f.bytes, &o->constant[o->constants++]);
        else if (f.number == GRAPH_INPUT)
            good = read_port(p, f.bytes, &o->input[o->inputs++]);
        else if (f.number == GRAPH_OUTPUT)
            good = read_port(p, f.bytes, &o->output[o->outputs++]);
        else if (f.number == GRAPH_SPARSE)
            good = error_set(p->e, ERROR_INVALID, "sparse constants are not read");
    }
    return good && (!in.failed || damaged(p, "its graph is cut"));
}

static bool read_model(struct parse *p, const void *bytes, size_t length)
{
    struct text message = {(const char *)bytes, length}, graph = {0};
    struct proto_field f;
    struct reader in;

    reader_init(&in, message.bytes, message.length);
    while (proto_next(&in, &f)) {
        if (f.wire != PROTO_BYTES)
            continue;
        if (f.number == MODEL_GRAPH)
            graph = f.bytes;
        else if (f.number == MODEL_PRODUCER)
            p->o->producer = f.bytes;
        else if (f.number == MODEL_PRODUCER_VERSION)
            p->o->producer_version = f.bytes;
    }
    if (in.failed || graph.length == 0)
        return damaged(p, in.failed ? "it is cut" : "it has no graph");
    return read_graph(p, graph);
}

struct onnx *onnx_parse(const void *bytes, size_t length, struct error *e)
{
    struct onnx *o = mem_alloc(sizeof *o);
    struct parse p = {.o = o, .e = e};

    arena_init(&o->memory, ONNX_MEMORY_MAX);
    if (read_model(&p, bytes, length))
        return o;
    onnx_free(o);
    return NULL;
}

void onnx_free(struct onnx *o)
{
    if (o == NULL)
        return;
    arena_fini(&o->memory);
    mem_free(o);
}

const struct onnx_attribute *onnx_attribute(const struct onnx_node *n, const char *name)
{
    for (uint32_t i = 0; i < n->attributes; i++) {
        if (text_is(n->attribute[i].name, name))
            return &n->attribute[i];
    }
    return NULL;
}
