// Silences stderr while a library loads that writes to it whatever its log level is (TensorFlow's does).
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

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "mute", NAPI_AUTO_LENGTH, Mute, nullptr, &function);
  napi_set_named_property(env, exports, "mute", function);
  napi_create_function(env, "unmute", NAPI_AUTO_LENGTH, Unmute, nullptr, &function);
  napi_set_named_property(env, exports, "unmute", function);
  return exports;
}
