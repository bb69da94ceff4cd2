/* Unpacking of gzip and zstd, block by block: zlib.h and zstd.h are known to unpack.c only. */
#ifndef ASSAY_SOURCE_UNPACK_H
#define ASSAY_SOURCE_UNPACK_H

#include <stdint.h>

#include "core/base/error.h"
#include "core/base/text.h"

enum { UNPACK_MAGIC_BYTES = 8 };

enum packing { PACKING_NONE, PACKING_GZIP, PACKING_ZSTD };

/* By the first bytes of a file. ERROR_INVALID for what is neither text nor a packing of ours: zip,
 * xz, bzip2, Parquet, Excel, UTF-16. */
bool packing_find(struct text first, enum packing *packing, struct error *e) MUST_USE;

struct unpacker; /* one thread */

struct unpacker *unpacker_new(enum packing packing);
void unpacker_free(struct unpacker *u);

/* Takes from *in what it can and fills `out`; sets *produced. False for damaged input. */
bool unpack(struct unpacker *u, struct text *in, char *out, size_t room, size_t *produced,
            struct error *e) MUST_USE;
/* Whether the input may end here: not inside a packed member. */
bool unpacker_is_complete(const struct unpacker *u);

#endif
