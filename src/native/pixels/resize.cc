#include "resize.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

/** Fractional bits of a weight. */
constexpr int BITS = 22;

/** Bytes that may be read behind a row of pixels, and written behind a row of results. */
constexpr long SLACK = 8;

/** Inputs [first, first + count) of an output. */
struct Taps {
  long first, count;
};

/** The outputs of a row, one after the other; the weights of each begin at `weights`, and a zero stands behind them. */
struct Output {
  Taps taps;
  size_t weights;
};

/** What resize-arithmetic.h gives for an instruction set. */
struct Arithmetic {
  const char* name;
  /** A row of pixels -> a row of `count` outputs; `first`: the pixel with which the row begins. */
  void (*across)(const uint8_t* row, long first, const Output* outputs, long count, bool flip, const int32_t* weights,
                 uint8_t* to);
  /** Rows of `size` values, one a weight, -> their weighted sum. */
  void (*down)(const uint8_t* const* rows, const int32_t* weights, long count, long size, uint8_t* to);
};

}  // namespace

#include "instruction-sets.h"

namespace {

const Arithmetic* arithmetic() {
  static const Arithmetic* const chosen = chooseArithmetic();
  return chosen;
}

/** An axis of `from` pixels resized to `to`, by a triangle that is as wide as an output pixel, and one at least. */
class Axis {
 public:
  Axis(long from, long to)
      : from_(from), scale_(static_cast<double>(from) / static_cast<double>(to)), support_(std::max(scale_, 1.0)) {}

  Taps taps(long output) const {
    const double centre = centreOf(output);
    const long first = std::max(static_cast<long>(centre - support_ + 0.5), 0L);
    const long end = std::min(static_cast<long>(centre + support_ + 0.5), from_);
    return {first, end - first};
  }

  /** Of the taps of an output, which add up to 1; `to` has room for them. */
  void weigh(long output, const Taps& taps, int32_t* to) const {
    const double centre = centreOf(output), inverse = 1.0 / support_;
    const auto height = [&](long tap) {
      return std::max(1.0 - std::abs((static_cast<double>(taps.first + tap) - centre + 0.5) * inverse), 0.0);
    };
    double sum = 0;
    for (long tap = 0; tap < taps.count; tap++) sum += height(tap);
    for (long tap = 0; tap < taps.count; tap++) {
      to[tap] = static_cast<int32_t>(height(tap) / sum * (1 << BITS) + 0.5);
    }
  }

 private:
  double centreOf(long output) const { return (static_cast<double>(output) + 0.5) * scale_; }

  long from_;
  double scale_, support_;
};

/** Those of all outputs [first, first + count). */
Taps tapsOf(const Axis& axis, long first, long count) {
  const Taps last = axis.taps(first + count - 1);
  const long begin = axis.taps(first).first;
  return {begin, last.first + last.count - begin};
}

/** The horizontal pass, for one row after the other. */
class Across {
 public:
  explicit Across(const Cut& cut) : flip_(cut.flip) {
    const Axis axis(cut.box.width, cut.width);
    size_t weights = 0;
    outputs_.reserve(static_cast<size_t>(cut.window.width));
    for (long x = 0; x < cut.window.width; x++) {
      const Taps taps = axis.taps(cut.window.left + x);
      outputs_.push_back({taps, weights});
      weights += static_cast<size_t>(taps.count) + 1;
    }
    weights_.resize(weights);
    for (long x = 0; x < cut.window.width; x++) {
      const Output& output = outputs_[static_cast<size_t>(x)];
      axis.weigh(cut.window.left + x, output.taps, weights_.data() + output.weights);
    }
    const Output& last = outputs_.back();
    first_ = outputs_.front().taps.first;
    pixels_ = last.taps.first + last.taps.count - first_;
    padded_.resize(static_cast<size_t>(pixels_ * 3 + SLACK));
  }

  /** `row`: of the box; `left`: its bytes before the box's, and `to` has SLACK behind it. */
  void run(const Pixels& pixels, const Box& box, long row, uint8_t* to) {
    const long pitch = pixels.box.width * 3, size = pixels_ * 3;
    const long begin = (box.top + row - pixels.box.top) * pitch + (box.left + first_ - pixels.box.left) * 3;
    const uint8_t* from = pixels.data + begin;
    if (begin + size + SLACK > pixels.box.height * pitch) {
      std::memcpy(padded_.data(), from, static_cast<size_t>(size));
      from = padded_.data();
    }
    arithmetic()->across(from, first_, outputs_.data(), static_cast<long>(outputs_.size()), flip_, weights_.data(),
                         to);
  }

 private:
  bool flip_;
  std::vector<Output> outputs_;
  std::vector<int32_t> weights_;
  /** The first pixel of the box that is used, and how many are. */
  long first_, pixels_;
  /** A row that nothing stands behind. */
  std::vector<uint8_t> padded_;
};

}  // namespace

const char* instructionSet() { return arithmetic()->name; }

Box pixelsUnder(const Cut& cut) {
  const Taps down = tapsOf(Axis(cut.box.height, cut.height), cut.window.top, cut.window.height);
  const Taps across = tapsOf(Axis(cut.box.width, cut.width), cut.window.left, cut.window.width);
  return {cut.box.top + down.first, cut.box.left + across.first, down.count, across.count};
}

void resize(const Cut& cut, const Pixels& pixels, uint8_t* to) {
  const Axis axis(cut.box.height, cut.height);
  Across across(cut);
  const long size = cut.window.width * 3, pitch = size + SLACK;
  long most = 0;
  for (long y = 0; y < cut.window.height; y++) most = std::max(most, axis.taps(cut.window.top + y).count);
  // As many results of the first pass as an output is made of; row r of the box stands at r modulo `most`.
  std::vector<uint8_t> held(static_cast<size_t>(most * pitch));
  std::vector<const uint8_t*> rows(static_cast<size_t>(most));
  std::vector<int32_t> weights(static_cast<size_t>(most));
  long done = 0;
  for (long y = 0; y < cut.window.height; y++) {
    const Taps taps = axis.taps(cut.window.top + y);
    axis.weigh(cut.window.top + y, taps, weights.data());
    for (done = std::max(done, taps.first); done < taps.first + taps.count; done++) {
      across.run(pixels, cut.box, done, held.data() + done % most * pitch);
    }
    for (long tap = 0; tap < taps.count; tap++) {
      rows[static_cast<size_t>(tap)] = held.data() + (taps.first + tap) % most * pitch;
    }
    arithmetic()->down(rows.data(), weights.data(), taps.count, size, to + y * size);
  }
}
