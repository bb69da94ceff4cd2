/* Protocol buffers' wire format, as far as ONNX needs it: reading and writing of fields. */
#ifndef ASSAY_MODEL_PROTOBUF_H
#define ASSAY_MODEL_PROTOBUF_H

#include "core/base/buffer.h"

enum proto_wire { PROTO_VARINT = 0, PROTO_FIXED64 = 1, PROTO_BYTES = 2, PROTO_FIXED32 = 5 };

struct proto_field {
    uint32_t number;
    enum proto_wire wire;
    uint64_t value;    /* of a varint, or the bits of a fixed one */
    struct text bytes; /* PROTO_BYTES; borrowed */
};

/* The next field of a message; false at its end or where it is damaged (then in->failed). Groups
 * are damage. */
bool proto_next(struct reader *in, struct proto_field *f);
bool proto_varint(struct reader *in, uint64_t *v);

double proto_float(uint64_t bits); /* of PROTO_FIXED32, or 4 little-endian bytes */
double proto_double(uint64_t bits);

void proto_add_varint(struct buffer *b, uint64_t v);
void proto_add_whole(struct buffer *b, uint32_t number, int64_t v);
void proto_add_float(struct buffer *b, uint32_t number, float v);
void proto_add_bytes(struct buffer *b, uint32_t number, struct text t);

#endif
