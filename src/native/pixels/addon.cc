// The pixels' door for Node: what JavaScript gives is taken apart and checked, and why a picture cannot be had is said in
// words. Nothing here belongs to one of Node's threads, so that each may load it; no exception leaves a function.
#include <chrono>
#include <cmath>
#include <new>
#include <string>
#include <utility>

#include "../napi.h"
#include "failure.h"
#include "resize.h"

namespace {

struct Memory {
  uint8_t* data;
  size_t size;
};

/** That of a Uint8Array, shared or not, until JavaScript goes on. */
Memory memoryOf(napi_env env, napi_value value) {
  const auto [type, length, data] = typedArray(env, value, "wanted a Uint8Array");
  if (type != napi_uint8_array) throw Misuse("wanted a Uint8Array");
  return {static_cast<uint8_t*>(data), length};
}

Bytes bytesOf(napi_env env, napi_value value) {
  const Memory memory = memoryOf(env, value);
  return {memory.data, memory.size};
}

/** A whole number from `least` to the largest that JavaScript counts to. Sums of them find room in a long. */
long wholeOf(napi_env env, napi_value value, const char* name, long least) {
  constexpr double MOST = 9007199254740991.0;
  double number = 0;
  check(env, napi_get_value_double(env, value, &number));
  if (!(number >= static_cast<double>(least) && number <= MOST) || number != std::floor(number)) {
    throw Misuse(std::string(name) + ": wanted a whole number from " + std::to_string(least) + " on");
  }
  return static_cast<long>(number);
}

Box boxOf(napi_env env, napi_value object) {
  const auto read = [&](const char* name, long least) {
    return wholeOf(env, property(env, object, name), name, least);
  };
  return {read("top", 0), read("left", 0), read("height", 1), read("width", 1)};
}

bool lies(const Box& box, long height, long width) {
  return box.top + box.height <= height && box.left + box.width <= width;
}

Cut cutOf(napi_env env, napi_value object) {
  const napi_value size = property(env, object, "size");
  Cut cut{boxOf(env, property(env, object, "box")), wholeOf(env, property(env, size, "height"), "height", 1),
          wholeOf(env, property(env, size, "width"), "width", 1), boxOf(env, property(env, object, "window")), false};
  check(env, napi_get_value_bool(env, property(env, object, "flip"), &cut.flip));
  if (!lies(cut.window, cut.height, cut.width)) throw Misuse("the window is not within what is resized");
  return cut;
}

std::string sizeOf(long height, long width) { return std::to_string(width) + " x " + std::to_string(height); }

napi_value textOf(napi_env env, const std::string& text) {
  napi_value value;
  check(env, napi_create_string_utf8(env, text.data(), text.size(), &value));
  return value;
}

/** An object, of properties that are added one after the other. */
class Object {
 public:
  explicit Object(napi_env env) : env_(env) { check(env, napi_create_object(env, &value_)); }
  Object& with(const char* name, const char* text) { return set(name, textOf(env_, text)); }
  Object& with(const char* name, double number) {
    napi_value value;
    check(env_, napi_create_double(env_, number, &value));
    return set(name, value);
  }
  napi_value value() const { return value_; }

 private:
  Object& set(const char* name, napi_value value) {
    check(env_, napi_set_named_property(env_, value_, name, value));
    return *this;
  }

  napi_env env_;
  napi_value value_;
};

/** readHeader(bytes): its kind, with width, height, components; unfinished, with needed; or other, with reason. */
napi_value header(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Object result(env);
    try {
      const Header found = readHeader(bytesOf(env, Arguments<1>(env, info).values[0]));
      result.with("kind", found.kind == Kind::jpeg ? "jpeg" : "png").with("width", found.width);
      result.with("height", found.height).with("components", found.components);
    } catch (const Unfinished& unfinished) {
      result.with("kind", "unfinished").with("needed", static_cast<double>(unfinished.needed));
    } catch (const Fault& fault) {
      result.with("kind", "other").with("reason", fault.what());
    }
    return result.value();
  });
}

/** What is asked to be made of a picture, and where to. */
struct Request {
  Bytes picture;
  Cut cut;
  double mostPixels;
  uint8_t* to;
};

/** Of the arguments (picture, cut, mostPixels, target, offset). */
Request requestOf(napi_env env, napi_callback_info info) {
  const Arguments<5> arguments(env, info);
  const Cut cut = cutOf(env, arguments.values[1]);
  const double mostPixels = static_cast<double>(wholeOf(env, arguments.values[2], "mostPixels", 1));
  const Memory target = memoryOf(env, arguments.values[3]);
  const auto offset = static_cast<size_t>(wholeOf(env, arguments.values[4], "offset", 0));
  const size_t room = offset > target.size ? 0 : target.size - offset;
  const auto rows = static_cast<size_t>(cut.window.height), columns = static_cast<size_t>(cut.window.width);
  if (rows > room / (columns * 3)) throw Misuse("the target has no room for the window");
  return {bytesOf(env, arguments.values[0]), cut, mostPixels, target.data + offset};
}

/** The pixels under the cut. Throws Fault, Unfinished. */
Pixels decodeFor(const Request& request) {
  const auto& [picture, cut, mostPixels, to] = request;
  const Header header = readHeader(picture);
  const double count = static_cast<double>(header.width) * header.height;
  if (count > mostPixels) {
    throw Fault("it is too large: its header says " + sizeOf(header.height, header.width) + " pixels");
  }
  if (!lies(cut.box, header.height, header.width)) {
    throw Fault("it is " + sizeOf(header.height, header.width) + " pixels, in which there is no box " +
                sizeOf(cut.box.height, cut.box.width) + " at (" + std::to_string(cut.box.left) + ", " +
                std::to_string(cut.box.top) + ")");
  }
  return decode(picture, header, pixelsUnder(cut));
}

/** Why `make` could not make anything of the picture; empty after success. */
template <typename Make>
std::string tryTo(Bytes picture, Make make) {
  if (picture.size == 0) return "it is empty";
  try {
    make();
  } catch (const Unfinished&) {
    return "it is cut off: it ends within its header, after " + std::to_string(picture.size) + " bytes";
  } catch (const Fault& fault) {
    return fault.what();
  } catch (const std::bad_alloc&) {
    return "there is no memory for its pixels";
  }
  return "";
}

/** write(picture, cut, mostPixels, target, offset): null, or why there is nothing to write. */
napi_value write(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    const Request request = requestOf(env, info);
    const std::string reason =
        tryTo(request.picture, [&] { resize(request.cut, decodeFor(request), request.to); });
    if (!reason.empty()) return textOf(env, reason);
    napi_value nothing;
    check(env, napi_get_null(env, &nothing));
    return nothing;
  });
}

/** writeTimed(as write): the milliseconds of decode and resize, or why there is nothing to write. */
napi_value writeTimed(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    using Clock = std::chrono::steady_clock;
    const auto between = [](Clock::time_point from, Clock::time_point to) {
      return std::chrono::duration<double, std::milli>(to - from).count();
    };
    const Request request = requestOf(env, info);
    double decoding = 0, resizing = 0;
    const std::string reason = tryTo(request.picture, [&] {
      const auto start = Clock::now();
      const Pixels pixels = decodeFor(request);
      const auto decoded = Clock::now();
      resize(request.cut, pixels, request.to);
      decoding = between(start, decoded);
      resizing = between(decoded, Clock::now());
    });
    if (!reason.empty()) return textOf(env, reason);
    return Object(env).with("decode", decoding).with("resize", resizing).value();
  });
}

/** addressOf(array): modulo 64. */
napi_value addressOf(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    const Memory memory = memoryOf(env, Arguments<1>(env, info).values[0]);
    napi_value result;
    check(env, napi_create_uint32(env, reinterpret_cast<uintptr_t>(memory.data) % 64, &result));
    return result;
  });
}

}  // namespace

NAPI_MODULE_INIT() {
  const std::pair<const char*, napi_callback> functions[] = {
      {"readHeader", header}, {"write", write}, {"writeTimed", writeTimed}, {"addressOf", addressOf}};
  for (const auto& [name, body] : functions) {
    if (!exportFunction(env, exports, name, body)) return nullptr;
  }
  napi_value name;
  if (napi_create_string_utf8(env, instructionSet(), NAPI_AUTO_LENGTH, &name) != napi_ok) return nullptr;
  if (napi_set_named_property(env, exports, "instructionSet", name) != napi_ok) return nullptr;
  return exports;
}
