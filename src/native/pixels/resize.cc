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

/** An output of a row. Its weights begin at `weights`, and a zero stands behind them. */
struct Output {
  Taps taps;
  size_t weights;
};

/** Rows that share the weights while these are at hand. */
constexpr long ROWS = 4;

/** Of pixels or of results, `pitch` bytes apart. */
template <typename Byte>
struct Rows {
  Byte* data;
  long pitch;
};

/** The outputs of a row. */
struct Filter {
  /** The pixel with which rows begin. */
  long first;
  std::vector<Output> outputs;
  std::vector<int32_t> weights;
  /** The last output comes first. */
  bool flip;
};

/** What resize-arithmetic.h gives for an instruction set. */
struct Arithmetic {
  const char* name;
  /** Rows of pixels, `count` of them: 1 or ROWS -> rows of outputs. */
  void (*across)(const Filter& filter, long count, Rows<const uint8_t> from, Rows<uint8_t> to);
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

Filter filterOf(const Cut& cut) {
  const Axis axis(cut.box.width, cut.width);
  Filter filter{axis.taps(cut.window.left).first, {}, {}, cut.flip};
  size_t weights = 0;
  filter.outputs.reserve(static_cast<size_t>(cut.window.width));
  for (long x = 0; x < cut.window.width; x++) {
    const Taps taps = axis.taps(cut.window.left + x);
    filter.outputs.push_back({taps, weights});
    weights += static_cast<size_t>(taps.count) + 1;
  }
  filter.weights.resize(weights);
  long output = cut.window.left;
  for (const auto& [taps, at] : filter.outputs) axis.weigh(output++, taps, filter.weights.data() + at);
  return filter;
}

/** The horizontal pass. */
class Across {
 public:
  Across(const Cut& cut, const Pixels& pixels)
      : filter_(filterOf(cut)),
        from_{pixels.data + (cut.box.top - pixels.box.top) * pixels.box.width * 3 +
                  (cut.box.left + filter_.first - pixels.box.left) * 3,
              pixels.box.width * 3},
        end_(pixels.data + pixels.box.height * from_.pitch) {
    const Taps& last = filter_.outputs.back().taps;
    size_ = (last.first + last.count - filter_.first) * 3;
    padded_.resize(static_cast<size_t>(size_ + SLACK));
  }

  /** Rows [row, row + count) of the box, at most ROWS; each of `to` has SLACK behind it. */
  void run(long row, long count, Rows<uint8_t> to) {
    const uint8_t* const data = from_.data + row * from_.pitch;
    if (count == ROWS && end_ - data >= (ROWS - 1) * from_.pitch + size_ + SLACK) {
      arithmetic()->across(filter_, ROWS, {data, from_.pitch}, to);
      return;
    }
    for (long i = 0; i < count; i++) {
      std::memcpy(padded_.data(), data + i * from_.pitch, static_cast<size_t>(size_));
      arithmetic()->across(filter_, 1, {padded_.data(), 0}, {to.data + i * to.pitch, 0});
    }
  }

 private:
  Filter filter_;
  Rows<const uint8_t> from_;
  const uint8_t* end_;
  /** Bytes of a row that are used. */
  long size_;
  /** A row that something stands behind. */
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
  const Taps all = tapsOf(axis, cut.window.top, cut.window.height);
  long most = 0;
  for (long y = 0; y < cut.window.height; y++) most = std::max(most, axis.taps(cut.window.top + y).count);
  // As many results of the first pass as an output is made of, and those that come with the last of them. The one of
  // row r stands at r - all.first modulo `capacity`, of which ROWS together are never torn apart.
  const long capacity = (most + 2 * ROWS - 2) / ROWS * ROWS, size = cut.window.width * 3, pitch = size + SLACK;
  std::vector<uint8_t> held(static_cast<size_t>(capacity * pitch));
  const auto place = [&](long row) { return held.data() + (row - all.first) % capacity * pitch; };
  std::vector<const uint8_t*> rows(static_cast<size_t>(most));
  std::vector<int32_t> weights(static_cast<size_t>(most));
  Across across(cut, pixels);
  for (long y = 0, done = all.first; y < cut.window.height; y++) {
    const Taps taps = axis.taps(cut.window.top + y);
    for (; done < taps.first + taps.count; done += ROWS) {
      across.run(done, std::min(ROWS, all.first + all.count - done), {place(done), pitch});
    }
    axis.weigh(cut.window.top + y, taps, weights.data());
    for (long tap = 0; tap < taps.count; tap++) rows[static_cast<size_t>(tap)] = place(taps.first + tap);
    arithmetic()->down(rows.data(), weights.data(), taps.count, size, to + y * size);
  }
}
