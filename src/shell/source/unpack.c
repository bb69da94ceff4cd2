#include "shell/source/unpack.h"

#include <zlib.h>
#include <zstd.h>

#include "core/base/memory.h"
#include "core/base/panic.h"

struct unpacker {
    enum packing packing;
    bool complete; /* no member is open */
    z_stream gzip;
    ZSTD_DStream *zstd;
};

static const struct {
    const char *bytes;
    size_t length;
    const char *name; /* NULL: ours */
    const char *hint;
    enum packing packing;
} magics[] = {
    {"\x1f\x8b", 2, NULL, NULL, PACKING_GZIP},
    {"\x28\xb5\x2f\xfd", 4, NULL, NULL, PACKING_ZSTD},
    {"PK\x03\x04", 4, "a zip archive or Excel workbook", "unpack it, or save it as CSV", 0},
    {"\xfd"
     "7zXZ",
     5, "packed by xz", "unpack it, or pack it by gzip or zstd", 0},
    {"BZh", 3, "packed by bzip2", "unpack it, or pack it by gzip or zstd", 0},
    {"\x04\x22\x4d\x18", 4, "packed by lz4", "unpack it, or pack it by gzip or zstd", 0},
    {"PAR1", 4, "a Parquet file", "export it as CSV or NDJSON", 0},
    {"\xd0\xcf\x11\xe0", 4, "an old Excel workbook", "save it as CSV", 0},
    {"\xff\xfe", 2, "UTF-16 text", "convert it: iconv -f UTF-16 -t UTF-8", 0},
    {"\xfe\xff", 2, "UTF-16 text", "convert it: iconv -f UTF-16 -t UTF-8", 0},
};

bool packing_find(struct text first, enum packing *packing, struct error *e)
{
    *packing = PACKING_NONE;
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++) {
        if (first.length < magics[i].length ||
            memcmp(first.bytes, magics[i].bytes, magics[i].length) != 0)
            continue;
        if (magics[i].name != NULL)
            return error_set(e, ERROR_INVALID, "is %s, which is not read: %s", magics[i].name,
                             magics[i].hint);
        *packing = magics[i].packing;
    }
    return true;
}

struct unpacker *unpacker_new(enum packing packing)
{
    struct unpacker *u = mem_alloc(sizeof *u);

    u->packing = packing;
    u->complete = true;
    if (packing == PACKING_GZIP) {
        int code = inflateInit2(&u->gzip, 15 + 16); /* gzip wrapper only */

        ASSERT(code == Z_OK);
    } else if (packing == PACKING_ZSTD) {
        u->zstd = ZSTD_createDStream();
        ASSERT(u->zstd != NULL);
    }
    return u;
}

void unpacker_free(struct unpacker *u)
{
    if (u == NULL)
        return;
    if (u->packing == PACKING_GZIP)
        inflateEnd(&u->gzip);
    ZSTD_freeDStream(u->zstd);
    mem_free(u);
}

bool unpacker_is_complete(const struct unpacker *u)
{
    return u->complete;
}

/* Several members may follow each other (as `cat a.gz b.gz` makes them). */
static bool unpack_gzip(struct unpacker *u, struct text *in, char *out, size_t room,
                        size_t *produced, struct error *e)
{
    int code;

    u->gzip.next_in = (Bytef *)(uintptr_t)in->bytes;
    u->gzip.avail_in = (uInt)in->length;
    u->gzip.next_out = (Bytef *)out;
    u->gzip.avail_out = (uInt)room;
    do {
        u->complete = u->complete && u->gzip.avail_in == 0;
        code = inflate(&u->gzip, Z_NO_FLUSH);
        if (code == Z_STREAM_END) {
            u->complete = true;
            (void)inflateReset(&u->gzip);
        }
    } while ((code == Z_OK || code == Z_STREAM_END) && u->gzip.avail_in > 0 &&
             u->gzip.avail_out > 0);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
        return error_set(e, ERROR_INVALID, "damaged gzip data: %s",
                         u->gzip.msg != NULL ? u->gzip.msg : "not understood");
    in->bytes += in->length - u->gzip.avail_in;
    in->length = u->gzip.avail_in;
    *produced = room - u->gzip.avail_out;
    return true;
}

static bool unpack_zstd(struct unpacker *u, struct text *in, char *out, size_t room,
                        size_t *produced, struct error *e)
{
    ZSTD_inBuffer from = {in->bytes, in->length, 0};
    ZSTD_outBuffer to = {out, room, 0};

    while (to.pos < to.size) {
        size_t before = to.pos;
        size_t left;

        if (u->complete && from.pos == from.size)
            break;
        left = ZSTD_decompressStream(u->zstd, &to, &from);
        if (ZSTD_isError(left))
            return error_set(e, ERROR_INVALID, "damaged zstd data: %s", ZSTD_getErrorName(left));
        u->complete = left == 0;
        if (from.pos == from.size && to.pos == before)
            break;
    }
    in->bytes += from.pos;
    in->length -= from.pos;
    *produced = to.pos;
    return true;
}

bool unpack(struct unpacker *u, struct text *in, char *out, size_t room, size_t *produced,
            struct error *e)
{
    size_t bytes;

    if (u->packing == PACKING_GZIP)
        return unpack_gzip(u, in, out, room, produced, e);
    if (u->packing == PACKING_ZSTD)
        return unpack_zstd(u, in, out, room, produced, e);
    bytes = in->length < room ? in->length : room;
    memcpy(out, in->bytes, bytes);
    in->bytes += bytes;
    in->length -= bytes;
    *produced = bytes;
    return true;
}
