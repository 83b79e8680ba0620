#include "cmyk.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "failure.h"
#include "markers.h"

namespace {

constexpr uint32_t ADOBE = 0xEE;
constexpr uint8_t NAME[] = {'A', 'd', 'o', 'b', 'e'};
/** Bytes behind the marker: length, name, version, two of flags, the transform. */
constexpr size_t ADOBE_LENGTH = 14;
/** "Inks, not luminance and colour differences". */
constexpr uint8_t OWN_ADOBE[] = {0xFF, ADOBE, 0, ADOBE_LENGTH, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0};

bool isAdobe(Bytes bytes, uint32_t marker, size_t at) {
  return marker == ADOBE && lengthAt(bytes, at) >= ADOBE_LENGTH && bytes.size >= at + ADOBE_LENGTH &&
         std::equal(std::begin(NAME), std::end(NAME), bytes.data + at + 2);
}

/** Whether the first three components are luminance and colour differences. */
bool isTransformed(Bytes bytes) {
  bool found = false;
  size_t at = 2;
  for (uint32_t marker; (marker = nextMarker(bytes, at)) != START_OF_SCAN;) {
    if (hasNoLength(marker)) continue;
    if (isAdobe(bytes, marker, at)) found = bytes.data[at + ADOBE_LENGTH - 1] != 0;
    at += lengthAt(bytes, at);
  }
  return found;
}

/** Of the frame header: the number of the table by which a component is scaled. */
size_t tableAt(size_t frame, size_t component) { return frame + 10 + 3 * component; }

/** A number of a table that none of the first three components has. */
uint8_t freeTable(const uint8_t* frame) {
  uint8_t table = 0;
  const auto isUsed = [&] {
    return frame[tableAt(0, 0)] == table || frame[tableAt(0, 1)] == table || frame[tableAt(0, 2)] == table;
  };
  while (isUsed()) table++;
  return table;
}

/** What of a file is changed so that TensorFlow tells more of it. */
struct Variant {
  /** It says that it is Adobe's: products of the components; otherwise of what they lack of 255. */
  bool isAdobes;
  /** The fourth component is 128 everywhere: it is scaled by 0. */
  bool isLevel;
};

/** The file with its components as they are, not transformed. */
std::vector<uint8_t> variantOf(Bytes bytes, const Variant& variant) {
  std::vector<uint8_t> file{0xFF, START_OF_IMAGE};
  if (variant.isAdobes) file.insert(file.end(), std::begin(OWN_ADOBE), std::end(OWN_ADOBE));
  uint8_t table = 0;
  size_t at = 2;
  for (uint32_t marker; (marker = nextMarker(bytes, at)) != START_OF_SCAN;) {
    const size_t length = hasNoLength(marker) ? 0 : lengthAt(bytes, at);
    if (bytes.size < at + length) throw Unfinished{at + length};
    if (!isAdobe(bytes, marker, at)) {
      file.insert(file.end(), bytes.data + at - 2, bytes.data + at + length);
      if (variant.isLevel && isFrame(marker)) {
        if (length < tableAt(0, 3) + 1) throw Fault("it is a JPEG whose frame header is too short");
        uint8_t* const frame = file.data() + file.size() - length;
        table = freeTable(frame);
        frame[tableAt(0, 3)] = table;
      }
    }
    at += length;
  }
  if (variant.isLevel) {
    const uint8_t start[] = {0xFF, 0xDB, 0, 67, table};
    file.insert(file.end(), std::begin(start), std::end(start));
    file.insert(file.end(), 64, 0);
  }
  file.insert(file.end(), bytes.data + at - 2, bytes.data + bytes.size);
  return file;
}

/**
 * TensorFlow gives p = floor(c k / 255), and of what both lack of 255 q = floor((255 - c)(255 - k) / 255), which is
 * 255 - c - k + p: so c + k is known.
 */
int sumOf(int p, int q) { return 255 + p - q; }

uint8_t clipped(int value) { return static_cast<uint8_t>(std::clamp(value, 0, 255)); }

/** Inks of luminance and colour differences, as libjpeg rounds them (coefficients of JFIF, 16 fractional bits). */
void toInks(int* values) {
  constexpr int HALF = 1 << 15;
  const int light = values[0], blue = values[1] - 128, red = values[2] - 128;
  values[0] = clipped(255 - (light + ((91881 * red + HALF) >> 16)));
  values[1] = clipped(255 - (light + ((-22554 * blue - 46802 * red + HALF) >> 16)));
  values[2] = clipped(255 - (light + ((116130 * blue + HALF) >> 16)));
}

/** Pillow's conversion; in the file an ink is what it leaves white. */
uint8_t printed(int ink, int black) {
  const int product = (255 - ink) * black + 128;
  return clipped(black - ((product + (product >> 8)) >> 8));
}

}  // namespace

std::vector<uint8_t> convertCmyk(Bytes bytes, const std::function<Pixels(Bytes)>& decode) {
  const auto decoded = [&](const Variant& variant) {
    const std::vector<uint8_t> file = variantOf(bytes, variant);
    return decode({file.data(), file.size()});
  };
  const Pixels p = decoded({true, false}), q = decoded({false, false});
  const Pixels levelP = decoded({true, true}), levelQ = decoded({false, true});
  const bool transformed = isTransformed(bytes);
  std::vector<uint8_t> result(static_cast<size_t>(p.box.height * p.box.width) * 3);
  for (size_t at = 0; at < result.size(); at += 3) {
    int inks[3];
    for (size_t i = 0; i < 3; i++) inks[i] = sumOf(levelP.data[at + i], levelQ.data[at + i]) - 128;
    const int black = sumOf(p.data[at], q.data[at]) - inks[0];
    if (transformed) toInks(inks);
    for (size_t i = 0; i < 3; i++) result[at + i] = printed(inks[i], black);
  }
  return result;
}
