#include "core/base/simd.h"

enum simd simd_best(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("bmi2"))
        return SIMD_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"))
        return SIMD_AVX2;
#endif
    return SIMD_SCALAR;
}

bool simd_has_byte_permute(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512vbmi");
#else
    return false;
#endif
}

const char *simd_name(enum simd level)
{
    static const char *const names[] = {"scalar", "avx2", "avx512"};

    return names[level];
}
