#include "patches.h"

#include <algorithm>
#include <cstring>
#include <mutex>

#include "parallel.h"

namespace {

/** What patches-arithmetic.h gives for an instruction set. */
struct Arithmetic {
  const char* name;
  void (*packFilter)(const PatchShape&, const float* filter, float* packed);
  void (*packTransposed)(const PatchShape&, const float* filter, float* packed);
  long (*filterSize)(const PatchShape&);
  long (*gradientSize)(const PatchShape&);
  long (*scratchSize)(const PatchShape&, long pixels);
  void (*convolve)(const PatchShape&, const float* x, const float* filter, long first, long count, float* scratch,
                   float* y);
  void (*inputGradient)(const PatchShape&, const float* dy, const float* filter, long first, long count,
                        float* scratch, float* dx);
  void (*filterGradient)(const PatchShape&, const float* x, const float* dy, long first, long count, bool add,
                         float* scratch, float* sums);
  void (*sumSlices)(const PatchShape&, const float* sums, long slices, float* dw);
};

}  // namespace

#define ARITHMETIC_HEADER "patches-arithmetic.h"
#include "instruction-sets.h"

namespace {

const Arithmetic* arithmetic = nullptr;

/** Pixels whose patches stay in a core's cache. */
constexpr long PIXELS = 32;

/** Parts of the batch with sums of their own. Of the shape only, since the order of additions depends on it. */
long slicesOf(const PatchShape& shape) { return std::clamp(shape.pixels() / (8 * PIXELS), 1L, 16L); }

/** Calls body(first, count) for the pixels [begin, end), some at a time. */
template <typename Body>
void forEachBlock(long begin, long end, const Body& body) {
  for (long first = begin; first < end; first += PIXELS) body(first, std::min(PIXELS, end - first));
}

}  // namespace

void preparePatches() { arithmetic = chooseArithmetic(); }

void convolvePatches(const PatchShape& shape, const float* x, const float* filter, float* y) {
  std::lock_guard<std::mutex> lock(pool->mutex);
  float* packed = pool->shared.floats(arithmetic->filterSize(shape));
  arithmetic->packFilter(shape, filter, packed);
  const long blocks = (shape.pixels() + PIXELS - 1) / PIXELS;
  const auto scratch = pool->scratchFor(blocks, arithmetic->scratchSize(shape, PIXELS));
  pool->threads.run(blocks, [&](long block, int worker) {
    const long first = block * PIXELS;
    arithmetic->convolve(shape, x, packed, first, std::min(PIXELS, shape.pixels() - first), scratch[worker], y);
  });
}

void patchInputGradient(const PatchShape& shape, const float* dy, const float* filter, float* dx) {
  std::lock_guard<std::mutex> lock(pool->mutex);
  float* packed = pool->shared.floats(arithmetic->filterSize(shape));
  arithmetic->packTransposed(shape, filter, packed);
  const auto scratch = pool->scratchFor(shape.images, arithmetic->scratchSize(shape, PIXELS));
  pool->threads.run(shape.images, [&](long image, int worker) {
    const long size = shape.height * shape.width * shape.inputs, pixels = shape.pixelsOfImage();
    float* gradient = dx + image * size;
    std::fill_n(gradient, size, 0.0f);
    forEachBlock(0, pixels, [&](long first, long count) {
      arithmetic->inputGradient(shape, dy + image * pixels * shape.outputs, packed, first, count, scratch[worker],
                                gradient);
    });
  });
}

void patchFilterGradient(const PatchShape& shape, const float* x, const float* dy, float* dw) {
  std::lock_guard<std::mutex> lock(pool->mutex);
  const long slices = slicesOf(shape), size = arithmetic->gradientSize(shape);
  const auto scratch = pool->scratchFor(slices, arithmetic->scratchSize(shape, PIXELS));
  float* sums = pool->shared.floats(slices * size);
  pool->threads.run(slices, [&](long slice, int worker) {
    const long begin = slice * shape.pixels() / slices, end = (slice + 1) * shape.pixels() / slices;
    forEachBlock(begin, end, [&](long first, long count) {
      arithmetic->filterGradient(shape, x, dy, first, count, first > begin, scratch[worker], sums + slice * size);
    });
  });
  arithmetic->sumSlices(shape, sums, slices, dw);
}
