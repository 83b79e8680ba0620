#include "convolution.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "parallel.h"

/** What arithmetic.h gives for an instruction set. */
struct Arithmetic {
  const char* name;
  long panel;
  long (*scratchSize)(const Shape&, long tiles);
  long (*gradientSize)(const Shape&);
  void (*transformFilter)(const Shape&, const float* filter, bool transposed, long panel, float* points);
  void (*convolve)(const Shape&, const float* x, const float* filter, Range, Panels, float* scratch, float* y);
  void (*correlate)(const Shape&, const float* x, const float* dy, Range, Panels, bool add, float* scratch,
                    float* sums);
  void (*transformFilterGradient)(const Shape&, const float* points, long slices, long panel, float* dw);
};

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
#include "arithmetic.h"
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
#include "arithmetic.h"
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
#include "arithmetic.h"
}  // namespace avx512
#pragma GCC pop_options

/** The best there is, of what oneDNN may use, too: ONEDNN_MAX_CPU_ISA. */
static const Arithmetic* chooseArithmetic() {
  const char* most = std::getenv("ONEDNN_MAX_CPU_ISA");
  const std::string limit = most == nullptr ? "" : most;
  const bool isPlain = limit == "SSE41" || limit == "AVX", isAvx2 = limit.rfind("AVX2", 0) == 0;
  const bool hasAvx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool hasAvx512 = hasAvx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
  if (hasAvx512 && !isPlain && !isAvx2) return &avx512::ARITHMETIC;
  return hasAvx2 && !isPlain ? &avx2::ARITHMETIC : &plain::ARITHMETIC;
}

#else

static const Arithmetic* chooseArithmetic() { return &plain::ARITHMETIC; }

#endif

namespace {

/** Everything that calls share. One convolution is computed at a time. */
struct State {
  explicit State(int threads) : threads(threads), scratch(threads) {}

  std::mutex mutex;
  Threads threads;
  std::vector<Buffer> scratch;
  Buffer filter;
};

const Arithmetic* arithmetic = nullptr;
State* state = nullptr;

/** Tiles whose points stay in a core's cache, against filters that do not. */
constexpr long TILES = 32;

/** The more channels, the more often sums pass through memory: fewer, longer ones. */
long tilesToCorrelate(const Shape& shape) { return TILES * std::max(1L, shape.inputs / 128); }

/**
 * Parts of the batch with sums of their own. Of the shape only, since the order of additions depends on it; all of
 * them together take about the memory of one at 512 channels.
 */
long slicesOf(const Shape& shape) {
  const long most = std::max(1L, 512 / std::max(shape.inputs, shape.outputs));
  return std::max(1L, std::min({16L, most, shape.tiles() / tilesToCorrelate(shape)}));
}

long panelsOf(const Shape& shape) { return (shape.outputs + arithmetic->panel - 1) / arithmetic->panel; }

/** Into how many groups the panels are cut, so that `parts` times as many tasks occupy all threads. */
long groupsFor(long parts, long panels) {
  const long wanted = 2 * state->threads.count();
  return parts >= wanted ? 1 : std::min(panels, (wanted + parts - 1) / parts);
}

Panels group(long index, long groups, long panels) {
  const long first = index * panels / groups;
  return {first, (index + 1) * panels / groups - first};
}

/** Scratch memory of every thread, found before they start. */
std::vector<float*> scratchFor(const Shape& shape, long tiles, long tasks) {
  std::vector<float*> result;
  for (Buffer& buffer : state->scratch) {
    const bool isUsed = static_cast<long>(result.size()) < tasks;
    result.push_back(isUsed ? buffer.floats(arithmetic->scratchSize(shape, tiles)) : nullptr);
  }
  return result;
}

}  // namespace

const char* prepareConvolutions(int threads) {
  arithmetic = chooseArithmetic();
  // Never deleted: its threads use it to the end of the process.
  state = new State(threads);
  state->threads.start();
  return arithmetic->name;
}

bool suits(const Shape& shape) {
  return shape.tiles() > 0 && shape.inputs > 0 && shape.outputs > 0;
}

void convolution(const Shape& shape, const float* x, const float* filter, bool transposed, float* y) {
  std::lock_guard<std::mutex> lock(state->mutex);
  const long panels = panelsOf(shape), tiles = shape.tiles();
  float* points = state->filter.floats(panels * POINTS * shape.inputs * arithmetic->panel);
  state->threads.run(panels, [&](long panel, int) {
    arithmetic->transformFilter(shape, filter, transposed, panel, points);
  });
  const long blocks = (tiles + TILES - 1) / TILES, groups = groupsFor(blocks, panels);
  const auto scratch = scratchFor(shape, TILES, blocks * groups);
  state->threads.run(blocks * groups, [&](long task, int worker) {
    const long first = task / groups * TILES;
    arithmetic->convolve(shape, x, points, {first, std::min(TILES, tiles - first)},
                         group(task % groups, groups, panels), scratch[worker], y);
  });
}

void filterGradient(const Shape& shape, const float* x, const float* dy, float* dw) {
  std::lock_guard<std::mutex> lock(state->mutex);
  const long panels = panelsOf(shape), size = arithmetic->gradientSize(shape);
  const long slices = slicesOf(shape), groups = groupsFor(slices, panels), block = tilesToCorrelate(shape);
  const auto scratch = scratchFor(shape, block, slices * groups);
  float* points = state->filter.floats(slices * size);
  state->threads.run(slices * groups, [&](long task, int worker) {
    const long slice = task / groups;
    const long begin = slice * shape.tiles() / slices, end = (slice + 1) * shape.tiles() / slices;
    for (long first = begin; first < end; first += block) {
      arithmetic->correlate(shape, x, dy, {first, std::min(block, end - first)}, group(task % groups, groups, panels),
                            first > begin, scratch[worker], points + slice * size);
    }
  });
  state->threads.run(panels, [&](long panel, int) {
    arithmetic->transformFilterGradient(shape, points, slices, panel, dw);
  });
}
