// resize-arithmetic.h, compiled for AVX2 and for any processor, and the choice between them.
//
// Included after the struct Arithmetic, which the header fills in as ARITHMETIC.
#include "../instruction-limit.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace plain {
constexpr const char* NAME = "plain";
constexpr long LANES = 4;
typedef int32_t Vector __attribute__((vector_size(LANES * sizeof(int32_t))));

/** [red green blue and something] of a pixel. */
static inline Vector loadPixels(const uint8_t* from) { return Vector{from[0], from[1], from[2], 0}; }
/** Its weight, for each. */
static inline Vector loadWeights(const int32_t* from) { return Vector{*from, *from, *from, *from}; }
static inline Vector loadBytes(const uint8_t* from) { return Vector{from[0], from[1], from[2], from[3]}; }
static inline void storeBytes(Vector values, uint8_t* to) {
  for (long lane = 0; lane < LANES; lane++) to[lane] = static_cast<uint8_t>(std::clamp(values[lane], 0, 255));
}
/** A pixel of each row. */
template <long rows>
static inline void storePixels(const Vector (&sums)[rows], Rows<uint8_t> to) {
  for (long row = 0; row < rows; row++) storeBytes(sums[row] >> BITS, to.data + row * to.pitch);
}
#include "resize-arithmetic.h"
}  // namespace plain

#if defined(__x86_64__)

#pragma GCC push_options
#pragma GCC target("avx2")
namespace avx2 {
constexpr const char* NAME = "avx2";
constexpr long LANES = 8;
typedef int32_t Vector __attribute__((vector_size(LANES * sizeof(int32_t))));

static inline __m128i loadEight(const void* from) { return _mm_loadl_epi64(static_cast<const __m128i*>(from)); }
/** [red green blue 0] of two pixels; 8 bytes are read. */
static inline Vector loadPixels(const uint8_t* from) {
  const __m256i places = _mm256_setr_epi8(0, -1, -1, -1, 1, -1, -1, -1, 2, -1, -1, -1, -1, -1, -1, -1,  //
                                          3, -1, -1, -1, 4, -1, -1, -1, 5, -1, -1, -1, -1, -1, -1, -1);
  return reinterpret_cast<Vector>(_mm256_shuffle_epi8(_mm256_broadcastq_epi64(loadEight(from)), places));
}
/** Their weights, for each. */
static inline Vector loadWeights(const int32_t* from) {
  const __m256i lanes = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
  return reinterpret_cast<Vector>(_mm256_permutevar8x32_epi32(_mm256_castsi128_si256(loadEight(from)), lanes));
}
static inline Vector loadBytes(const uint8_t* from) {
  return reinterpret_cast<Vector>(_mm256_cvtepu8_epi32(loadEight(from)));
}
/** Values in halves [a b] [c d] -> bytes in halves [a c] [b d], 4 of each, and the same again. */
static inline __m256i packed(Vector first, Vector second) {
  const __m256i words = _mm256_packs_epi32(reinterpret_cast<__m256i>(first), reinterpret_cast<__m256i>(second));
  return _mm256_packus_epi16(words, words);
}
static inline void storeBytes(Vector values, uint8_t* to) {
  const __m256i bytes = packed(values, values);
  const __m128i both = _mm_unpacklo_epi32(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(to), both);
}
static inline void storeFour(int32_t bytes, uint8_t* to) { std::memcpy(to, &bytes, sizeof bytes); }
/** The sums of two pixels stand apart in each vector -> those of two rows, one a half. */
static inline Vector joined(Vector first, Vector second) {
  const __m256i a = reinterpret_cast<__m256i>(first), b = reinterpret_cast<__m256i>(second);
  const __m256i lower = _mm256_permute2x128_si256(a, b, 0x20), upper = _mm256_permute2x128_si256(a, b, 0x31);
  return reinterpret_cast<Vector>(lower) + reinterpret_cast<Vector>(upper);
}
/** A pixel of each row. */
static inline void storePixels(const Vector (&sums)[1], Rows<uint8_t> to) {
  const Vector one = joined(sums[0], sums[0]) >> BITS;
  storeFour(_mm_cvtsi128_si32(_mm256_castsi256_si128(packed(one, one))), to.data);
}
static inline void storePixels(const Vector (&sums)[4], Rows<uint8_t> to) {
  const __m256i bytes = packed(joined(sums[0], sums[1]) >> BITS, joined(sums[2], sums[3]) >> BITS);
  const __m128i even = _mm256_castsi256_si128(bytes), odd = _mm256_extracti128_si256(bytes, 1);
  storeFour(_mm_extract_epi32(even, 0), to.data);
  storeFour(_mm_extract_epi32(odd, 0), to.data + to.pitch);
  storeFour(_mm_extract_epi32(even, 1), to.data + 2 * to.pitch);
  storeFour(_mm_extract_epi32(odd, 1), to.data + 3 * to.pitch);
}
#include "resize-arithmetic.h"
}  // namespace avx2
#pragma GCC pop_options

/** The best there is, of what oneDNN may use, too. */
static const Arithmetic* chooseArithmetic() {
  const bool isPlain = instructionLimit() == InstructionLimit::plain;
  return __builtin_cpu_supports("avx2") && !isPlain ? &avx2::ARITHMETIC : &plain::ARITHMETIC;
}

#else

static const Arithmetic* chooseArithmetic() { return &plain::ARITHMETIC; }

#endif
