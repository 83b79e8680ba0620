// The convolution as ops of TensorFlow's, for the CPU, named as its own are: WinogradConv2D,
// WinogradConv2DBackpropInput and WinogradConv2DBackpropFilter.
#include <node_api.h>
#include <tensorflow/c/ops.h>
#include <tensorflow/c/tf_tensor.h>

#include <memory>
#include <new>

#include "convolution.h"

// Of tensorflow/c/kernels.h, which cannot be included: it wants headers of TensorFlow's inside.
extern "C" {
struct TF_KernelBuilder;
struct TF_OpKernelConstruction;
struct TF_OpKernelContext;
TF_KernelBuilder* TF_NewKernelBuilder(const char* op, const char* device, void* (*create)(TF_OpKernelConstruction*),
                                      void (*compute)(void*, TF_OpKernelContext*), void (*destroy)(void*));
void TF_RegisterKernelBuilder(const char* name, TF_KernelBuilder*, TF_Status*);
void TF_GetInput(TF_OpKernelContext*, int index, TF_Tensor**, TF_Status*);
TF_Tensor* TF_AllocateOutput(TF_OpKernelContext*, int index, TF_DataType, const int64_t* extents, int rank,
                             size_t bytes, TF_Status*);
void TF_OpKernelContext_Failure(TF_OpKernelContext*, TF_Status*);
}

namespace {

using Status = std::unique_ptr<TF_Status, decltype(&TF_DeleteStatus)>;
/** Null for none. */
using Tensor = std::unique_ptr<TF_Tensor, decltype(&TF_DeleteTensor)>;

Status newStatus() { return {TF_NewStatus(), &TF_DeleteStatus}; }

/** A call of an op. After a failure its tensors are null, and the call has reported it. */
class Call {
 public:
  explicit Call(TF_OpKernelContext* context) : context_(context) {}

  Tensor input(int index) {
    TF_Tensor* found = nullptr;
    TF_GetInput(context_, index, &found, status_.get());
    Tensor tensor{found, &TF_DeleteTensor};
    if (isWell() && TF_NumDims(found) != 4) fail(TF_INVALID_ARGUMENT, "wants tensors of rank 4");
    report();
    if (!isWell()) tensor.reset();
    return tensor;
  }

  Tensor output(int64_t a, int64_t b, int64_t c, int64_t d) {
    const int64_t extents[] = {a, b, c, d};
    const size_t bytes = a * b * c * d * sizeof(float);
    TF_Tensor* tensor = TF_AllocateOutput(context_, 0, TF_FLOAT, extents, 4, bytes, status_.get());
    report();
    return {isWell() ? tensor : nullptr, &TF_DeleteTensor};
  }

  bool accepts(const Shape& shape, bool fits) {
    if (!fits || !suits(shape)) {
      fail(TF_INVALID_ARGUMENT, "has inputs that do not fit together, or of a size it does not provide for");
    }
    report();
    return isWell();
  }

  template <typename Body>
  void compute(const Body& body) {
    try {
      body();
    } catch (const std::bad_alloc&) {
      fail(TF_RESOURCE_EXHAUSTED, "finds no memory");
    } catch (const std::exception& error) {
      fail(TF_INTERNAL, error.what());
    }
    report();
  }

 private:
  bool isWell() const { return TF_GetCode(status_.get()) == TF_OK; }
  void fail(TF_Code code, const char* reason) { TF_SetStatus(status_.get(), code, reason); }
  void report() {
    if (!isWell()) TF_OpKernelContext_Failure(context_, status_.get());
  }

  TF_OpKernelContext* context_;
  Status status_ = newStatus();
};

const float* values(const Tensor& tensor) { return static_cast<const float*>(TF_TensorData(tensor.get())); }
float* room(const Tensor& tensor) { return static_cast<float*>(TF_TensorData(tensor.get())); }
long extent(const Tensor& tensor, int axis) { return TF_Dim(tensor.get(), axis); }

bool isThreeByThree(const Tensor& filter) { return extent(filter, 0) == TAPS && extent(filter, 1) == TAPS; }

/** Images and a filter -> images. `transposed`: the filter's inputs are the outputs, and the other way round. */
void convolve(TF_OpKernelContext* context, bool transposed) {
  Call call(context);
  const Tensor x = call.input(0), filter = call.input(1);
  if (!x || !filter) return;
  const int inputAxis = transposed ? 3 : 2, outputAxis = transposed ? 2 : 3;
  const Shape shape{extent(x, 0), extent(x, 1), extent(x, 2), extent(x, 3), extent(filter, outputAxis)};
  if (!call.accepts(shape, isThreeByThree(filter) && extent(filter, inputAxis) == shape.inputs)) return;
  const Tensor y = call.output(shape.images, shape.height, shape.width, shape.outputs);
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
  if (!call.accepts(shape, fits)) return;
  const Tensor dw = call.output(TAPS, TAPS, shape.inputs, shape.outputs);
  if (dw) call.compute([&] { filterGradient(shape, values(x), values(dy), room(dw)); });
}

// Shapes, for TensorFlow's own checks and optimizers.

using Handle = std::unique_ptr<TF_ShapeHandle, decltype(&TF_DeleteShapeHandle)>;

/** Axes [begin, end) of an input. */
Handle axes(TF_ShapeInferenceContext* context, int input, int begin, int end, TF_Status* status) {
  const Handle whole{TF_NewShapeHandle(), &TF_DeleteShapeHandle};
  Handle part{TF_NewShapeHandle(), &TF_DeleteShapeHandle};
  if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextGetInput(context, input, whole.get(), status);
  if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextWithRank(context, whole.get(), 4, whole.get(), status);
  if (TF_GetCode(status) == TF_OK) {
    TF_ShapeInferenceContextSubshape(context, whole.get(), begin, end, part.get(), status);
  }
  return part;
}

Handle join(TF_ShapeInferenceContext* context, const Handle& first, const Handle& second, TF_Status* status) {
  Handle whole{TF_NewShapeHandle(), &TF_DeleteShapeHandle};
  if (TF_GetCode(status) == TF_OK) {
    TF_ShapeInferenceContextConcatenateShapes(context, first.get(), second.get(), whole.get(), status);
  }
  return whole;
}

void setOutput(TF_ShapeInferenceContext* context, const Handle& shape, TF_Status* status) {
  if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextSetOutput(context, 0, shape.get(), status);
}

void forwardShape(TF_ShapeInferenceContext* context, TF_Status* status) {
  const Handle images = axes(context, 0, 0, 3, status), channels = axes(context, 1, 3, 4, status);
  setOutput(context, join(context, images, channels, status), status);
}

void backpropInputShape(TF_ShapeInferenceContext* context, TF_Status* status) {
  const Handle images = axes(context, 0, 0, 3, status), channels = axes(context, 1, 2, 3, status);
  setOutput(context, join(context, images, channels, status), status);
}

void backpropFilterShape(TF_ShapeInferenceContext* context, TF_Status* status) {
  const Handle taps{TF_ShapeInferenceContextVectorFromSize(context, TAPS), &TF_DeleteShapeHandle};
  const Handle inputs = axes(context, 0, 3, 4, status), outputs = axes(context, 1, 3, 4, status);
  const Handle square = join(context, taps, taps, status), channels = join(context, inputs, outputs, status);
  setOutput(context, join(context, square, channels, status), status);
}

using Compute = void (*)(void*, TF_OpKernelContext*);
using InferShape = void (*)(TF_ShapeInferenceContext*, TF_Status*);

/** Does nothing after a failure. */
void define(const char* name, const char* first, const char* second, const char* output, Compute compute,
            InferShape inferShape, const Status& status) {
  if (TF_GetCode(status.get()) != TF_OK) return;
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder(name);
  TF_OpDefinitionBuilderAddInput(op, first);
  TF_OpDefinitionBuilderAddInput(op, second);
  TF_OpDefinitionBuilderAddOutput(op, output);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, inferShape);
  TF_RegisterOpDefinition(op, status.get());
  if (TF_GetCode(status.get()) != TF_OK) return;
  TF_RegisterKernelBuilder(name, TF_NewKernelBuilder(name, "CPU", nullptr, compute, nullptr), status.get());
}

/** Once a process, whichever of Node's threads asks first. */
Status defineAll() {
  Status status = newStatus();
  define("WinogradConv2D", "x: float", "filter: float", "y: float", forward, forwardShape, status);
  define("WinogradConv2DBackpropInput", "dy: float", "filter: float", "dx: float", backpropInput, backpropInputShape,
         status);
  define("WinogradConv2DBackpropFilter", "x: float", "dy: float", "dw: float", backpropFilter, backpropFilterShape,
         status);
  return status;
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
    static const char* instructionSet = prepareConvolutions(threads);
    static const Status status = defineAll();
    if (TF_GetCode(status.get()) != TF_OK) napi_throw_error(env, nullptr, TF_Message(status.get()));
    napi_create_string_utf8(env, instructionSet, NAPI_AUTO_LENGTH, &result);
  } catch (const std::exception& error) {
    // No exception may pass through Node.
    napi_throw_error(env, nullptr, error.what());
  }
  return result;
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "registerOps", NAPI_AUTO_LENGTH, registerOps, nullptr, &function);
  napi_set_named_property(env, exports, "registerOps", function);
  return exports;
}
