// Keeps a library quiet at both ends: silences stderr while it loads (TensorFlow's writes there whatever its log level
// is), and leaves the process without taking it apart, which its threads do not always survive.
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

static int saved = -1;

static napi_value Mute(napi_env, napi_callback_info) {
  const int nothing = open("/dev/null", O_WRONLY);
  if (saved < 0 && nothing >= 0) {
    saved = dup(2);
    dup2(nothing, 2);
  }
  if (nothing >= 0) close(nothing);
  return nullptr;
}

static napi_value Unmute(napi_env, napi_callback_info) {
  if (saved >= 0) {
    dup2(saved, 2);
    close(saved);
    saved = -1;
  }
  return nullptr;
}

static napi_value Leave(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  int32_t code = 0;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  if (count == 1) napi_get_value_int32(env, argument, &code);
  _exit(code);
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "mute", NAPI_AUTO_LENGTH, Mute, nullptr, &function);
  napi_set_named_property(env, exports, "mute", function);
  napi_create_function(env, "unmute", NAPI_AUTO_LENGTH, Unmute, nullptr, &function);
  napi_set_named_property(env, exports, "unmute", function);
  napi_create_function(env, "leave", NAPI_AUTO_LENGTH, Leave, nullptr, &function);
  napi_set_named_property(env, exports, "leave", function);
  return exports;
}
