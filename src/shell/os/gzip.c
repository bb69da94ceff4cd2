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
