/* The ways to sum a forest's leaves; internal to core/model. All visit the same leaves and add
 * integers, so they agree to the bit: which one is taken is a question of speed only. */
#ifndef ASSAY_MODEL_KERNEL_H
#define ASSAY_MODEL_KERNEL_H

#include "core/model/ranks.h"

struct forest_kernel {
    const char *name;
    enum simd level;   /* that it takes at least */
    bool byte_permute; /* whether it takes simd_has_byte_permute() */
    bool (*fits)(const struct forest_ranks *r);
    /* sum[i] += the leaf values of all trees for row i of 1 .. MODEL_BLOCK_LARGE ranked rows. */
    void (*sum)(const struct forest_ranks *r, const uint16_t *ranks, uint32_t rows, int64_t *sum);
};

/* The fastest first; the last fits everything. */
extern const struct forest_kernel forest_kernels[];
extern const unsigned forest_kernel_count;

/* Whether the kernel can do this forest at this level on this processor. */
bool forest_kernel_fits(const struct forest_kernel *k, const struct forest_ranks *r,
                        enum simd level);
const struct forest_kernel *forest_kernel_of(const struct forest_ranks *r, enum simd level);

/* The rows of the table. */
void lines_sum_scalar(const struct forest_ranks *r, const uint16_t *ranks, uint32_t rows,
                      int64_t *sum);
#if defined(__x86_64__)
bool lines_fit_avx2(const struct forest_ranks *r);
void lines_sum_avx2(const struct forest_ranks *r, const uint16_t *ranks, uint32_t rows,
                    int64_t *sum);
bool lines_fit_avx512(const struct forest_ranks *r);
void lines_sum_avx512(const struct forest_ranks *r, const uint16_t *ranks, uint32_t rows,
                      int64_t *sum);
void blocks_sum_avx2(const struct forest_ranks *r, const uint16_t *ranks, uint32_t rows,
                     int64_t *sum);
void blocks_sum_avx512(const struct forest_ranks *r, const uint16_t *ranks, uint32_t rows,
                       int64_t *sum);
#endif

#endif
