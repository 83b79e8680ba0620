// What is convolved, and where its tiles are.
#pragma once
#include <algorithm>

constexpr int TILE = 4;         // outputs of a tile along one axis
constexpr int WINDOW = 6;       // inputs under them, and points of the transform
constexpr int POINTS = WINDOW * WINDOW;
constexpr int TAPS = 3;         // of the filter

/** Images [images height width inputs] * a filter [3 3 inputs outputs]; the last tiles may reach over the border. */
struct Shape {
  long images, height, width, inputs, outputs;

  long across() const { return (width + TILE - 1) / TILE; }
  long down() const { return (height + TILE - 1) / TILE; }
  long tiles() const { return images * down() * across(); }
  /** Where a pixel of the input begins, in floats. */
  long input(long image, long row, long column) const { return ((image * height + row) * width + column) * inputs; }
  long output(long image, long row, long column) const { return ((image * height + row) * width + column) * outputs; }
};

/** A tile's image, and the first row and column of its outputs. */
struct Tile {
  long image, row, column;
};

inline Tile tileAt(const Shape& shape, long index) {
  const long across = shape.across(), down = shape.down();
  return {index / (across * down), index / across % down * TILE, index % across * TILE};
}

/** Which pixels of a square are in the image, those of rows and columns [begin, end); it begins at `row`, `column`. */
class Inside {
 public:
  Inside(const Shape& shape, long row, long column, long side)
      : beginRow_(std::max(0L, -row)),
        endRow_(std::min(side, shape.height - row)),
        beginColumn_(std::max(0L, -column)),
        endColumn_(std::min(side, shape.width - column)),
        isWhole_(beginRow_ == 0 && endRow_ == side && beginColumn_ == 0 && endColumn_ == side) {}

  bool isWhole() const { return isWhole_; }
  bool contains(long row, long column) const {
    return row >= beginRow_ && row < endRow_ && column >= beginColumn_ && column < endColumn_;
  }

 private:
  long beginRow_, endRow_, beginColumn_, endColumn_;
  bool isWhole_;
};

/** Tiles from `first` on. */
struct Range {
  long first, count;
};

/** Panels of the outputs: as many channels as are multiplied at a time. */
struct Panels {
  long first, count;
};
