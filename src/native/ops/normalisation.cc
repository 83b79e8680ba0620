#include "normalisation.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include "parallel.h"

namespace {

/** Of y = (x - mean) factor + offset and dx = factor dy - slope (x - mean) - constant; each [padded channels]. */
struct Coefficients {
  const float *mean, *factor, *offset, *slope, *constant;
};

/** What normalisation-arithmetic.h gives for an instruction set. */
struct Arithmetic {
  const char* name;
  long (*padded)(long channels);
  void (*moments)(long rows, long channels, const float* x, float* moments);
  void (*normaliseRows)(const Batch&, long rows, const float* x, const Coefficients&, float* y);
  void (*sumGradients)(const Batch&, long rows, const float* dy, const float* x, const Coefficients&, float* sums);
  void (*gradientRows)(const Batch&, long rows, const float* dy, const float* x, const Coefficients&, float* dx);
};

}  // namespace

#define ARITHMETIC_HEADER "normalisation-arithmetic.h"
#include "instruction-sets.h"

namespace {

/** TensorFlow's and PyTorch's. */
constexpr double EPSILON = 1e-5;

const Arithmetic* arithmetic = nullptr;

/** Rows that stay in a core's cache between two passes. Of the shape only: the order of additions depends on them. */
long rowsOfPart(const Batch& batch) { return std::max(32L, 8192 / batch.channels / 8 * 8); }

/** The rows of the batch in parts, shared out among the threads: body(part, first row, count). */
template <typename Body>
void forEachPart(const Batch& batch, const Body& body) {
  const long most = rowsOfPart(batch), parts = (batch.rows + most - 1) / most;
  pool->threads.run(parts, [&](long part, int) {
    const long first = part * most;
    body(part, first, std::min(most, batch.rows - first));
  });
}

/** Memory that is shared out in vectors of [padded channels]. */
class Vectors {
 public:
  /** Room for `count`, and for two of each part. */
  Vectors(const Batch& batch, long count) : pitch_(arithmetic->padded(batch.channels)) {
    const long most = rowsOfPart(batch), parts = (batch.rows + most - 1) / most;
    next_ = pool->shared.floats((count + 2 * parts) * pitch_);
    std::fill_n(next_, count * pitch_, 0.0f);
    parts_ = next_ + count * pitch_;
  }

  float* next() { return std::exchange(next_, next_ + pitch_); }
  /** The two vectors of a part, one after the other. */
  float* ofPart(long part) const { return parts_ + 2 * part * pitch_; }
  float* secondOfPart(long part) const { return ofPart(part) + pitch_; }

 private:
  long pitch_;
  float *next_, *parts_;
};

}  // namespace

void prepareNormalisations() { arithmetic = chooseArithmetic(); }

void normalise(const Batch& batch, const float* x, const float* scale, const float* offset, float* y,
               const Statistics& statistics) {
  std::lock_guard<std::mutex> lock(pool->mutex);
  Vectors vectors(batch, 3);
  const long channels = batch.channels;
  forEachPart(batch, [&](long part, long first, long count) {
    arithmetic->moments(count, channels, x + first * channels, vectors.ofPart(part));
  });

  // Chan, Golub and LeVeque: moments of parts give those of the whole.
  std::vector<double> means(channels), squares(channels);
  const long most = rowsOfPart(batch), rows = batch.rows;
  for (long first = 0; first < rows; first += most) {
    const float* mean = vectors.ofPart(first / most);
    const double share = static_cast<double>(std::min(most, rows - first)) / rows;
    for (long c = 0; c < channels; c++) means[c] += share * mean[c];
  }
  for (long first = 0; first < rows; first += most) {
    const float *mean = vectors.ofPart(first / most), *square = vectors.secondOfPart(first / most);
    const double count = std::min(most, rows - first);
    for (long c = 0; c < channels; c++) squares[c] += square[c] + count * (mean[c] - means[c]) * (mean[c] - means[c]);
  }

  float *mean = vectors.next(), *factors = vectors.next(), *offsets = vectors.next();
  for (long c = 0; c < channels; c++) {
    const double inverse = 1 / std::sqrt(squares[c] / rows + EPSILON);
    statistics.mean[c] = mean[c] = static_cast<float>(means[c]);
    statistics.variance[c] = static_cast<float>(squares[c] / std::max(1L, rows - 1));
    statistics.inverse[c] = static_cast<float>(inverse);
    factors[c] = statistics.inverse[c] * scale[c];
    offsets[c] = offset[c];
  }
  const Coefficients of{mean, factors, offsets, nullptr, nullptr};
  forEachPart(batch, [&](long, long first, long count) {
    arithmetic->normaliseRows(batch, count, x + first * channels, of, y + first * channels);
  });
}

void normaliseBack(const Batch& batch, const float* dy, const float* x, const float* scale, const float* offset,
                   const float* mean, const float* inverse, float* dx, float* dScale, float* dOffset) {
  std::lock_guard<std::mutex> lock(pool->mutex);
  Vectors vectors(batch, 5);
  const long channels = batch.channels, rows = batch.rows;
  float *means = vectors.next(), *factors = vectors.next(), *offsets = vectors.next();
  float *slopes = vectors.next(), *constants = vectors.next();
  std::copy_n(mean, channels, means);
  std::copy_n(offset, channels, offsets);
  for (long c = 0; c < channels; c++) factors[c] = inverse[c] * scale[c];
  const Coefficients of{means, factors, offsets, slopes, constants};
  forEachPart(batch, [&](long part, long first, long count) {
    const long place = first * channels;
    arithmetic->sumGradients(batch, count, dy + place, x + place, of, vectors.ofPart(part));
  });

  std::vector<double> sums(channels), products(channels);
  for (long part = 0; part * rowsOfPart(batch) < rows; part++) {
    const float *sum = vectors.ofPart(part), *product = vectors.secondOfPart(part);
    for (long c = 0; c < channels; c++) sums[c] += sum[c];
    for (long c = 0; c < channels; c++) products[c] += product[c];
  }
  for (long c = 0; c < channels; c++) {
    dOffset[c] = static_cast<float>(sums[c]);
    dScale[c] = static_cast<float>(products[c] * inverse[c]);
    constants[c] = static_cast<float>(factors[c] * sums[c] / rows);
    slopes[c] = static_cast<float>(factors[c] * products[c] * inverse[c] * inverse[c] / rows);
  }
  forEachPart(batch, [&](long, long first, long count) {
    const long place = first * channels;
    arithmetic->gradientRows(batch, count, dy + place, x + place, of, dx + place);
  });
}
