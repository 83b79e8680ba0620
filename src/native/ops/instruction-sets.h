// ARITHMETIC_HEADER, compiled for each instruction set in a namespace of its own, and the choice among them.
//
// Included after the struct Arithmetic, which the header fills in as ARITHMETIC, by as many sources as have one.
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "../instruction-limit.h"

// Of any processor; meant for Arm's, which have 32 registers of 4 floats.
namespace plain {
constexpr const char* NAME = "plain";
constexpr int LANES = 4, ROWS = 8;
typedef float Part __attribute__((vector_size(LANES * sizeof(float))));
static inline Part loadPart(const float* from, long count) {
  Part result = {};
  for (long lane = 0; lane < count; lane++) result[lane] = from[lane];
  return result;
}
#include ARITHMETIC_HEADER
}  // namespace plain

#if defined(__x86_64__)

#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace avx2 {
constexpr const char* NAME = "avx2";
constexpr int LANES = 8, ROWS = 4;
static inline __m256 loadPart(const float* from, long count) {
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_maskload_ps(from, _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), lanes));
}
#include ARITHMETIC_HEADER
}  // namespace avx2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")
namespace avx512 {
constexpr const char* NAME = "avx512";
constexpr int LANES = 16, ROWS = 8;
static inline __m512 loadPart(const float* from, long count) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1 << count) - 1), from);
}
#include ARITHMETIC_HEADER
}  // namespace avx512
#pragma GCC pop_options

/** The best there is, of what oneDNN may use, too. */
static const Arithmetic* chooseArithmetic() {
  const InstructionLimit limit = instructionLimit();
  const bool isPlain = limit == InstructionLimit::plain, isAvx2 = limit == InstructionLimit::avx2;
  const bool hasAvx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool hasAvx512 = hasAvx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
  if (hasAvx512 && !isPlain && !isAvx2) return &avx512::ARITHMETIC;
  return hasAvx2 && !isPlain ? &avx2::ARITHMETIC : &plain::ARITHMETIC;
}

#else

static const Arithmetic* chooseArithmetic() { return &plain::ARITHMETIC; }

#endif
