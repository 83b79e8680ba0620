// Crop, resize and flip by Pillow's rule for pictures of 8 bits (imagenet's published numbers are made with it): the
// bytes do not depend on the instruction set.
#pragma once
#include "decoder.h"

/** What is made of a picture. */
struct Cut {
  /** Of the picture, resized to [height width] without what lies around it. */
  Box box;
  long height, width;
  /** Of what was resized: the part that is wanted. */
  Box window;
  /** Left and right change places. */
  bool flip;
};

/** avx2 or plain: what is used. */
const char* instructionSet();

/** The pixels that the window is made of, in the picture. */
Box pixelsUnder(const Cut& cut);

/** From pixels that hold those under the window -> [window.height window.width 3]. Throws std::bad_alloc. */
void resize(const Cut& cut, const Pixels& pixels, uint8_t* to);
