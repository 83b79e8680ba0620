// Products of matrices whose columns are panels of channels, for one instruction set; see instruction-sets.h.

#include "vectors.h"

constexpr long PANEL = 2 * LANES;

/** Terms that are summed in one go: sums of short sums round less than long ones, and the factors stay in the cache. */
constexpr long DEPTH = 64;

/** Channels that lie together where tiles are summed over: those of a vector, and of the rows of a product. */
constexpr long BLOCK = LANES > ROWS ? LANES : ROWS;

static inline long wholeBlocks(long channels) { return (channels + BLOCK - 1) / BLOCK * BLOCK; }

/** Whether the channels of a panel fill one vector only: more rows of a product are kept in registers, then. */
static inline bool isNarrow(long channels, long panel) { return channels - panel * PANEL <= LANES; }

/** c [rows PANEL] = (add ? c : 0) + sum over k of a[row * aRow + k * aDepth] b[k][PANEL], the first vectors of it. */
template <int rows, int vectors>
static inline void multiply(const float* a, long aRow, long aDepth, const float* b, long depth, float* c, bool add) {
  Vector sums[rows][vectors] = {};
  for (long k = 0; k < depth; k++) {
    Vector terms[vectors];
    for (int v = 0; v < vectors; v++) terms[v] = load(b + k * PANEL + v * LANES);
#pragma GCC unroll 16
    for (int row = 0; row < rows; row++) {
      const float factor = a[row * aRow + k * aDepth];
      for (int v = 0; v < vectors; v++) sums[row][v] += factor * terms[v];
    }
  }
#pragma GCC unroll 16
  for (int row = 0; row < rows; row++) {
    for (int v = 0; v < vectors; v++) {
      float* place = c + row * PANEL + v * LANES;
      store(place, add ? load(place) + sums[row][v] : sums[row][v]);
    }
  }
}

/** The same for any number of rows; c has whole blocks of them. `at`: where a row of a begins. */
template <typename At>
static inline void multiplyRows(long rows, bool narrow, const At& at, long aRow, long aDepth, const float* b,
                                long depth, float* c, bool add) {
  if (narrow) {
    for (long row = 0; row < rows; row += BLOCK) {
      multiply<BLOCK, 1>(at(row), aRow, aDepth, b, depth, c + row * PANEL, add);
    }
  } else {
    for (long row = 0; row < rows; row += ROWS) {
      multiply<ROWS, 2>(at(row), aRow, aDepth, b, depth, c + row * PANEL, add);
    }
  }
}
