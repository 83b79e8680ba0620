#include "header.h"

#include <algorithm>
#include <iterator>

#include "failure.h"
#include "markers.h"

namespace {

constexpr uint8_t JPEG_START[] = {0xFF, 0xD8, 0xFF};
constexpr uint8_t PNG_START[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

template <size_t size>
bool startsWith(Bytes bytes, const uint8_t (&start)[size]) {
  const size_t known = std::min(bytes.size, size);
  if (!std::equal(start, start + known, bytes.data)) return false;
  if (known < size) throw Unfinished{size};
  return true;
}

/** The first marker from `at` on that `isWanted`; `at` goes behind it. */
template <typename IsWanted>
uint32_t findMarker(Bytes bytes, size_t& at, const IsWanted& isWanted) {
  for (;;) {
    const uint32_t marker = nextMarker(bytes, at);
    if (isWanted(marker)) return marker;
    if (marker == START_OF_IMAGE || marker == END_OF_IMAGE || marker == START_OF_SCAN) {
      throw Fault("it is a JPEG whose parts are missing or out of order");
    }
    if (!hasNoLength(marker)) at += lengthAt(bytes, at);
  }
}

Header jpegHeader(Bytes bytes) {
  size_t at = 2;
  findMarker(bytes, at, isFrame);
  // The frame header: its length, bits, height, width, components.
  return {Kind::jpeg,
          number(bytes, at + 5, 2),
          number(bytes, at + 3, 2),
          static_cast<int>(number(bytes, at + 7, 1)),
          static_cast<int>(number(bytes, at + 2, 1)),
          at + lengthAt(bytes, at)};
}

/** Values a pixel of PNG's colour types; 0: there is no such type. */
constexpr int PNG_COMPONENTS[] = {1, 0, 3, 1, 2, 0, 4};

Header pngHeader(Bytes bytes) {
  // The first chunk: its length, name, width, height, bits, colour type.
  constexpr size_t at = sizeof PNG_START;
  const uint32_t length = number(bytes, at, 4), name = number(bytes, at + 4, 4), type = number(bytes, at + 17, 1);
  const int components = type < std::size(PNG_COMPONENTS) ? PNG_COMPONENTS[type] : 0;
  if (length != 13 || name != 0x49484452 || components == 0) throw Fault("it is a PNG that has no header");
  return {Kind::png, number(bytes, at + 8, 4), number(bytes, at + 12, 4), components,
          static_cast<int>(number(bytes, at + 16, 1)), at + 8 + length};
}

}  // namespace

Header readHeader(Bytes bytes) {
  const bool isJpeg = startsWith(bytes, JPEG_START);
  if (!isJpeg && !startsWith(bytes, PNG_START)) throw Fault("it begins as neither a JPEG nor a PNG does");
  const Header header = isJpeg ? jpegHeader(bytes) : pngHeader(bytes);
  if (header.width == 0 || header.height == 0) throw Fault("its header says that it has no pixels");
  return header;
}

bool hasEnd(Bytes bytes, const Header& header) {
  size_t scan = header.end;
  try {
    findMarker(bytes, scan, [](uint32_t marker) { return marker == START_OF_SCAN; });
  } catch (const Unfinished&) {
    return false;
  }
  // From behind, where it stands but for what others left there. A thumbnail's own end stands before the scan.
  for (size_t at = bytes.size; at >= scan + 2; at--) {
    if (bytes.data[at - 2] == 0xFF && bytes.data[at - 1] == END_OF_IMAGE) return true;
  }
  return false;
}
