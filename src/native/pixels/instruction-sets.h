// resize-arithmetic.h, compiled for AVX2 and for any processor, and the choice between them.
//
// Included after the struct Arithmetic, which the header fills in as ARITHMETIC.
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
static inline void storePixel(Vector values, uint8_t* to) { storeBytes(values >> BITS, to); }
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
static inline __m128i packed(Vector values) {
  const __m256i all = reinterpret_cast<__m256i>(values);
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
  return _mm_packus_epi16(words, words);
}
static inline void storeBytes(Vector values, uint8_t* to) {
  _mm_storel_epi64(reinterpret_cast<__m128i*>(to), packed(values));
}
/** The sum of two pixels, whose halves still stand apart. */
static inline void storePixel(Vector sums, uint8_t* to) {
  const __m256i halves = reinterpret_cast<__m256i>(sums);
  const __m256i swapped = _mm256_permute2x128_si256(halves, halves, 1);
  const int32_t four = _mm_cvtsi128_si32(packed((sums + reinterpret_cast<Vector>(swapped)) >> BITS));
  std::memcpy(to, &four, sizeof four);
}
#include "resize-arithmetic.h"
}  // namespace avx2
#pragma GCC pop_options

/** The best there is, of what oneDNN may use, too, as for our own ops: ONEDNN_MAX_CPU_ISA. */
static const Arithmetic* chooseArithmetic() {
  const char* most = std::getenv("ONEDNN_MAX_CPU_ISA");
  const std::string limit = most == nullptr ? "" : most;
  const bool isPlain = limit == "SSE41" || limit == "AVX";
  return __builtin_cpu_supports("avx2") && !isPlain ? &avx2::ARITHMETIC : &plain::ARITHMETIC;
}

#else

static const Arithmetic* chooseArithmetic() { return &plain::ARITHMETIC; }

#endif
