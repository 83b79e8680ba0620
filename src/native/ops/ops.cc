// The convolution as ops of TensorFlow's, for the CPU, named as its own are: WinogradConv2D,
// WinogradConv2DBackpropInput and WinogradConv2DBackpropFilter. And the addon's door, which registers every op.
#include <node_api.h>

#include "convolution.h"
#include "normalisation.h"
#include "op.h"
#include "parallel.h"
#include "patches.h"
#include "tokens.h"

// Of tensorflow/core/util/port.h; null where the library does not give it away.
namespace tensorflow {
__attribute__((weak)) bool IsMklEnabled();
}

namespace {

bool isThreeByThree(const Tensor& filter) { return extent(filter, 0) == TAPS && extent(filter, 1) == TAPS; }

/** Images and a filter -> images. `transposed`: the filter's inputs are the outputs, and the other way round. */
void convolve(TF_OpKernelContext* context, bool transposed) {
  Call call(context);
  const Tensor x = call.input(0), filter = call.input(1);
  if (!x || !filter) return;
  const int inputAxis = transposed ? 3 : 2, outputAxis = transposed ? 2 : 3;
  const Shape shape{extent(x, 0), extent(x, 1), extent(x, 2), extent(x, 3), extent(filter, outputAxis)};
  if (!call.accepts(isThreeByThree(filter) && extent(filter, inputAxis) == shape.inputs && suits(shape))) return;
  const Tensor y = call.output(0, {shape.images, shape.height, shape.width, shape.outputs});
  if (y) call.compute([&] { convolution(shape, values(x), values(filter), transposed, room(y)); });
}

void forward(void*, TF_OpKernelContext* context) { convolve(context, false); }
void backpropInput(void*, TF_OpKernelContext* context) { convolve(context, true); }

void backpropFilter(void*, TF_OpKernelContext* context) {
  Call call(context);
  const Tensor x = call.input(0), dy = call.input(1);
  if (!x || !dy) return;
  const Shape shape{extent(x, 0), extent(x, 1), extent(x, 2), extent(x, 3), extent(dy, 3)};
  const bool fits = extent(dy, 0) == shape.images && extent(dy, 1) == shape.height && extent(dy, 2) == shape.width;
  if (!call.accepts(fits && suits(shape))) return;
  const Tensor dw = call.output(0, {TAPS, TAPS, shape.inputs, shape.outputs});
  if (dw) call.compute([&] { filterGradient(shape, values(x), values(dy), room(dw)); });
}

// Shapes, for TensorFlow's own checks and optimizers.

void forwardShape(TF_ShapeInferenceContext* context, TF_Status* status) {
  const Handle images = axes(context, 0, 0, 3, status), channels = axes(context, 1, 3, 4, status);
  setOutput(context, 0, join(context, images, channels, status), status);
}

void backpropInputShape(TF_ShapeInferenceContext* context, TF_Status* status) {
  const Handle images = axes(context, 0, 0, 3, status), channels = axes(context, 1, 2, 3, status);
  setOutput(context, 0, join(context, images, channels, status), status);
}

void backpropFilterShape(TF_ShapeInferenceContext* context, TF_Status* status) {
  const Handle taps{TF_ShapeInferenceContextVectorFromSize(context, TAPS), &TF_DeleteShapeHandle};
  const Handle inputs = axes(context, 0, 3, 4, status), outputs = axes(context, 1, 3, 4, status);
  const Handle square = join(context, taps, taps, status), channels = join(context, inputs, outputs, status);
  setOutput(context, 0, join(context, square, channels, status), status);
}

/** Once a process, whichever of Node's threads asks first. */
Status defineAll() {
  Status status = newStatus();
  define("WinogradConv2D", {"x: float", "filter: float"}, {"y: float"}, forward, forwardShape, status);
  define("WinogradConv2DBackpropInput", {"dy: float", "filter: float"}, {"dx: float"}, backpropInput,
         backpropInputShape, status);
  define("WinogradConv2DBackpropFilter", {"x: float", "dy: float"}, {"dw: float"}, backpropFilter,
         backpropFilterShape, status);
  defineNormalisations(status);
  definePatches(status);
  defineTokens(status);
  return status;
}

const char* prepare(int threads) {
  startPool(threads);
  prepareNormalisations();
  preparePatches();
  prepareTokens();
  return prepareConvolutions();
}

/** registerOps(threads): the instruction set they use. `threads`: 1 or more. */
napi_value registerOps(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument, result = nullptr;
  int32_t threads = 0;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  if (napi_get_value_int32(env, argument, &threads) != napi_ok || threads < 1) {
    napi_throw_range_error(env, nullptr, "registerOps wants a number of threads, 1 or more");
    return nullptr;
  }
  try {
    static const char* instructionSet = prepare(threads);
    static const Status status = defineAll();
    if (TF_GetCode(status.get()) != TF_OK) napi_throw_error(env, nullptr, TF_Message(status.get()));
    napi_create_string_utf8(env, instructionSet, NAPI_AUTO_LENGTH, &result);
  } catch (const std::exception& error) {
    // No exception may pass through Node.
    napi_throw_error(env, nullptr, error.what());
  }
  return result;
}

/** usesOneDnn(): whether TensorFlow does; null where its library has no such question. */
napi_value usesOneDnn(napi_env env, napi_callback_info) {
  napi_value result;
  if (tensorflow::IsMklEnabled == nullptr) {
    napi_get_null(env, &result);
  } else {
    napi_get_boolean(env, tensorflow::IsMklEnabled(), &result);
  }
  return result;
}

}  // namespace

NAPI_MODULE_INIT() {
  const auto provide = [&](const char* name, napi_callback callback) {
    napi_value function;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
    napi_set_named_property(env, exports, name, function);
  };
  provide("registerOps", registerOps);
  provide("usesOneDnn", usesOneDnn);
  return exports;
}
