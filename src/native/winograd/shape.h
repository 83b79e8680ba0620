// What is convolved, and where its tiles are.
#pragma once

constexpr int TILE = 4;         // outputs of a tile along one axis
constexpr int WINDOW = 6;       // inputs under them, and points of the transform
constexpr int POINTS = WINDOW * WINDOW;
constexpr int TAPS = 3;         // of the filter

/** Images [images height width inputs] * a filter [3 3 inputs outputs]; the last tiles may reach over the border. */
struct Shape {
  long images, height, width, inputs, outputs;

  long across() const { return (width + TILE - 1) / TILE; }
  long down() const { return (height + TILE - 1) / TILE; }
  bool contains(long row, long column) const { return row >= 0 && row < height && column >= 0 && column < width; }
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

/** Tiles from `first` on. */
struct Range {
  long first, count;
};

/** Panels of the outputs: as many channels as are multiplied at a time. */
struct Panels {
  long first, count;
};
