// What the first bytes of a picture say of it, without decoding it.
#pragma once
#include <cstddef>
#include <cstdint>

/** The bytes of a file, or its first. */
struct Bytes {
  const uint8_t* data;
  size_t size;
};

enum class Kind { jpeg, png };

struct Header {
  Kind kind;
  uint32_t width, height;
  /** Values a pixel, in the file: 1 (grey, or the colours of a palette), 2, 3 or 4. */
  int components;
  /** Of each value. */
  int bits;
  /** Bytes, from the first, up to the end of what was read. */
  size_t end;
};

/** More bytes are needed to tell: at least so many from the first. */
struct Unfinished {
  size_t needed;
};

/** Throws Unfinished, or Fault where the bytes begin no picture. */
Header readHeader(Bytes bytes);

/** Whether a JPEG has an end after the beginning of its first scan. Of all its bytes; `header` is theirs. */
bool hasEnd(Bytes bytes, const Header& header);
