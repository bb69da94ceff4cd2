/* Blocks of bytes packed by zstd, each a frame of its own with a checksum (libzstd behind this
 * header; streams are source/unpack.h's). */
#ifndef ASSAY_OS_ZSTD_BLOCK_H
#define ASSAY_OS_ZSTD_BLOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/error.h"

struct zstd_packer; /* one thread */
struct zstd_packer *zstd_packer_new(int level);
void zstd_packer_free(struct zstd_packer *p); /* takes NULL */
size_t zstd_block_bound(size_t length);       /* bytes of a packed block, at most */
/* Bytes written to `out`, which has room for zstd_block_bound(length). */
size_t zstd_block_pack(struct zstd_packer *p, const void *bytes, size_t length, void *out);
/* False: it is no frame of just `length` bytes, or it was changed. */
bool zstd_block_unpack(const void *packed, size_t packed_bytes, void *out, size_t length) MUST_USE;

#endif
