// Batch normalisation of some rows, for one instruction set; see instruction-sets.h.
//
// Vectors of channels (sums, coefficients) are padded to whole vectors.

#include "vectors.h"

/** Rows that are summed before they are added to the rest: their additions do not wait for each other. */
constexpr long GROUP = 8;

static long padded(long channels) { return (channels + LANES - 1) / LANES * LANES; }

/** sums [count][padded channels] = sum over the rows of what term(row, channel, lanes, terms) puts into its terms. */
template <int count, typename Term>
static inline void sumRows(long rows, long channels, const Term& term, float* sums) {
  const long pitch = padded(channels);
  for (long i = 0; i < count * pitch; i += LANES) store(sums + i, Vector{});
  for (long first = 0; first < rows; first += GROUP) {
    for (long channel = 0; channel < channels; channel += LANES) {
      const long lanes = lanesAt(channels, channel);
      Vector group[count] = {};
      const auto add = [&](long row, long width) __attribute__((always_inline)) {
        Vector terms[count];
        term(row, channel, width, terms);
        for (int i = 0; i < count; i++) group[i] += terms[i];
      };
      if (first + GROUP <= rows && lanes == LANES) {
#pragma GCC unroll 8
        for (long row = 0; row < GROUP; row++) add(first + row, LANES);
      } else {
        for (long row = first; row < std::min(first + GROUP, rows); row++) add(row, lanes);
      }
      for (int i = 0; i < count; i++) {
        float* sum = sums + i * pitch + channel;
        store(sum, load(sum) + group[i]);
      }
    }
  }
}

/** moments [2][padded channels]: the mean, and the sum of squared deviations from it. */
static void moments(long rows, long channels, const float* x, float* moments) {
  float *mean = moments, *squares = moments + padded(channels);
  const auto value = [=](long row, long channel, long lanes, Vector* terms) __attribute__((always_inline)) {
    terms[0] = load(x + row * channels + channel, lanes);
  };
  sumRows<1>(rows, channels, value, mean);
  for (long channel = 0; channel < channels; channel += LANES) store(mean + channel, load(mean + channel) / static_cast<float>(rows));
  const auto square = [=](long row, long channel, long lanes, Vector* terms) __attribute__((always_inline)) {
    const Vector deviation = load(x + row * channels + channel, lanes) - load(mean + channel);
    terms[0] = deviation * deviation;
  };
  sumRows<1>(rows, channels, square, squares);
}

static inline Vector normalised(Vector x, const Coefficients& of, long channel) {
  return (x - load(of.mean + channel)) * load(of.factor + channel) + load(of.offset + channel);
}

/** body(place, channel, lanes) for every vector of some rows. */
template <typename Body>
static inline void forEachVector(long rows, long channels, const Body& body) {
  const long whole = channels / LANES * LANES;
  for (long row = 0; row < rows; row++) {
    for (long channel = 0; channel < whole; channel += LANES) body(row * channels + channel, channel, LANES);
    if (whole < channels) body(row * channels + whole, whole, channels - whole);
  }
}

/** NaN stays NaN. */
static void normaliseRows(const Batch& batch, long rows, const float* x, const Coefficients& of, float* y) {
  const auto plain = [&](long place, long channel, long lanes) __attribute__((always_inline)) {
    store(y + place, normalised(load(x + place, lanes), of, channel), lanes);
  };
  const auto positive = [&](long place, long channel, long lanes) __attribute__((always_inline)) {
    const Vector value = normalised(load(x + place, lanes), of, channel);
    store(y + place, value < 0.0f ? Vector{} : value, lanes);
  };
  if (batch.relu) {
    forEachVector(rows, batch.channels, positive);
  } else {
    forEachVector(rows, batch.channels, plain);
  }
}

/** dy where ReLU let it through. */
template <bool relu>
static inline Vector gated(Vector dy, Vector x, const Coefficients& of, long channel) {
  if constexpr (!relu) return dy;
  return normalised(x, of, channel) <= 0.0f ? Vector{} : dy;
}

/** sums [2][padded channels]: of the gradient, and of its product with x - mean. */
template <bool relu>
static void sumGradientsOf(long rows, long channels, const float* dy, const float* x, const Coefficients& of,
                           float* sums) {
  const auto term = [&](long row, long channel, long lanes, Vector* terms) __attribute__((always_inline)) {
    const long place = row * channels + channel;
    const Vector value = load(x + place, lanes);
    terms[0] = gated<relu>(load(dy + place, lanes), value, of, channel);
    terms[1] = terms[0] * (value - load(of.mean + channel));
  };
  sumRows<2>(rows, channels, term, sums);
}

static void sumGradients(const Batch& batch, long rows, const float* dy, const float* x, const Coefficients& of,
                         float* sums) {
  (batch.relu ? sumGradientsOf<true> : sumGradientsOf<false>)(rows, batch.channels, dy, x, of, sums);
}

/** dx = factor dy - slope (x - mean) - constant. */
template <bool relu>
static void gradientRowsOf(long rows, long channels, const float* dy, const float* x, const Coefficients& of,
                           float* dx) {
  const auto body = [&](long place, long channel, long lanes) __attribute__((always_inline)) {
    const Vector value = load(x + place, lanes);
    const Vector gradient = gated<relu>(load(dy + place, lanes), value, of, channel);
    const Vector pull = load(of.slope + channel) * (value - load(of.mean + channel)) + load(of.constant + channel);
    store(dx + place, load(of.factor + channel) * gradient - pull, lanes);
  };
  forEachVector(rows, channels, body);
}

static void gradientRows(const Batch& batch, long rows, const float* dy, const float* x, const Coefficients& of,
                         float* dx) {
  (batch.relu ? gradientRowsOf<true> : gradientRowsOf<false>)(rows, batch.channels, dy, x, of, dx);
}

constexpr Arithmetic ARITHMETIC = {NAME, padded, moments, normaliseRows, sumGradients, gradientRows};
