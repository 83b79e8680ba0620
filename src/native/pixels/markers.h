// The markers of a JPEG (ITU-T T.81, annex B), and numbers in a file.
#pragma once
#include <algorithm>

#include "header.h"

constexpr uint32_t START_OF_IMAGE = 0xD8, END_OF_IMAGE = 0xD9, START_OF_SCAN = 0xDA;

inline bool isFrame(uint32_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

inline bool hasNoLength(uint32_t marker) { return marker == 0x01 || (marker >= 0xD0 && marker <= 0xD7); }

/** The big-endian number of `count` bytes at `at`. Throws Unfinished. */
inline uint32_t number(Bytes bytes, size_t at, size_t count) {
  if (bytes.size < at + count) throw Unfinished{at + count};
  uint32_t value = 0;
  for (size_t i = 0; i < count; i++) value = value << 8 | bytes.data[at + i];
  return value;
}

/** The next marker; `at` goes behind it. What stands before it is skipped, as libjpeg does. Throws Unfinished. */
inline uint32_t nextMarker(Bytes bytes, size_t& at) {
  for (;; at++) {
    if (number(bytes, at, 1) != 0xFF) continue;
    const uint32_t marker = number(bytes, at + 1, 1);
    if (marker == 0xFF || marker == 0) continue;
    at += 2;
    return marker;
  }
}

/** Bytes of what follows a marker that has a length, this included. Throws Unfinished. */
inline size_t lengthAt(Bytes bytes, size_t at) { return std::max<size_t>(number(bytes, at, 2), 2); }
