#include "core/model/protobuf.h"

#include <string.h>

bool proto_varint(struct reader *in, uint64_t *v)
{
    *v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = reader_u8(in);

        *v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return !in->failed;
    }
    in->failed = true;
    return false;
}

bool proto_next(struct reader *in, struct proto_field *f)
{
    uint64_t key, length;

    *f = (struct proto_field){0};
    if (reader_left(in) == 0 || !proto_varint(in, &key) || key >> 3 > UINT32_MAX)
        return false;
    f->number = (uint32_t)(key >> 3);
    f->wire = (enum proto_wire)(key & 7);
    switch (f->wire) {
    case PROTO_VARINT:
        return proto_varint(in, &f->value);
    case PROTO_FIXED64:
        f->value = reader_u64(in);
        return !in->failed;
    case PROTO_FIXED32:
        f->value = reader_u32(in);
        return !in->failed;
    case PROTO_BYTES:
        if (!proto_varint(in, &length) || length > reader_left(in))
            break;
        f->bytes = (struct text){reader_get(in, (size_t)length), (size_t)length};
        return !in->failed;
    default:
        break;
    }
    in->failed = true;
    return false;
}

double proto_float(uint64_t bits)
{
    uint32_t low = (uint32_t)bits;
    float v;

    memcpy(&v, &low, sizeof v);
    return (double)v;
}

double proto_double(uint64_t bits)
{
    double v;

    memcpy(&v, &bits, sizeof v);
    return v;
}

void proto_add_varint(struct buffer *b, uint64_t v)
{
    while (v >= 0x80) {
        buffer_add_u8(b, (uint8_t)(v | 0x80));
        v >>= 7;
    }
    buffer_add_u8(b, (uint8_t)v);
}

void proto_add_whole(struct buffer *b, uint32_t number, int64_t v)
{
    proto_add_varint(b, (uint64_t)number << 3 | PROTO_VARINT);
    proto_add_varint(b, (uint64_t)v);
}

void proto_add_float(struct buffer *b, uint32_t number, float v)
{
    uint32_t bits;

    memcpy(&bits, &v, sizeof bits);
    proto_add_varint(b, (uint64_t)number << 3 | PROTO_FIXED32);
    buffer_add_u32(b, bits);
}

void proto_add_bytes(struct buffer *b, uint32_t number, struct text t)
{
    proto_add_varint(b, (uint64_t)number << 3 | PROTO_BYTES);
    proto_add_varint(b, t.length);
    buffer_add_slice(b, t);
}
