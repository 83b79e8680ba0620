// What JavaScript gives and takes, as values of C++'s.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "../napi.h"

inline size_t index(napi_env env, napi_value value) {
  uint32_t found = 0;
  check(env, napi_get_value_uint32(env, value, &found));
  return found;
}

inline bool truth(napi_env env, napi_value value) {
  bool found = false;
  check(env, napi_get_value_bool(env, value, &found));
  return found;
}

/** The memory of a typed array, until JavaScript goes on. */
inline std::string_view bytes(napi_env env, napi_value value) {
  auto [type, length, data] = typedArray(env, value, "wanted a typed array");
  switch (type) {
    case napi_int8_array:
    case napi_uint8_array:
    case napi_uint8_clamped_array:
      break;
    case napi_float32_array:
    case napi_int32_array:
      length *= 4;
      break;
    default:
      throw Misuse("wanted a Float32Array, an Int32Array or a Uint8Array");
  }
  return {static_cast<const char*>(data), length};
}

template <typename Item>
auto list(napi_env env, napi_value value, const Item& item) {
  uint32_t length = 0;
  check(env, napi_get_array_length(env, value, &length));
  std::vector<decltype(item(value))> items;
  items.reserve(length);
  for (uint32_t i = 0; i < length; i++) {
    napi_value element;
    check(env, napi_get_element(env, value, i, &element));
    items.push_back(item(element));
  }
  return items;
}

inline std::vector<std::string> texts(napi_env env, napi_value value) {
  return list(env, value, [env](napi_value item) { return text(env, item); });
}

/** A typed array of a copy of `size` bytes, `width` of them an element. */
inline napi_value copyOf(napi_env env, napi_typedarray_type type, const void* from, size_t size, size_t width) {
  void* data = nullptr;
  napi_value buffer, array;
  check(env, napi_create_arraybuffer(env, size, &data, &buffer));
  // Of no elements it may have no memory.
  if (size > 0) std::memcpy(data, from, size);
  check(env, napi_create_typedarray(env, type, size / width, buffer, 0, &array));
  return array;
}
