/* Which instruction sets a kernel may use. All levels give the same bits; the choice is made once
 * by the shell (the best that the processor has, or ASSAY_SIMD=scalar|avx2|avx512) and passed in.
 */
#ifndef ASSAY_BASE_SIMD_H
#define ASSAY_BASE_SIMD_H

#include <stdbool.h>

enum simd { SIMD_SCALAR, SIMD_AVX2, SIMD_AVX512 };

enum simd simd_best(void); /* of this processor */
/* Whether it permutes bytes over a whole AVX-512 register (VBMI): not all that have SIMD_AVX512 do.
 */
bool simd_has_byte_permute(void);
const char *simd_name(enum simd level); /* "scalar", "avx2", "avx512" */

#endif
