// The session's door for Node: what JavaScript gives is taken apart and checked, what TensorFlow gives is copied into arrays.
// No exception leaves a function here; it becomes one of JavaScript's.
#include <exception>
#include <utility>

#include "graph-function.h"
#include "graph-session.h"
#include "values.h"

/** TensorFlow's own switch, which its C API lacks; null in a library that has none. */
namespace tsl {
__attribute__((weak)) void enable_tensor_float_32_execution(bool isOn);
__attribute__((weak)) bool tensor_float_32_execution_enabled();
}  // namespace tsl

namespace {

using Shared = std::shared_ptr<GraphSession>;

/** An error of `what` as a value of JavaScript's. */
napi_value errorOf(napi_env env, const char* what) {
  napi_value text, error;
  if (napi_create_string_utf8(env, what, NAPI_AUTO_LENGTH, &text) != napi_ok) return nullptr;
  return napi_create_error(env, nullptr, text, &error) == napi_ok ? error : nullptr;
}

Feed feedOf(napi_env env, napi_value object) {
  return {text(env, property(env, object, "node")),
          static_cast<TF_DataType>(index(env, property(env, object, "type"))),
          list(env, property(env, object, "shape"),
               [env](napi_value extent) { return static_cast<int64_t>(index(env, extent)); }),
          truth(env, property(env, object, "lent"))};
}

Shared& sessionOf(napi_env env, napi_value value) {
  void* found = nullptr;
  check(env, napi_get_value_external(env, value, &found));
  return *static_cast<Shared*>(found);
}

/** An array of the tensor's values; its type is that of the tensor. */
napi_value arrayOf(napi_env env, const TF_Tensor* tensor) {
  napi_typedarray_type type;
  switch (TF_TensorType(tensor)) {
    case TF_FLOAT:
      type = napi_float32_array;
      break;
    case TF_INT32:
      type = napi_int32_array;
      break;
    case TF_UINT8:
    case TF_BOOL:
      type = napi_uint8_array;
      break;
    default:
      throw Failure("an output is of no type that has an array: " + std::to_string(TF_TensorType(tensor)));
  }
  return copyOf(env, type, TF_TensorData(tensor), TF_TensorByteSize(tensor),
                TF_DataTypeSize(TF_TensorType(tensor)));
}

/** { outputs: arrays, metadata: Uint8Array or null } */
napi_value resultOf(napi_env env, const Outcome& outcome) {
  napi_value result, outputs, metadata;
  check(env, napi_create_object(env, &result));
  check(env, napi_create_array_with_length(env, outcome.outputs.size(), &outputs));
  for (size_t i = 0; i < outcome.outputs.size(); i++) {
    check(env, napi_set_element(env, outputs, static_cast<uint32_t>(i), arrayOf(env, outcome.outputs[i].get())));
  }
  check(env, napi_set_named_property(env, result, "outputs", outputs));
  if (outcome.metadata == nullptr) {
    check(env, napi_get_null(env, &metadata));
  } else {
    metadata = copyOf(env, napi_uint8_array, outcome.metadata->data, outcome.metadata->length, 1);
  }
  check(env, napi_set_named_property(env, result, "metadata", metadata));
  return result;
}

/** A run: of which session, of what, and what it was given. */
struct Job {
  GraphSession::Use use;
  const Function* function;
  std::vector<Tensor> inputs;
  Loans loans;
  std::string options;

  /** Once. */
  Outcome run() {
    Outcome outcome{{}, {nullptr, &TF_DeleteBuffer}};
    std::exception_ptr failure;
    try {
      outcome = use.session().run(*function, inputs, options);
    } catch (...) {
      failure = std::current_exception();
    }
    inputs.clear();
    if (!loans.areReturned()) {
      use.session().spoil();
      throw Failure("TensorFlow keeps the memory of an input that it was lent; the session is closed");
    }
    if (failure) std::rethrow_exception(failure);
    return outcome;
  }
};

enum class Feeding { allowsLoans, copies };

/** From (session, function, arrays, options). */
Job jobOf(napi_env env, const Arguments<4>& arguments, Feeding feeding) {
  GraphSession::Use use(sessionOf(env, arguments.values[0]));
  const Function& function = use.session().function(index(env, arguments.values[1]));
  size_t next = 0;
  Loans loans;
  auto inputs = list(env, arguments.values[2], [&](napi_value array) {
    if (next >= function.feeds.size()) throw Failure("there are more arrays than inputs");
    const Feed& feed = function.feeds[next++];
    const std::string_view values = bytes(env, array);
    const bool lends = feed.isLent && feeding == Feeding::allowsLoans && !values.empty();
    return lends ? GraphSession::lend(feed, values, loans) : GraphSession::copyOf(feed, values);
  });
  return {std::move(use), &function, std::move(inputs), std::move(loans), std::string(bytes(env, arguments.values[3]))};
}

/** open(graph, config, target): a session. */
napi_value open(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    const Arguments<3> arguments(env, info);
    auto held = std::make_unique<Shared>(std::make_shared<GraphSession>(
        bytes(env, arguments.values[0]), bytes(env, arguments.values[1]), text(env, arguments.values[2])));
    napi_value external;
    check(env, napi_create_external(
                   env, held.get(), [](napi_env, void* data, void*) { delete static_cast<Shared*>(data); }, nullptr,
                   &external));
    held.release();
    return external;
  });
}

/** serve(definition): the target of a server in this process. */
napi_value serve(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    const std::string target = ::serve(bytes(env, Arguments<1>(env, info).values[0]));
    napi_value result;
    check(env, napi_create_string_utf8(env, target.data(), target.size(), &result));
    return result;
  });
}

/** devices(session): their names. */
napi_value devices(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    const std::vector<std::string> names = sessionOf(env, Arguments<1>(env, info).values[0])->devices();
    napi_value result;
    check(env, napi_create_array_with_length(env, names.size(), &result));
    for (size_t i = 0; i < names.size(); i++) {
      napi_value name;
      check(env, napi_create_string_utf8(env, names[i].data(), names[i].size(), &name));
      check(env, napi_set_element(env, result, static_cast<uint32_t>(i), name));
    }
    return result;
  });
}

/** allowTf32(isOn): whether it is on then. */
napi_value allowTf32(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    const bool isOn = truth(env, Arguments<1>(env, info).values[0]);
    if (tsl::enable_tensor_float_32_execution == nullptr || tsl::tensor_float_32_execution_enabled == nullptr) {
      throw Failure("this TensorFlow has no switch for TF32");
    }
    tsl::enable_tensor_float_32_execution(isOn);
    napi_value result;
    check(env, napi_get_boolean(env, tsl::tensor_float_32_execution_enabled(), &result));
    return result;
  });
}

/** kernels(): the serialized KernelList of every kernel that the library has. */
napi_value kernels(napi_env env, napi_callback_info) {
  return guarded(env, [&] {
    const Buffer found = registeredKernels();
    return copyOf(env, napi_uint8_array, found->data, found->length, 1);
  });
}

/** makeFunction(graph, name, inputs, outputs): a serialized FunctionDef. */
napi_value makeFunction(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    const Arguments<4> arguments(env, info);
    const Buffer made = functionOf(bytes(env, arguments.values[0]), text(env, arguments.values[1]),
                                   texts(env, arguments.values[2]), texts(env, arguments.values[3]));
    return copyOf(env, napi_uint8_array, made->data, made->length, 1);
  });
}

/** define(session, feeds, outputs, targets): a number to run it by. */
napi_value define(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    const Arguments<4> arguments(env, info);
    auto feeds = list(env, arguments.values[1], [env](napi_value feed) { return feedOf(env, feed); });
    const size_t number = sessionOf(env, arguments.values[0])
                              ->define(std::move(feeds), texts(env, arguments.values[2]),
                                       texts(env, arguments.values[3]));
    napi_value result;
    check(env, napi_create_uint32(env, static_cast<uint32_t>(number), &result));
    return result;
  });
}

/** run(session, function, arrays, options): what comes out. */
napi_value run(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    try {
      return resultOf(env, jobOf(env, {env, info}, Feeding::allowsLoans).run());
    } catch (const Failure& failure) {
      // What kind it is, for those who tell one from another.
      napi_throw_error(env, std::to_string(failure.code).c_str(), failure.what());
      throw Pending{};
    }
  });
}

/** A run on a thread of Node's pool, and the promise of what comes out. */
struct Promised {
  Job job;
  napi_deferred deferred = nullptr;
  napi_async_work work = nullptr;
  Outcome outcome{{}, {nullptr, &TF_DeleteBuffer}};
  /** Empty after success. */
  std::string failure;
};

void compute(napi_env, void* data) {
  auto& promised = *static_cast<Promised*>(data);
  try {
    promised.outcome = promised.job.run();
  } catch (const std::exception& error) {
    promised.failure = error.what();
  }
  // Here, not in `settle`, which Node's thread calls: it may be waiting in `close`.
  promised.job.use.end();
}

void settle(napi_env env, napi_status, void* data) {
  const std::unique_ptr<Promised> promised(static_cast<Promised*>(data));
  napi_delete_async_work(env, promised->work);
  napi_value result = nullptr;
  if (promised->failure.empty()) {
    try {
      result = resultOf(env, promised->outcome);
    } catch (const Pending&) {
      promised->failure = "the outputs could not be made into arrays";
      napi_value ignored;
      napi_get_and_clear_last_exception(env, &ignored);
    } catch (const std::exception& error) {
      promised->failure = error.what();
    }
  }
  if (promised->failure.empty()) {
    napi_resolve_deferred(env, promised->deferred, result);
  } else {
    napi_reject_deferred(env, promised->deferred, errorOf(env, promised->failure.c_str()));
  }
}

/** promise(session, function, arrays, options): as run, while JavaScript goes on. */
napi_value promise(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    auto promised = std::make_unique<Promised>(Promised{jobOf(env, {env, info}, Feeding::copies)});
    napi_value name, result;
    check(env, napi_create_string_utf8(env, "fsam.run", NAPI_AUTO_LENGTH, &name));
    check(env, napi_create_async_work(env, nullptr, name, compute, settle, promised.get(), &promised->work));
    napi_status status = napi_create_promise(env, &promised->deferred, &result);
    if (status == napi_ok) status = napi_queue_async_work(env, promised->work);
    if (status != napi_ok) napi_delete_async_work(env, promised->work);
    check(env, status);
    promised.release();
    return result;
  });
}

/** close(session): waits for the runs under way. */
napi_value close(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    sessionOf(env, Arguments<1>(env, info).values[0])->close();
    return nullptr;
  });
}

}  // namespace

NAPI_MODULE_INIT() {
  const std::pair<const char*, napi_callback> functions[] = {
      {"serve", serve}, {"allowTf32", allowTf32}, {"kernels", kernels}, {"makeFunction", makeFunction},
      {"open", open}, {"devices", devices}, {"define", define}, {"run", run}, {"promise", promise}, {"close", close}};
  for (const auto& [name, body] : functions) {
    if (!exportFunction(env, exports, name, body)) return nullptr;
  }
  return exports;
}
