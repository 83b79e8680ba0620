#include "convolution.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

#include "parallel.h"

namespace {

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

}  // namespace

#define ARITHMETIC_HEADER "arithmetic.h"
#include "instruction-sets.h"

namespace {

const Arithmetic* arithmetic = nullptr;

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
  const long wanted = 2 * pool->threads.count();
  return parts >= wanted ? 1 : std::min(panels, (wanted + parts - 1) / parts);
}

Panels group(long index, long groups, long panels) {
  const long first = index * panels / groups;
  return {first, (index + 1) * panels / groups - first};
}

}  // namespace

const char* prepareConvolutions() {
  arithmetic = chooseArithmetic();
  return arithmetic->name;
}

bool suits(const Shape& shape) {
  return shape.tiles() > 0 && shape.inputs > 0 && shape.outputs > 0;
}

void convolution(const Shape& shape, const float* x, const float* filter, bool transposed, float* y) {
  std::lock_guard<std::mutex> lock(pool->mutex);
  const long panels = panelsOf(shape), tiles = shape.tiles();
  float* points = pool->shared.floats(panels * POINTS * shape.inputs * arithmetic->panel);
  pool->threads.run(panels, [&](long panel, int) {
    arithmetic->transformFilter(shape, filter, transposed, panel, points);
  });
  const long blocks = (tiles + TILES - 1) / TILES, groups = groupsFor(blocks, panels);
  const auto scratch = pool->scratchFor(blocks * groups, arithmetic->scratchSize(shape, TILES));
  pool->threads.run(blocks * groups, [&](long task, int worker) {
    const long first = task / groups * TILES;
    arithmetic->convolve(shape, x, points, {first, std::min(TILES, tiles - first)},
                         group(task % groups, groups, panels), scratch[worker], y);
  });
}

void filterGradient(const Shape& shape, const float* x, const float* dy, float* dw) {
  std::lock_guard<std::mutex> lock(pool->mutex);
  const long panels = panelsOf(shape), size = arithmetic->gradientSize(shape);
  const long slices = slicesOf(shape), groups = groupsFor(slices, panels), block = tilesToCorrelate(shape);
  const auto scratch = pool->scratchFor(slices * groups, arithmetic->scratchSize(shape, block));
  float* points = pool->shared.floats(slices * size);
  pool->threads.run(slices * groups, [&](long task, int worker) {
    const long slice = task / groups;
    const long begin = slice * shape.tiles() / slices, end = (slice + 1) * shape.tiles() / slices;
    for (long first = begin; first < end; first += block) {
      arithmetic->correlate(shape, x, dy, {first, std::min(block, end - first)}, group(task % groups, groups, panels),
                            first > begin, scratch[worker], points + slice * size);
    }
  });
  pool->threads.run(panels, [&](long panel, int) {
    arithmetic->transformFilterGradient(shape, points, slices, panel, dw);
  });
}
