#include "shell/os/gzip.h"

#include <limits.h>
#include <zlib.h>

enum { GZIP_LEVEL = 4, GZIP_WINDOW = 15 + 16 /* with gzip's head */, GZIP_MEMORY = 8 };

bool gzip_pack(struct text bytes, struct buffer *out)
{
    z_stream z = {.next_in = (Bytef *)bytes.bytes, .avail_in = (uInt)bytes.length};
    bool is_shorter = false;
    char *room;

    if (bytes.length > INT_MAX || deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
                                               Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    room = buffer_reserve(out, bytes.length);
    if (room != NULL) {
        z.next_out = (Bytef *)room;
        z.avail_out = (uInt)bytes.length;
        is_shorter = deflate(&z, Z_FINISH) == Z_STREAM_END;
        if (is_shorter)
            out->length += z.total_out;
    }
    deflateEnd(&z);
    return is_shorter;
}

bool gzip_unpack(struct text packed, size_t length, struct buffer *out)
{
    z_stream z = {.next_in = (Bytef *)packed.bytes, .avail_in = (uInt)packed.length};
    bool is_whole = false;
    char *room;

    if (packed.length > INT_MAX || length > INT_MAX || inflateInit2(&z, GZIP_WINDOW) != Z_OK)
        return false;
    room = buffer_reserve(out, length);
    if (room != NULL) {
        z.next_out = (Bytef *)room;
        z.avail_out = (uInt)length;
        is_whole = inflate(&z, Z_FINISH) == Z_STREAM_END && z.total_out == length;
        if (is_whole)
            out->length += length;
    }
    inflateEnd(&z);
    return is_whole;
}
