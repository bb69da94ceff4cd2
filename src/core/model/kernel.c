#include "core/model/kernel.h"

static bool always(const struct forest_ranks *r)
{
    return true;
}

#if defined(__x86_64__)
static bool has_blocks(const struct forest_ranks *r)
{
    return r->blocks != NULL;
}
#endif

const struct forest_kernel forest_kernels[] = {
#if defined(__x86_64__)
    {"blocks-avx512", SIMD_AVX512, true, has_blocks, blocks_sum_avx512},
    {"blocks-avx2", SIMD_AVX2, false, has_blocks, blocks_sum_avx2},
    {"lines-avx512", SIMD_AVX512, false, lines_fit_avx512, lines_sum_avx512},
    {"lines-avx2", SIMD_AVX2, false, lines_fit_avx2, lines_sum_avx2},
#endif
    {"lines-scalar", SIMD_SCALAR, false, always, lines_sum_scalar},
};

const unsigned forest_kernel_count = sizeof forest_kernels / sizeof *forest_kernels;

bool forest_kernel_fits(const struct forest_kernel *k, const struct forest_ranks *r,
                        enum simd level)
{
    return level >= k->level && (!k->byte_permute || simd_has_byte_permute()) && k->fits(r);
}

const struct forest_kernel *forest_kernel_of(const struct forest_ranks *r, enum simd level)
{
    const struct forest_kernel *k = forest_kernels;

    while (!forest_kernel_fits(k, r, level))
        k++;
    return k;
}
