// The two passes over a row, for one instruction set; see instruction-sets.h.
//
// Whole numbers of 32 bits: a sum is that of values of 8 bits, times weights that add up to 2^BITS, and a half.

constexpr int32_t HALF = 1 << (BITS - 1);

/** Pixels, or their colours, that a vector has room for. */
constexpr long PIXELS = LANES / 4;

template <long rows>
static inline void acrossRows(const Filter& filter, Rows<const uint8_t> pixels, Rows<uint8_t> to) {
  // Each pixel is stored with a byte too many, which the next one mends.
  const long count = static_cast<long>(filter.outputs.size());
  for (long i = 0; i < count; i++, to.data += 3) {
    const Output& output = filter.outputs[static_cast<size_t>(filter.flip ? count - 1 - i : i)];
    const uint8_t* from = pixels.data + (output.taps.first - filter.first) * 3;
    const int32_t* weights = filter.weights.data() + output.weights;
    Vector sums[rows];
    // Once for each colour, of however many pixels.
#pragma GCC unroll 4
    for (Vector& sum : sums) sum = Vector{HALF, HALF, HALF};
    for (long tap = 0; tap < output.taps.count; tap += PIXELS) {
      const Vector weight = loadWeights(weights + tap);
#pragma GCC unroll 4
      for (long row = 0; row < rows; row++) sums[row] += loadPixels(from + row * pixels.pitch + tap * 3) * weight;
    }
    storePixels(sums, to);
  }
}

static void across(const Filter& filter, long count, Rows<const uint8_t> from, Rows<uint8_t> to) {
  if (count == ROWS) {
    acrossRows<ROWS>(filter, from, to);
  } else {
    acrossRows<1>(filter, from, to);
  }
}

/** The weighted sums of values [begin, begin + LANES * vectors). */
template <long vectors>
static inline void sums(const uint8_t* const* rows, const int32_t* weights, long count, long begin, uint8_t* to) {
  Vector sum[vectors];
#pragma GCC unroll 4
  for (Vector& one : sum) one = Vector{} + HALF;
  for (long tap = 0; tap < count; tap++) {
    const uint8_t* from = rows[tap] + begin;
#pragma GCC unroll 4
    for (long i = 0; i < vectors; i++) sum[i] += loadBytes(from + i * LANES) * weights[tap];
  }
#pragma GCC unroll 4
  for (long i = 0; i < vectors; i++) storeBytes(sum[i] >> BITS, to + i * LANES);
}

static void down(const uint8_t* const* rows, const int32_t* weights, long count, long size, uint8_t* to) {
  constexpr long MANY = 4;
  long i = 0;
  for (; i + MANY * LANES <= size; i += MANY * LANES) sums<MANY>(rows, weights, count, i, to + i);
  for (; i + LANES <= size; i += LANES) sums<1>(rows, weights, count, i, to + i);
  if (i == size) return;
  uint8_t last[LANES];
  sums<1>(rows, weights, count, i, last);
  std::memcpy(to + i, last, static_cast<size_t>(size - i));
}

constexpr Arithmetic ARITHMETIC = {NAME, across, down};
