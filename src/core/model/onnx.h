/* An ONNX file taken apart: its graph's inputs, constants, nodes and outputs. What they mean is
 * import_onnx.c's. */
#ifndef ASSAY_MODEL_ONNX_H
#define ASSAY_MODEL_ONNX_H

#include "core/base/memory.h"
#include "core/base/text.h"

enum {
    ONNX_NODES_MAX = 4096,
    ONNX_CONSTANTS_MAX = 4096,
    ONNX_PORTS_MAX = 1024,    /* inputs, and outputs, of the graph */
    ONNX_LINKS_MAX = 32768,   /* inputs and outputs of all nodes */
    ONNX_ATTRIBUTES_MAX = 64, /* of a node */
    ONNX_DIMENSIONS_MAX = 4,
    ONNX_MEMORY_MAX = 1 << 30,
};

enum onnx_type {
    ONNX_UNDEFINED = 0,
    ONNX_FLOAT = 1,
    ONNX_INT32 = 6,
    ONNX_INT64 = 7,
    ONNX_STRING = 8,
    ONNX_BOOL = 9,
    ONNX_DOUBLE = 11,
};

struct onnx_tensor {
    struct text name;
    enum onnx_type type;
    uint32_t dimensions;
    int64_t size[ONNX_DIMENSIONS_MAX];
    uint32_t count;
    double *number; /* not of texts */
    struct text *text;
};

struct onnx_attribute {
    struct text name;
    double number; /* f or i */
    struct text text;
    struct onnx_tensor *tensor;
    uint32_t count;  /* of the lists */
    double *numbers; /* floats or ints */
    struct text *texts;
    bool has_graph;
};

struct onnx_node {
    struct text op, domain;
    uint32_t inputs, outputs, attributes;
    struct text *input, *output;
    struct onnx_attribute *attribute;
};

/* An input or output of the graph. */
struct onnx_port {
    struct text name;
    enum onnx_type type; /* ONNX_UNDEFINED: a sequence or map */
    uint32_t dimensions;
    int64_t size[ONNX_DIMENSIONS_MAX]; /* 0: not fixed */
};

struct onnx {
    struct arena memory;
    struct text producer, producer_version;
    uint32_t inputs, outputs, nodes, constants;
    struct onnx_port *input, *output;
    struct onnx_node *node;
    struct onnx_tensor *constant;
};

/* Texts point into `bytes`, which must outlive it. NULL and ERROR_INVALID (or ERROR_FULL). */
struct onnx *onnx_parse(const void *bytes, size_t length, struct error *e) MUST_USE;
void onnx_free(struct onnx *o);

const struct onnx_attribute *onnx_attribute(const struct onnx_node *n, const char *name);

#endif
