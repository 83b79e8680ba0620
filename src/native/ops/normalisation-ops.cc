// Batch normalisation as ops of TensorFlow's, for the CPU; see normalisation.h.
#include "normalisation.h"
#include "op.h"

namespace {

bool hasExtent(const Tensor& tensor, long wanted) { return extent(tensor, 0) == wanted; }

bool areAlike(const Tensor& a, const Tensor& b) {
  for (int axis = 0; axis < 4; axis++) {
    if (extent(a, axis) != extent(b, axis)) return false;
  }
  return true;
}

Batch batchOf(const Tensor& x, bool relu) {
  return {extent(x, 0) * extent(x, 1) * extent(x, 2), extent(x, 3), relu};
}

bool isEmpty(const Batch& batch) { return batch.rows == 0 || batch.channels == 0; }

Tensor outputLike(Call& call, int index, const Tensor& x) {
  return call.output(index, {extent(x, 0), extent(x, 1), extent(x, 2), extent(x, 3)});
}

/** x, scale, offset -> y, mean, variance, inverse. */
template <bool relu>
void forward(void*, TF_OpKernelContext* context) {
  Call call(context);
  const Tensor x = call.input(0), scale = call.input(1, 1), offset = call.input(2, 1);
  if (!x || !scale || !offset) return;
  const Batch batch = batchOf(x, relu);
  const long channels = batch.channels;
  if (!call.accepts(!isEmpty(batch) && hasExtent(scale, channels) && hasExtent(offset, channels))) return;
  const Tensor y = outputLike(call, 0, x);
  const Tensor mean = call.output(1, {channels}), variance = call.output(2, {channels});
  const Tensor inverse = call.output(3, {channels});
  if (!y || !mean || !variance || !inverse) return;
  call.compute([&] {
    normalise(batch, values(x), values(scale), values(offset), room(y), {room(mean), room(variance), room(inverse)});
  });
}

/** dy, x, scale, offset, mean, inverse -> dx, dScale, dOffset. */
template <bool relu>
void backward(void*, TF_OpKernelContext* context) {
  Call call(context);
  const Tensor dy = call.input(0), x = call.input(1), scale = call.input(2, 1), offset = call.input(3, 1);
  const Tensor mean = call.input(4, 1), inverse = call.input(5, 1);
  if (!dy || !x || !scale || !offset || !mean || !inverse) return;
  const Batch batch = batchOf(x, relu);
  const long channels = batch.channels;
  const bool fits = areAlike(dy, x) && hasExtent(scale, channels) && hasExtent(offset, channels) &&
                    hasExtent(mean, channels) && hasExtent(inverse, channels);
  if (!call.accepts(!isEmpty(batch) && fits)) return;
  const Tensor dx = outputLike(call, 0, x);
  const Tensor dScale = call.output(1, {channels}), dOffset = call.output(2, {channels});
  if (!dx || !dScale || !dOffset) return;
  call.compute([&] {
    normaliseBack(batch, values(dy), values(x), values(scale), values(offset), values(mean), values(inverse),
                  room(dx), room(dScale), room(dOffset));
  });
}

/** The first output is shaped as the first input, the others as the input `vector`. */
template <int vector, int outputs>
void inferShape(TF_ShapeInferenceContext* context, TF_Status* status) {
  const Handle handle{TF_NewShapeHandle(), &TF_DeleteShapeHandle};
  for (int output = 0; output < outputs; output++) {
    const int input = output == 0 ? 0 : vector;
    if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextGetInput(context, input, handle.get(), status);
    setOutput(context, output, handle, status);
  }
}

}  // namespace

void defineNormalisations(const Status& status) {
  const Names inputs = {"x: float", "scale: float", "offset: float"};
  const Names outputs = {"y: float", "mean: float", "variance: float", "inverse: float"};
  define("NormalizeBatch", inputs, outputs, forward<false>, inferShape<1, 4>, status);
  define("NormalizeBatchRelu", inputs, outputs, forward<true>, inferShape<1, 4>, status);
  const Names gradientInputs = {"dy: float",     "x: float",    "scale: float",
                                "offset: float", "mean: float", "inverse: float"};
  const Names gradients = {"dx: float", "dscale: float", "doffset: float"};
  define("NormalizeBatchGrad", gradientInputs, gradients, backward<false>, inferShape<2, 3>, status);
  define("NormalizeBatchReluGrad", gradientInputs, gradients, backward<true>, inferShape<2, 3>, status);
}
