// Convolution by patches of some pixels, for one instruction set; see instruction-sets.h.
//
// Layouts: patches [pixels][wholeBlocks(depth)]; filters [panels of outputs][depth][PANEL], and for the gradient of the
// input [taps][panels of inputs][outputs][PANEL].

#include "products.h"

/** Copies `count` floats, or zeros from null; what lies up to a vector behind them is overwritten. */
static inline void copy(const float* from, long count, float* to) {
  for (long i = 0; i < count; i += LANES) store(to + i, from ? load(from + i, lanesAt(count, i)) : Vector{});
}

/** The patches under some output pixels. */
static void gather(const PatchShape& shape, const float* x, long first, long count, float* patches) {
  const long kernel = shape.kernel, inputs = shape.inputs, pitch = wholeBlocks(shape.depth());
  for (long t = 0; t < count; t++) {
    const long pixel = first + t, image = pixel / shape.pixelsOfImage();
    const long top = pixel / shape.across() % shape.down() * shape.stride - shape.padding();
    const long left = pixel % shape.across() * shape.stride - shape.padding();
    const long begin = std::max(0L, -left), end = std::min(kernel, shape.width - left);
    float* to = patches + t * pitch;
    for (long row = top; row < top + kernel; row++, to += kernel * inputs) {
      if (row < 0 || row >= shape.height) {
        copy(nullptr, kernel * inputs, to);
        continue;
      }
      const float* from = x + ((image * shape.height + row) * shape.width + left) * inputs;
      copy(nullptr, begin * inputs, to);
      copy(from + begin * inputs, (end - begin) * inputs, to + begin * inputs);
      copy(nullptr, (kernel - end) * inputs, to + end * inputs);
    }
  }
}

/** c = a b, in sums of DEPTH terms: a [rows] from at(row), `pitch` apart; b [depth PANEL]. */
template <typename At>
static inline void multiplyInParts(long rows, bool narrow, const At& at, long pitch, const float* b, long depth,
                                   float* c) {
  for (long k = 0; k < depth; k += DEPTH) {
    const auto part = [&](long row) { return at(row) + k; };
    multiplyRows(rows, narrow, part, pitch, 1, b + k * PANEL, std::min(DEPTH, depth - k), c, k > 0);
  }
}

static long panelsOf(long channels) { return (channels + PANEL - 1) / PANEL; }

/** Columns of a matrix [rows][columns] -> [rows][PANEL]. */
static inline void cutPanel(const float* matrix, long rows, long columns, long panel, float* to) {
  for (long row = 0; row < rows; row++) {
    for (long column = 0; column < PANEL; column += LANES) {
      const long first = panel * PANEL + column;
      store(to + row * PANEL + column, load(matrix + row * columns + first, lanesAt(columns, first)));
    }
  }
}

/** The filter for `convolve`. */
static void packFilter(const PatchShape& shape, const float* filter, float* packed) {
  for (long panel = 0; panel < panelsOf(shape.outputs); panel++) {
    cutPanel(filter, shape.depth(), shape.outputs, panel, packed + panel * shape.depth() * PANEL);
  }
}

/** The filter for `inputGradient`. */
static void packTransposed(const PatchShape& shape, const float* filter, float* packed) {
  const long inputs = shape.inputs, outputs = shape.outputs, padded = panelsOf(inputs) * PANEL;
  for (long k = 0; k < shape.kernel * shape.kernel * padded; k++) {
    const long tap = k / padded, input = k % padded;
    float* to = packed + (tap * padded + input / PANEL * PANEL) * outputs + input % PANEL;
    for (long output = 0; output < outputs; output++) {
      to[output * PANEL] = input < inputs ? filter[(tap * inputs + input) * outputs + output] : 0;
    }
  }
}

/** Floats of a packed filter, in either way. */
static long filterSize(const PatchShape& shape) {
  return std::max(panelsOf(shape.outputs) * PANEL * shape.depth(),
                  shape.kernel * shape.kernel * panelsOf(shape.inputs) * PANEL * shape.outputs);
}

/** Floats of the filter's gradient, in panels. */
static long gradientSize(const PatchShape& shape) {
  return panelsOf(shape.outputs) * PANEL * wholeBlocks(shape.depth());
}

/** Floats that each of the next three needs beside its inputs and outputs, for so many pixels at a time. */
static long scratchSize(const PatchShape& shape, long pixels) {
  const long rows = wholeBlocks(pixels), widest = std::max(wholeBlocks(shape.depth()), shape.outputs);
  return rows * (widest + PANEL) + LANES;
}

/** Some pixels of y. */
static void convolve(const PatchShape& shape, const float* x, const float* filter, long first, long count,
                     float* scratch, float* y) {
  const long depth = shape.depth(), pitch = wholeBlocks(depth), outputs = shape.outputs;
  float *products = scratch, *patches = scratch + wholeBlocks(count) * PANEL;
  gather(shape, x, first, count, patches);
  for (long panel = 0; panel < panelsOf(outputs); panel++) {
    const auto at = [&](long row) { return patches + row * pitch; };
    multiplyInParts(count, isNarrow(outputs, panel), at, pitch, filter + panel * depth * PANEL, depth, products);
    for (long t = 0; t < count; t++) {
      for (long channel = panel * PANEL, i = 0; i < PANEL && channel < outputs; i += LANES, channel += LANES) {
        store(y + (first + t) * outputs + channel, load(products + t * PANEL + i), lanesAt(outputs, channel));
      }
    }
  }
}

/** Adds what some pixels of an image's dy give to its dx. */
static void inputGradient(const PatchShape& shape, const float* dy, const float* filter, long first, long count,
                          float* scratch, float* dx) {
  const long inputs = shape.inputs, outputs = shape.outputs, panels = panelsOf(inputs), across = shape.across();
  float *products = scratch, *gradients = scratch + wholeBlocks(count) * PANEL;
  copy(dy + first * outputs, count * outputs, gradients);
  for (long tap = 0; tap < shape.kernel * shape.kernel; tap++) {
    for (long panel = 0; panel < panels; panel++) {
      const auto at = [&](long row) { return gradients + row * outputs; };
      const float* weights = filter + (tap * panels + panel) * PANEL * outputs;
      multiplyInParts(count, isNarrow(inputs, panel), at, outputs, weights, outputs, products);
      for (long t = 0; t < count; t++) {
        const long row = (first + t) / across * shape.stride + tap / shape.kernel - shape.padding();
        const long column = (first + t) % across * shape.stride + tap % shape.kernel - shape.padding();
        if (row < 0 || row >= shape.height || column < 0 || column >= shape.width) continue;
        float* pixel = dx + (row * shape.width + column) * inputs;
        for (long channel = panel * PANEL, i = 0; i < PANEL && channel < inputs; i += LANES, channel += LANES) {
          const long lanes = lanesAt(inputs, channel);
          store(pixel + channel, load(pixel + channel, lanes) + load(products + t * PANEL + i), lanes);
        }
      }
    }
  }
}

/** What some pixels give to the filter's gradient: `sums`, begun with them or added to. */
static void filterGradient(const PatchShape& shape, const float* x, const float* dy, long first, long count, bool add,
                           float* scratch, float* sums) {
  const long depth = shape.depth(), pitch = wholeBlocks(depth), outputs = shape.outputs;
  float *gradients = scratch, *patches = scratch + wholeBlocks(count) * PANEL;
  gather(shape, x, first, count, patches);
  for (long panel = 0; panel < panelsOf(outputs); panel++) {
    cutPanel(dy + first * outputs, count, outputs, panel, gradients);
    const auto at = [&](long row) { return patches + row; };
    multiplyRows(depth, isNarrow(outputs, panel), at, 1, pitch, gradients, count, sums + panel * pitch * PANEL, add);
  }
}

/** Sums `slices` of the filter's gradient, one after the other in memory -> dw. */
static void sumSlices(const PatchShape& shape, const float* sums, long slices, float* dw) {
  const long rows = wholeBlocks(shape.depth()), size = gradientSize(shape), outputs = shape.outputs;
  for (long row = 0; row < shape.depth(); row++) {
    for (long output = 0; output < outputs; output += LANES) {
      const float* from = sums + (output / PANEL * rows + row) * PANEL + output % PANEL;
      Vector sum = load(from);
      for (long slice = 1; slice < slices; slice++) sum += load(from + slice * size);
      store(dw + row * outputs + output, sum, lanesAt(outputs, output));
    }
  }
}

constexpr Arithmetic ARITHMETIC = {
    NAME,     packFilter,    packTransposed, filterSize, gradientSize, scratchSize,
    convolve, inputGradient, filterGradient, sumSlices,
};
