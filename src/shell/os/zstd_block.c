#include "shell/os/zstd_block.h"

#include <zstd.h>

#include "core/base/panic.h"

struct zstd_packer *zstd_packer_new(int level)
{
    ZSTD_CCtx *c = ZSTD_createCCtx();

    ASSERT(c != NULL);
    ASSERT(!ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, level)));
    ASSERT(!ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1)));
    return (struct zstd_packer *)c;
}

void zstd_packer_free(struct zstd_packer *p)
{
    ZSTD_freeCCtx((ZSTD_CCtx *)p);
}

size_t zstd_block_bound(size_t length)
{
    return ZSTD_compressBound(length);
}

size_t zstd_block_pack(struct zstd_packer *p, const void *bytes, size_t length, void *out)
{
    size_t packed = ZSTD_compress2((ZSTD_CCtx *)p, out, ZSTD_compressBound(length), bytes, length);

    ASSERT(!ZSTD_isError(packed));
    return packed;
}

bool zstd_block_unpack(const void *packed, size_t packed_bytes, void *out, size_t length)
{
    size_t got = ZSTD_decompress(out, length, packed, packed_bytes);

    return !ZSTD_isError(got) && got == length;
}
