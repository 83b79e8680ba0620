// What our addons share of Node's C interface: statuses become exceptions, and no exception leaves a function.
#pragma once
#include <node_api.h>

#include <cstddef>
#include <stdexcept>
#include <string>

/** The caller's: what was asked for makes no sense. */
struct Misuse : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/** Something is pending in JavaScript already. */
struct Pending {};

inline void check(napi_env env, napi_status status) {
  if (status == napi_ok) return;
  bool isPending = false;
  napi_is_exception_pending(env, &isPending);
  if (isPending) throw Pending{};
  const napi_extended_error_info* info = nullptr;
  napi_get_last_error_info(env, &info);
  throw Misuse(info != nullptr && info->error_message != nullptr ? info->error_message : "Node refuses a call");
}

/** What `body` gives, or nothing with an exception pending in JavaScript. */
template <typename Body>
napi_value guarded(napi_env env, const Body& body) {
  try {
    return body();
  } catch (const Pending&) {
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
  }
  return nullptr;
}

template <size_t count>
struct Arguments {
  Arguments(napi_env env, napi_callback_info info) {
    size_t got = count;
    check(env, napi_get_cb_info(env, info, &got, values, nullptr, nullptr));
    if (got < count) throw Misuse("an argument is missing");
  }
  napi_value values[count];
};

inline std::string text(napi_env env, napi_value value) {
  size_t length = 0;
  check(env, napi_get_value_string_utf8(env, value, nullptr, 0, &length));
  std::string found(length + 1, '\0');
  check(env, napi_get_value_string_utf8(env, value, found.data(), found.size(), &length));
  found.resize(length);
  return found;
}

struct TypedArray {
  napi_typedarray_type type;
  size_t length;
  void* data;
};

/** A typed array, shared or not, until JavaScript goes on; of anything else a Misuse says what was `wanted`. */
inline TypedArray typedArray(napi_env env, napi_value value, const char* wanted) {
  bool isArray = false;
  check(env, napi_is_typedarray(env, value, &isArray));
  if (!isArray) throw Misuse(wanted);
  TypedArray found{};
  check(env, napi_get_typedarray_info(env, value, &found.type, &found.length, &found.data, nullptr, nullptr));
  return found;
}

inline napi_value property(napi_env env, napi_value object, const char* name) {
  napi_value value;
  check(env, napi_get_named_property(env, object, name, &value));
  return value;
}

/** Adds a function to what an addon exports; whether Node took it. */
inline bool exportFunction(napi_env env, napi_value exports, const char* name, napi_callback body) {
  napi_value function;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, body, nullptr, &function) == napi_ok &&
         napi_set_named_property(env, exports, name, function) == napi_ok;
}
