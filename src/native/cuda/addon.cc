// Opens CUDA's libraries one by one, before TensorFlow does, and asks the driver what there is. Linked to none of them, nor
// to TensorFlow: what is missing is an answer here, not a failure to load.
#include <dlfcn.h>

#include <string>
#include <utility>

#include "../napi.h"

namespace {

/** CUdevice_attribute of cuda.h. */
constexpr int CAPABILITY_MAJOR = 75, CAPABILITY_MINOR = 76;

/** open(path): null where the library is open now, which it stays, or the linker's words. */
napi_value open(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    const std::string path = text(env, Arguments<1>(env, info).values[0]);
    napi_value result;
    if (dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL) != nullptr) {
      check(env, napi_get_null(env, &result));
      return result;
    }
    const char* reason = dlerror();
    check(env, napi_create_string_utf8(env, reason == nullptr ? "" : reason, NAPI_AUTO_LENGTH, &result));
    return result;
  });
}

template <typename Function>
Function* find(const std::string& path, const char* name) {
  void* library = dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL);
  void* found = library == nullptr ? nullptr : dlsym(library, name);
  if (found == nullptr) throw Misuse(path + " has no " + name);
  return reinterpret_cast<Function*>(found);
}

napi_value number(napi_env env, double value) {
  napi_value result;
  check(env, napi_create_double(env, value, &result));
  return result;
}

/** cudnnVersion(path): such as 90300. */
napi_value cudnnVersion(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    const std::string path = text(env, Arguments<1>(env, info).values[0]);
    return number(env, static_cast<double>(find<size_t()>(path, "cudnnGetVersion")()));
  });
}

/**
 * driver(path): { status, version, devices, capability }. status is cuInit's, and where it is not 0 devices is 0; version is
 * that of CUDA, such as 12040; capability that of the first device, such as 90, 0 where there is none.
 */
napi_value driver(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    const std::string path = text(env, Arguments<1>(env, info).values[0]);
    const int status = find<int(unsigned)>(path, "cuInit")(0);
    int version = 0, devices = 0, device = 0, major = 0, minor = 0;
    find<int(int*)>(path, "cuDriverGetVersion")(&version);
    if (status == 0) find<int(int*)>(path, "cuDeviceGetCount")(&devices);
    if (devices > 0 && find<int(int*, int)>(path, "cuDeviceGet")(&device, 0) == 0) {
      const auto attribute = find<int(int*, int, int)>(path, "cuDeviceGetAttribute");
      attribute(&major, CAPABILITY_MAJOR, device);
      attribute(&minor, CAPABILITY_MINOR, device);
    }
    napi_value result;
    check(env, napi_create_object(env, &result));
    const std::pair<const char*, int> values[] = {
        {"status", status}, {"version", version}, {"devices", devices}, {"capability", 10 * major + minor}};
    for (const auto& [name, value] : values) {
      check(env, napi_set_named_property(env, result, name, number(env, value)));
    }
    return result;
  });
}

}  // namespace

NAPI_MODULE_INIT() {
  const std::pair<const char*, napi_callback> functions[] = {
      {"open", open}, {"cudnnVersion", cudnnVersion}, {"driver", driver}};
  for (const auto& [name, body] : functions) {
    if (!exportFunction(env, exports, name, body)) return nullptr;
  }
  return exports;
}
