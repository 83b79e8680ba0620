#include "tokens.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <mutex>
#include <vector>

#include "parallel.h"

namespace {

/** What tokens-arithmetic.h gives for an instruction set. */
struct Arithmetic {
  const char* name;
  void (*gelu)(long count, const float* x, float* y);
  void (*geluGradient)(long count, const float* dy, const float* x, float* dx);
  void (*normalise)(const Tokens&, long rows, const float* x, const float* scale, const float* offset, float epsilon,
                    float* y, float* means, float* inverses);
  void (*gradients)(const Tokens&, long rows, const float* dy, const float* x, const float* scale, const float* means,
                    const float* inverses, float* dx, float* sums);
};

}  // namespace

#define ARITHMETIC_HEADER "tokens-arithmetic.h"
#include "instruction-sets.h"

namespace {

const Arithmetic* arithmetic = nullptr;

/** Numbers of a part: what two passes over them find in a core's cache. Whole vectors of every instruction set. */
constexpr long PART = 8192;

/** body(part, first, count) for parts of at most `most` things, shared out among the threads. */
template <typename Body>
void forEachPart(long things, long most, const Body& body) {
  std::lock_guard<std::mutex> lock(pool->mutex);
  pool->threads.run((things + most - 1) / most, [&](long part, int) {
    const long first = part * most;
    body(part, first, std::min(most, things - first));
  });
}

/** Of the shape only: the order of additions depends on it. */
long rowsOfPart(const Tokens& tokens) { return std::max(1L, PART / tokens.columns); }

}  // namespace

void prepareTokens() { arithmetic = chooseArithmetic(); }

void gelu(long count, const float* x, float* y) {
  forEachPart(count, PART, [&](long, long first, long some) { arithmetic->gelu(some, x + first, y + first); });
}

void geluBack(long count, const float* dy, const float* x, float* dx) {
  forEachPart(count, PART, [&](long, long first, long some) {
    arithmetic->geluGradient(some, dy + first, x + first, dx + first);
  });
}

void normaliseRows(const Tokens& tokens, const float* x, const float* scale, const float* offset, float epsilon,
                   float* y, float* mean, float* inverse) {
  forEachPart(tokens.rows, rowsOfPart(tokens), [&](long, long first, long rows) {
    const long place = first * tokens.columns;
    arithmetic->normalise(tokens, rows, x + place, scale, offset, epsilon, y + place, mean + first, inverse + first);
  });
}

void normaliseRowsBack(const Tokens& tokens, const float* dy, const float* x, const float* scale, const float* mean,
                       const float* inverse, float* dx, float* dScale, float* dOffset) {
  const long columns = tokens.columns, most = rowsOfPart(tokens), parts = (tokens.rows + most - 1) / most;
  std::vector<float> sums(2 * columns * parts);
  forEachPart(tokens.rows, most, [&](long part, long first, long rows) {
    const long place = first * columns;
    arithmetic->gradients(tokens, rows, dy + place, x + place, scale, mean + first, inverse + first, dx + place,
                          sums.data() + 2 * columns * part);
  });
  for (long column = 0; column < columns; column++) {
    double product = 0, plain = 0;
    for (long part = 0; part < parts; part++) {
      product += sums[2 * columns * part + column];
      plain += sums[2 * columns * part + columns + column];
    }
    dScale[column] = static_cast<float>(product);
    dOffset[column] = static_cast<float>(plain);
  }
}
