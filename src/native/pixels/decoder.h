// Pictures decoded by TensorFlow's own ops, through its C API.
//
// Its eager ops, called on the thread that asks: a session would share threads with the training step's.
#pragma once
#include <tensorflow/c/tf_tensor.h>

#include <memory>
#include <vector>

#include "header.h"

/** Pixels [height width] from (top, left) on. */
struct Box {
  long top, left, height, width;
};

/** A box of a picture, decoded: rows of red, green, blue. */
struct Pixels {
  Box box;
  const uint8_t* data;
  /** Whose memory the data is: one of these. */
  std::unique_ptr<TF_Tensor, decltype(&TF_DeleteTensor)> tensor;
  std::vector<uint8_t> converted;
};

/**
 * At least `box` of a picture, which lies within it, as Pillow decodes it and converts it to RGB. Throws Fault. Any
 * thread may call it, several at once.
 */
Pixels decode(Bytes bytes, const Header& header, const Box& box);
