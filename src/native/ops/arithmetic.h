// Winograd's minimal filtering F(4x4, 3x3), for one instruction set.
//
// Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (arXiv 1509.09308): with B, G and A of that
// paper, a tile of outputs is A' [(G w G') . (B' x B)] A, the product in the middle taken at each of 36 points and
// summed over the inputs' channels. The gradient of the filter is the same backwards: G' [(B' x B) . (A dy A')] G.
//
// Included in a namespace of its own for each instruction set, after NAME, LANES (floats of a vector), ROWS (of a
// product that is kept in registers) and loadPart.
//
// Layouts: points of a filter [panels][36][inputs][PANEL], those of channels beyond the last left as they are; points
// of tiles, see PointsOfTiles. Points of the filter's gradient have whole blocks of inputs.

#include "products.h"

typedef int Lanes __attribute__((vector_size(LANES * sizeof(int))));

/** Exchanges the halves that two rows have in each other's place, `step` lanes wide. */
template <int step, int... lane>
static inline void exchange(Vector& upper, Vector& lower, std::integer_sequence<int, lane...>) {
  const Vector a = upper, b = lower;
  upper = __builtin_shuffle(a, b, Lanes{(lane & step ? LANES + lane - step : lane)...});
  lower = __builtin_shuffle(a, b, Lanes{(lane & step ? LANES + lane : lane + step)...});
}

/** Rows become columns: [LANES LANES]. */
template <int step = LANES / 2>
static inline void transpose(Vector* rows) {
  for (int row = 0; row < LANES; row++) {
    if ((row & step) == 0) exchange<step>(rows[row], rows[row + step], std::make_integer_sequence<int, LANES>());
  }
  if constexpr (step > 1) transpose<step / 2>(rows);
}

// The transforms along one axis: elements `from` apart become elements `to` apart.
//
// The paper interpolates at 0, +-1, +-2 and infinity; at 0, +-5/8, +-3/2 and infinity the rounding errors are half as
// large. Of points between 1/4 and 2 none that was tried had smaller ones; those that are not binary fractions make
// transforms that are not quite each other's inverse.
constexpr float P = 0.625f, Q = 1.5f;
constexpr float P2 = P * P, Q2 = Q * Q, P3 = P * P2, Q3 = Q * Q2, SUM = P2 + Q2, PRODUCT = P2 * Q2;
constexpr float SCALE_0 = 1 / PRODUCT, SCALE_P = 1 / (2 * P2 * (P2 - Q2)), SCALE_Q = 1 / (2 * Q2 * (Q2 - P2));

/** The points of +-P and +-Q, from sums over even and over odd powers. */
static inline void fromPowers(Vector evenP, Vector oddP, Vector evenQ, Vector oddQ, Vector* points, int to) {
  points[to] = evenP + oddP;
  points[2 * to] = evenP - oddP;
  points[3 * to] = evenQ + oddQ;
  points[4 * to] = evenQ - oddQ;
}

/** B' x: 6 inputs -> 6 points. */
static inline void inputToPoints(const Vector* x, int from, Vector* points, int to) {
  const Vector x0 = x[0], x1 = x[from], x2 = x[2 * from], x3 = x[3 * from], x4 = x[4 * from], x5 = x[5 * from];
  const Vector evenP = x4 - Q2 * x2, oddP = P * (x3 - Q2 * x1);
  const Vector evenQ = x4 - P2 * x2, oddQ = Q * (x3 - P2 * x1);
  points[0] = PRODUCT * x0 - SUM * x2 + x4;
  fromPowers(evenP, oddP, evenQ, oddQ, points, to);
  points[5 * to] = PRODUCT * x1 - SUM * x3 + x5;
}

/** A' m: 6 points -> 4 outputs. */
static inline void pointsToOutput(const Vector* m, int from, Vector* y, int to) {
  const Vector sumP = m[from] + m[2 * from], differenceP = m[from] - m[2 * from];
  const Vector sumQ = m[3 * from] + m[4 * from], differenceQ = m[3 * from] - m[4 * from];
  y[0] = m[0] + sumP + sumQ;
  y[to] = P * differenceP + Q * differenceQ;
  y[2 * to] = P2 * sumP + Q2 * sumQ;
  y[3 * to] = P3 * differenceP + Q3 * differenceQ + m[5 * from];
}

/** A dy: 4 outputs -> 6 points. */
static inline void outputToPoints(const Vector* y, int from, Vector* points, int to) {
  const Vector y0 = y[0], y1 = y[from], y2 = y[2 * from], y3 = y[3 * from];
  const Vector evenP = y0 + P2 * y2, oddP = P * y1 + P3 * y3;
  const Vector evenQ = y0 + Q2 * y2, oddQ = Q * y1 + Q3 * y3;
  points[0] = y0;
  fromPowers(evenP, oddP, evenQ, oddQ, points, to);
  points[5 * to] = y3;
}

/** G w: 3 taps -> 6 points. */
static inline void filterToPoints(const Vector* w, int from, Vector* points, int to) {
  const Vector w0 = w[0], w1 = w[from], w2 = w[2 * from];
  const Vector evenP = SCALE_P * (w0 + P2 * w2), oddP = SCALE_P * P * w1;
  const Vector evenQ = SCALE_Q * (w0 + Q2 * w2), oddQ = SCALE_Q * Q * w1;
  points[0] = SCALE_0 * w0;
  fromPowers(evenP, oddP, evenQ, oddQ, points, to);
  points[5 * to] = w2;
}

/** G' du: 6 points -> 3 taps. */
static inline void pointsToFilter(const Vector* du, int from, Vector* dw, int to) {
  const Vector sumP = SCALE_P * (du[from] + du[2 * from]), differenceP = SCALE_P * (du[from] - du[2 * from]);
  const Vector sumQ = SCALE_Q * (du[3 * from] + du[4 * from]), differenceQ = SCALE_Q * (du[3 * from] - du[4 * from]);
  dw[0] = SCALE_0 * du[0] + sumP + sumQ;
  dw[to] = P * differenceP + Q * differenceQ;
  dw[2 * to] = P2 * sumP + Q2 * sumQ + du[5 * from];
}

/** One of the above along both axes: [count count] from take(row, column) -> [wanted wanted] to put, in registers. */
template <int count, int wanted, typename Transform, typename Take, typename Put>
static inline __attribute__((always_inline)) void alongBoth(const Transform& transform, const Take& take,
                                                            const Put& put) {
  Vector half[wanted * count], from[count], to[wanted];
  for (int column = 0; column < count; column++) {
#pragma GCC unroll 6
    for (int row = 0; row < count; row++) from[row] = take(row, column);
    transform(from, 1, to, 1);
#pragma GCC unroll 6
    for (int row = 0; row < wanted; row++) half[row * count + column] = to[row];
  }
  for (int row = 0; row < wanted; row++) {
    transform(half + row * count, 1, to, 1);
#pragma GCC unroll 6
    for (int column = 0; column < wanted; column++) put(row, column, to[column]);
  }
}

/** Where points of tiles lie: tile t, channel c of a point are at tile * t + block * (c / BLOCK) + c % BLOCK. */
struct PointsOfTiles {
  long tile, block, size;

  /** [36][tiles][channels]: a tile's channels are summed over. */
  static PointsOfTiles byTile(long tiles, long channels) {
    return {wholeBlocks(channels), BLOCK, plane(tiles, channels)};
  }
  /** [36][channels/BLOCK][tiles][BLOCK]: tiles are summed over. */
  static PointsOfTiles byChannel(long tiles, long channels) { return {BLOCK, tiles * BLOCK, plane(tiles, channels)}; }

 private:
  /** Floats of a point: whole rows of a product, and a bit, so that the 36 are not a power of two apart (caches). */
  static long plane(long tiles, long channels) { return wholeBlocks(tiles) * wholeBlocks(channels) + LANES; }
};

/** A square of pixels, all of them there and with whole vectors of channels (`whole`), or some. */
template <bool whole, typename Float>
struct Pixels {
  Float* first;
  long rowPitch, columnPitch;
  const Inside& inside;
  long lanes;

  Vector get(long row, long column) const {
    const float* place = first + row * rowPitch + column * columnPitch;
    if constexpr (whole) return load(place);
    return inside.contains(row, column) ? load(place, lanes) : Vector{};
  }
  void set(long row, long column, Vector pixel) const {
    float* place = first + row * rowPitch + column * columnPitch;
    if constexpr (whole) return store(place, pixel);
    if (inside.contains(row, column)) store(place, pixel, lanes);
  }
};

/** Calls body(pixels) for the square at `row`, `column`, `channel` of images with so many channels. */
template <typename Float, typename Body>
static inline __attribute__((always_inline)) void withPixels(const Shape& shape, Float* first, long channels,
                                                             const Inside& inside, long channel, const Body& body) {
  const long rowPitch = shape.width * channels, lanes = lanesAt(channels, channel);
  if (inside.isWhole() && lanes == LANES) {
    body(Pixels<true, Float>{first + channel, rowPitch, channels, inside, lanes});
  } else {
    body(Pixels<false, Float>{first + channel, rowPitch, channels, inside, lanes});
  }
}

static void transformInput(const Shape& shape, const float* x, Range tiles, const PointsOfTiles& to, float* points) {
  for (long t = 0; t < tiles.count; t++) {
    const Tile tile = tileAt(shape, tiles.first + t);
    const long row = tile.row - 1, column = tile.column - 1;
    const Inside inside(shape, row, column, WINDOW);
    const float* first = x + shape.input(tile.image, row, column);
    for (long channel = 0; channel < wholeBlocks(shape.inputs); channel += LANES) {
      float* place = points + t * to.tile + channel / BLOCK * to.block + channel % BLOCK;
      withPixels(shape, first, shape.inputs, inside, channel, [&](const auto& pixels) {
        const auto take = [&](int row, int column) { return pixels.get(row, column); };
        const auto put = [&](int row, int column, Vector point) {
          store(place + (row * WINDOW + column) * to.size, point);
        };
        alongBoth<WINDOW, WINDOW>(inputToPoints, take, put);
      });
    }
  }
}

/** dy of a panel's channels -> its points [36][tiles][PANEL], each `size` floats. */
static void transformOutputGradient(const Shape& shape, const float* dy, Range tiles, long panel, long size,
                                    float* points) {
  for (long t = 0; t < tiles.count; t++) {
    const Tile tile = tileAt(shape, tiles.first + t);
    const Inside inside(shape, tile.row, tile.column, TILE);
    const float* first = dy + shape.output(tile.image, tile.row, tile.column);
    for (long channel = 0; channel < PANEL && panel * PANEL + channel < shape.outputs; channel += LANES) {
      float* place = points + t * PANEL + channel;
      withPixels(shape, first, shape.outputs, inside, panel * PANEL + channel, [&](const auto& pixels) {
        const auto take = [&](int row, int column) { return pixels.get(row, column); };
        const auto put = [&](int row, int column, Vector point) {
          store(place + (row * WINDOW + column) * size, point);
        };
        alongBoth<TILE, WINDOW>(outputToPoints, take, put);
      });
    }
  }
}

/** The points [36][tiles][PANEL] of a panel's channels, each `size` floats -> y. */
static void transformOutput(const Shape& shape, const float* points, long size, Range tiles, long panel, float* y) {
  for (long t = 0; t < tiles.count; t++) {
    const Tile tile = tileAt(shape, tiles.first + t);
    const Inside inside(shape, tile.row, tile.column, TILE);
    float* first = y + shape.output(tile.image, tile.row, tile.column);
    for (long channel = 0; channel < PANEL && panel * PANEL + channel < shape.outputs; channel += LANES) {
      const float* place = points + t * PANEL + channel;
      withPixels(shape, first, shape.outputs, inside, panel * PANEL + channel, [&](const auto& pixels) {
        const auto take = [&](int row, int column) { return load(place + (row * WINDOW + column) * size); };
        const auto put = [&](int row, int column, Vector pixel) { pixels.set(row, column, pixel); };
        alongBoth<WINDOW, TILE>(pointsToOutput, take, put);
      });
    }
  }
}

/** Some outputs of a filter for LANES inputs, or as many as there are, at one tap: [inputs outputs]. */
static inline void tap(const Shape& shape, const float* filter, bool transposed, int tap, long input, long output,
                       Vector* weights) {
  const long inputs = lanesAt(shape.inputs, input), outputs = lanesAt(shape.outputs, output);
  if (!transposed) {
    const float* from = filter + (tap * shape.inputs + input) * shape.outputs + output;
    for (long i = 0; i < inputs; i++) weights[i] = load(from + i * shape.outputs, outputs);
    return;
  }
  // [3 3 outputs inputs], turned about.
  const float* from = filter + ((TAPS * TAPS - 1 - tap) * shape.outputs + output) * shape.inputs + input;
  for (long o = 0; o < LANES; o++) weights[o] = o < outputs ? load(from + o * shape.inputs, inputs) : Vector{};
  transpose(weights);
}

static void transformFilter(const Shape& shape, const float* filter, bool transposed, long panel, float* points) {
  float* place = points + panel * POINTS * shape.inputs * PANEL;
  for (long input = 0; input < shape.inputs; input += LANES) {
    for (long channel = 0; channel < PANEL; channel += LANES) {
      if (lanesAt(shape.outputs, panel * PANEL + channel) == 0) break;
      Vector weights[TAPS * TAPS][LANES];
      for (int k = 0; k < TAPS * TAPS; k++) {
        tap(shape, filter, transposed, k, input, panel * PANEL + channel, weights[k]);
      }
      for (long i = 0; i < lanesAt(shape.inputs, input); i++) {
        const auto take = [&](int row, int column) { return weights[row * TAPS + column][i]; };
        const auto put = [&](int row, int column, Vector point) {
          store(place + ((row * WINDOW + column) * shape.inputs + input + i) * PANEL + channel, point);
        };
        alongBoth<TAPS, WINDOW>(filterToPoints, take, put);
      }
    }
  }
}

/** Floats of the points of a filter's gradient. */
static long gradientSize(const Shape& shape) {
  return POINTS * wholeBlocks(shape.inputs) * ((shape.outputs + PANEL - 1) / PANEL * PANEL);
}

/** Sums `slices` of a filter's points, one after the other in memory, and gives the taps: dw [3 3 inputs outputs]. */
static void transformFilterGradient(const Shape& shape, const float* points, long slices, long panel, float* dw) {
  const long rows = wholeBlocks(shape.inputs), size = gradientSize(shape);
  const float* place = points + panel * POINTS * rows * PANEL;
  for (long input = 0; input < shape.inputs; input++) {
    for (long channel = 0; channel < PANEL; channel += LANES) {
      const long first = panel * PANEL + channel, lanes = lanesAt(shape.outputs, first);
      if (lanes == 0) break;
      const auto take = [&](int row, int column) {
        const float* from = place + ((row * WINDOW + column) * rows + input) * PANEL + channel;
        Vector sum = load(from);
        for (long slice = 1; slice < slices; slice++) sum += load(from + slice * size);
        return sum;
      };
      const auto put = [&](int row, int column, Vector weight) {
        store(dw + ((row * TAPS + column) * shape.inputs + input) * shape.outputs + first, weight, lanes);
      };
      alongBoth<WINDOW, TAPS>(pointsToFilter, take, put);
    }
  }
}

/** Floats that `convolve` and `correlate` need beside their inputs and outputs. */
static long scratchSize(const Shape& shape, long tiles) {
  return POINTS * (PointsOfTiles::byTile(tiles, shape.inputs).size + PointsOfTiles::byTile(tiles, PANEL).size);
}

/** Some tiles and panels of y, from x and the points of the filter. */
static void convolve(const Shape& shape, const float* x, const float* filter, Range tiles, Panels panels,
                     float* scratch, float* y) {
  const auto inputs = PointsOfTiles::byTile(tiles.count, shape.inputs);
  const long size = PointsOfTiles::byTile(tiles.count, PANEL).size;
  float* products = scratch + POINTS * inputs.size;
  transformInput(shape, x, tiles, inputs, scratch);
  for (long panel = panels.first; panel < panels.first + panels.count; panel++) {
    for (int p = 0; p < POINTS; p++) {
      const float* weights = filter + (panel * POINTS + p) * shape.inputs * PANEL;
      for (long k = 0; k < shape.inputs; k += DEPTH) {
        const auto at = [&](long t) { return scratch + p * inputs.size + t * inputs.tile + k; };
        multiplyRows(tiles.count, isNarrow(shape.outputs, panel), at, inputs.tile, 1, weights + k * PANEL,
                     std::min(DEPTH, shape.inputs - k), products + p * size, k > 0);
      }
    }
    transformOutput(shape, products, size, tiles, panel, y);
  }
}

/** What some tiles give to some panels of the filter's points: `sums`, begun with them or added to. */
static void correlate(const Shape& shape, const float* x, const float* dy, Range tiles, Panels panels, bool add,
                      float* scratch, float* sums) {
  const auto inputs = PointsOfTiles::byChannel(tiles.count, shape.inputs);
  const long size = PointsOfTiles::byTile(tiles.count, PANEL).size, rows = wholeBlocks(shape.inputs);
  float* gradients = scratch + POINTS * inputs.size;
  transformInput(shape, x, tiles, inputs, scratch);
  for (long panel = panels.first; panel < panels.first + panels.count; panel++) {
    transformOutputGradient(shape, dy, tiles, panel, size, gradients);
    for (int p = 0; p < POINTS; p++) {
      const auto at = [&](long input) {
        return scratch + p * inputs.size + input / BLOCK * inputs.block + input % BLOCK;
      };
      multiplyRows(shape.inputs, isNarrow(shape.outputs, panel), at, 1, inputs.tile, gradients + p * size, tiles.count,
                   sums + (panel * POINTS + p) * rows * PANEL, add);
    }
  }
}

constexpr Arithmetic ARITHMETIC = {
    NAME, PANEL, scratchSize, gradientSize, transformFilter, convolve, correlate, transformFilterGradient,
};
