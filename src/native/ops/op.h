// An op of TensorFlow's: its call, and how it is made known. TensorFlow's C API, with what it owns deleted.
#pragma once
#include <tensorflow/c/ops.h>
#include <tensorflow/c/tf_tensor.h>

#include <exception>
#include <initializer_list>
#include <memory>
#include <new>
#include <string>

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

using Status = std::unique_ptr<TF_Status, decltype(&TF_DeleteStatus)>;
/** Null for none. */
using Tensor = std::unique_ptr<TF_Tensor, decltype(&TF_DeleteTensor)>;

inline Status newStatus() { return {TF_NewStatus(), &TF_DeleteStatus}; }

/** A call of an op. After a failure its tensors are null, and the call has reported it. */
class Call {
 public:
  explicit Call(TF_OpKernelContext* context) : context_(context) {}

  Tensor input(int index, int rank = 4) {
    TF_Tensor* found = nullptr;
    TF_GetInput(context_, index, &found, status_.get());
    Tensor tensor{found, &TF_DeleteTensor};
    if (isWell() && TF_NumDims(found) != rank) {
      fail(TF_INVALID_ARGUMENT, ("wants tensors of rank " + std::to_string(rank)).c_str());
    }
    report();
    if (!isWell()) tensor.reset();
    return tensor;
  }

  Tensor output(int index, std::initializer_list<int64_t> extents) {
    size_t bytes = sizeof(float);
    for (const int64_t extent : extents) bytes *= extent;
    TF_Tensor* tensor = TF_AllocateOutput(context_, index, TF_FLOAT, extents.begin(), static_cast<int>(extents.size()),
                                          bytes, status_.get());
    report();
    return {isWell() ? tensor : nullptr, &TF_DeleteTensor};
  }

  bool accepts(bool fits) {
    if (!fits) {
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

inline const float* values(const Tensor& tensor) { return static_cast<const float*>(TF_TensorData(tensor.get())); }
inline float* room(const Tensor& tensor) { return static_cast<float*>(TF_TensorData(tensor.get())); }
inline long extent(const Tensor& tensor, int axis) { return TF_Dim(tensor.get(), axis); }

using Handle = std::unique_ptr<TF_ShapeHandle, decltype(&TF_DeleteShapeHandle)>;

inline void setOutput(TF_ShapeInferenceContext* context, int index, const Handle& shape, TF_Status* status) {
  if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextSetOutput(context, index, shape.get(), status);
}

/** Axes [begin, end) of an input. */
inline Handle axes(TF_ShapeInferenceContext* context, int input, int begin, int end, TF_Status* status) {
  const Handle whole{TF_NewShapeHandle(), &TF_DeleteShapeHandle};
  Handle part{TF_NewShapeHandle(), &TF_DeleteShapeHandle};
  if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextGetInput(context, input, whole.get(), status);
  if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextWithRank(context, whole.get(), 4, whole.get(), status);
  if (TF_GetCode(status) == TF_OK) {
    TF_ShapeInferenceContextSubshape(context, whole.get(), begin, end, part.get(), status);
  }
  return part;
}

inline Handle join(TF_ShapeInferenceContext* context, const Handle& first, const Handle& second, TF_Status* status) {
  Handle whole{TF_NewShapeHandle(), &TF_DeleteShapeHandle};
  if (TF_GetCode(status) == TF_OK) {
    TF_ShapeInferenceContextConcatenateShapes(context, first.get(), second.get(), whole.get(), status);
  }
  return whole;
}

using Compute = void (*)(void*, TF_OpKernelContext*);
using InferShape = void (*)(TF_ShapeInferenceContext*, TF_Status*);
using Names = std::initializer_list<const char*>;

/** Inputs and outputs as "name: type". Does nothing after a failure. */
inline void define(const char* name, Names inputs, Names outputs, Compute compute, InferShape inferShape,
                   const Status& status) {
  if (TF_GetCode(status.get()) != TF_OK) return;
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder(name);
  for (const char* input : inputs) TF_OpDefinitionBuilderAddInput(op, input);
  for (const char* output : outputs) TF_OpDefinitionBuilderAddOutput(op, output);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, inferShape);
  TF_RegisterOpDefinition(op, status.get());
  if (TF_GetCode(status.get()) != TF_OK) return;
  TF_RegisterKernelBuilder(name, TF_NewKernelBuilder(name, "CPU", nullptr, compute, nullptr), status.get());
}
