// Winograd's minimal filtering F(4x4, 3x3), for one instruction set.
//
// Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (arXiv 1509.09308): with B, G and A of that
// paper, a tile of outputs is A' [(G w G') . (B' x B)] A, the product in the middle taken at each of 36 points and
// summed over the inputs' channels. The gradient of the filter is the same backwards: G' [(B' x B) . (A dy A')] G.
//
// Included in a namespace of its own for each instruction set, after NAME, LANES (floats of a vector) and ROWS (of a
// product that is kept in registers). Channels of inputs are a multiple of LANES, those of outputs of PANEL.
//
// Layouts: points of a filter [outputs/PANEL][36][inputs][PANEL]; points of tiles, see PointsOfTiles.

typedef float Vector __attribute__((vector_size(LANES * sizeof(float))));
typedef float Unaligned __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

constexpr long PANEL = 2 * LANES;

/** Terms that are summed in one go: sums of short sums round less than long ones, and the factors stay in the cache. */
constexpr long DEPTH = 64;

static inline Vector load(const float* from) { return *reinterpret_cast<const Unaligned*>(from); }
static inline void store(float* to, Vector value) { *reinterpret_cast<Unaligned*>(to) = value; }

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

/** One of the above along both axes: [count count] -> [wanted wanted]. */
static inline __attribute__((always_inline)) void alongBoth(void (*transform)(const Vector*, int, Vector*, int),
                                                            int count, int wanted, const Vector* square,
                                                            Vector* result) {
  Vector half[POINTS];
  for (int k = 0; k < count; k++) transform(square + k, count, half + k, count);
  for (int k = 0; k < wanted; k++) transform(half + k * count, 1, result + k * wanted, 1);
}

/** c [ROWS PANEL] = (add ? c : 0) + sum over k of a[row * aRow + k * aDepth] b[k][PANEL]. */
static inline void multiply(const float* a, long aRow, long aDepth, const float* b, long depth, float* c, bool add) {
  Vector sums[ROWS][2] = {};
  for (long k = 0; k < depth; k++) {
    const Vector left = load(b + k * PANEL), right = load(b + k * PANEL + LANES);
#pragma GCC unroll 16
    for (int row = 0; row < ROWS; row++) {
      const float factor = a[row * aRow + k * aDepth];
      sums[row][0] += factor * left;
      sums[row][1] += factor * right;
    }
  }
#pragma GCC unroll 16
  for (int row = 0; row < ROWS; row++) {
    float* left = c + row * PANEL;
    float* right = left + LANES;
    store(left, add ? load(left) + sums[row][0] : sums[row][0]);
    store(right, add ? load(right) + sums[row][1] : sums[row][1]);
  }
}

/** Channels that lie together where tiles are summed over: those of a vector, and of the rows of a product. */
constexpr long BLOCK = LANES > ROWS ? LANES : ROWS;

/** Where points of tiles lie: tile t, channel c of a point are at tile * t + block * (c / BLOCK) + c % BLOCK. */
struct PointsOfTiles {
  long tile, block, size;

  /** [36][tiles][channels]: a tile's channels are summed over. */
  static PointsOfTiles byTile(long tiles, long channels) { return {channels, BLOCK, plane(tiles, channels)}; }
  /** [36][channels/BLOCK][tiles][BLOCK]: tiles are summed over. */
  static PointsOfTiles byChannel(long tiles, long channels) { return {BLOCK, tiles * BLOCK, plane(tiles, channels)}; }

 private:
  /** Floats of a point: whole rows of a product, and a bit, so that the 36 are not a power of two apart (caches). */
  static long plane(long tiles, long channels) { return (tiles + ROWS - 1) / ROWS * ROWS * channels + LANES; }
};

static void transformInput(const Shape& shape, const float* x, Range tiles, const PointsOfTiles& to, float* points) {
  for (long t = 0; t < tiles.count; t++) {
    const Tile tile = tileAt(shape, tiles.first + t);
    for (long channel = 0; channel < shape.inputs; channel += LANES) {
      Vector window[POINTS], whole[POINTS];
      for (int k = 0; k < POINTS; k++) {
        const long row = tile.row + k / WINDOW - 1, column = tile.column + k % WINDOW - 1;
        const bool inside = row >= 0 && row < shape.height && column >= 0 && column < shape.width;
        window[k] = inside ? load(x + shape.input(tile.image, row, column) + channel) : Vector{};
      }
      alongBoth(inputToPoints, WINDOW, WINDOW, window, whole);
      float* place = points + t * to.tile + channel / BLOCK * to.block + channel % BLOCK;
      for (int p = 0; p < POINTS; p++) store(place + p * to.size, whole[p]);
    }
  }
}

/** dy of a panel's channels -> its points [36][tiles][PANEL], each `size` floats. */
static void transformOutputGradient(const Shape& shape, const float* dy, Range tiles, long panel, long size,
                                    float* points) {
  for (long t = 0; t < tiles.count; t++) {
    const Tile tile = tileAt(shape, tiles.first + t);
    for (long channel = 0; channel < PANEL; channel += LANES) {
      Vector pixels[TILE * TILE], whole[POINTS];
      for (int k = 0; k < TILE * TILE; k++) {
        const long place = shape.output(tile.image, tile.row + k / TILE, tile.column + k % TILE);
        pixels[k] = load(dy + place + panel * PANEL + channel);
      }
      alongBoth(outputToPoints, TILE, WINDOW, pixels, whole);
      for (int p = 0; p < POINTS; p++) store(points + p * size + t * PANEL + channel, whole[p]);
    }
  }
}

/** The points [36][tiles][PANEL] of a panel's channels, each `size` floats -> y. */
static void transformOutput(const Shape& shape, const float* points, long size, Range tiles, long panel, float* y) {
  for (long t = 0; t < tiles.count; t++) {
    const Tile tile = tileAt(shape, tiles.first + t);
    for (long channel = 0; channel < PANEL; channel += LANES) {
      Vector whole[POINTS], pixels[TILE * TILE];
      for (int p = 0; p < POINTS; p++) whole[p] = load(points + p * size + t * PANEL + channel);
      alongBoth(pointsToOutput, WINDOW, TILE, whole, pixels);
      for (int k = 0; k < TILE * TILE; k++) {
        const long place = shape.output(tile.image, tile.row + k / TILE, tile.column + k % TILE);
        store(y + place + panel * PANEL + channel, pixels[k]);
      }
    }
  }
}

/** PANEL floats of a filter at one tap: [3 3 inputs outputs], or turned about and [3 3 outputs inputs]. */
static inline Vector tap(const Shape& shape, const float* filter, bool transposed, int tap, long input, long output) {
  if (!transposed) return load(filter + (tap * shape.inputs + input) * shape.outputs + output);
  const float* from = filter + ((TAPS * TAPS - 1 - tap) * shape.outputs + output) * shape.inputs + input;
  Vector result;
  for (int lane = 0; lane < LANES; lane++) result[lane] = from[lane * shape.inputs];
  return result;
}

static void transformFilter(const Shape& shape, const float* filter, bool transposed, long panel, float* points) {
  float* place = points + panel * POINTS * shape.inputs * PANEL;
  for (long input = 0; input < shape.inputs; input++) {
    for (long channel = 0; channel < PANEL; channel += LANES) {
      Vector taps[TAPS * TAPS], whole[POINTS];
      for (int k = 0; k < TAPS * TAPS; k++) {
        taps[k] = tap(shape, filter, transposed, k, input, panel * PANEL + channel);
      }
      alongBoth(filterToPoints, TAPS, WINDOW, taps, whole);
      for (int p = 0; p < POINTS; p++) store(place + (p * shape.inputs + input) * PANEL + channel, whole[p]);
    }
  }
}

/** Sums `slices` of a filter's points, one after the other in memory, and gives the taps: dw [3 3 inputs outputs]. */
static void transformFilterGradient(const Shape& shape, const float* points, long slices, long panel, float* dw) {
  const long size = POINTS * shape.inputs * shape.outputs;
  const float* place = points + panel * POINTS * shape.inputs * PANEL;
  for (long input = 0; input < shape.inputs; input++) {
    for (long channel = 0; channel < PANEL; channel += LANES) {
      Vector whole[POINTS], taps[TAPS * TAPS];
      for (int p = 0; p < POINTS; p++) {
        const float* from = place + (p * shape.inputs + input) * PANEL + channel;
        whole[p] = load(from);
        for (long slice = 1; slice < slices; slice++) whole[p] += load(from + slice * size);
      }
      alongBoth(pointsToFilter, WINDOW, TAPS, whole, taps);
      for (int k = 0; k < TAPS * TAPS; k++) {
        store(dw + (k * shape.inputs + input) * shape.outputs + panel * PANEL + channel, taps[k]);
      }
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
        const long depth = shape.inputs - k < DEPTH ? shape.inputs - k : DEPTH;
        for (long t = 0; t < tiles.count; t += ROWS) {
          multiply(scratch + p * inputs.size + t * inputs.tile + k, inputs.tile, 1, weights + k * PANEL, depth,
                   products + p * size + t * PANEL, k > 0);
        }
      }
    }
    transformOutput(shape, products, size, tiles, panel, y);
  }
}

/** What some tiles give to some panels of the filter's points: `sums`, begun with them or added to. */
static void correlate(const Shape& shape, const float* x, const float* dy, Range tiles, Panels panels, bool add,
                      float* scratch, float* sums) {
  const auto inputs = PointsOfTiles::byChannel(tiles.count, shape.inputs);
  const long size = PointsOfTiles::byTile(tiles.count, PANEL).size;
  float* gradients = scratch + POINTS * inputs.size;
  transformInput(shape, x, tiles, inputs, scratch);
  for (long panel = panels.first; panel < panels.first + panels.count; panel++) {
    transformOutputGradient(shape, dy, tiles, panel, size, gradients);
    for (int p = 0; p < POINTS; p++) {
      float* sum = sums + (panel * POINTS + p) * shape.inputs * PANEL;
      for (long input = 0; input < shape.inputs; input += ROWS) {
        multiply(scratch + p * inputs.size + input / BLOCK * inputs.block + input % BLOCK, 1, inputs.tile,
                 gradients + p * size, tiles.count, sum + input * PANEL, add);
      }
    }
  }
}

constexpr Arithmetic ARITHMETIC = {
    NAME, PANEL, scratchSize, transformFilter, convolve, correlate, transformFilterGradient,
};
