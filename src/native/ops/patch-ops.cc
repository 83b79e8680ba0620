// Convolution by patches as ops of TensorFlow's, for the CPU; see patches.h.
#include "patches.h"

namespace {

/** Of x and the filter; all zeros where they do not fit together or there is nothing to compute. */
template <int stride>
PatchShape shapeOf(const Tensor& x, const Tensor& filter) {
  const PatchShape shape{extent(x, 0),      extent(x, 1),      extent(x, 2), extent(x, 3),
                         extent(filter, 3), extent(filter, 0), stride};
  const bool fits = shape.kernel % 2 == 1 && extent(filter, 1) == shape.kernel && extent(filter, 2) == shape.inputs;
  // No patch lies beside the image.
  const bool isLarge = shape.height > shape.padding() && shape.width > shape.padding();
  return fits && isLarge && shape.images > 0 && shape.inputs > 0 && shape.outputs > 0 ? shape : PatchShape{};
}

bool isOutput(const PatchShape& shape, const Tensor& dy) {
  return extent(dy, 0) == shape.images && extent(dy, 1) == shape.down() && extent(dy, 2) == shape.across() &&
         extent(dy, 3) == shape.outputs;
}

/** x, filter -> y. */
template <int stride>
void forward(void*, TF_OpKernelContext* context) {
  Call call(context);
  const Tensor x = call.input(0), filter = call.input(1);
  if (!x || !filter) return;
  const PatchShape shape = shapeOf<stride>(x, filter);
  if (!call.accepts(shape.images > 0)) return;
  const Tensor y = call.output(0, {shape.images, shape.down(), shape.across(), shape.outputs});
  if (y) call.compute([&] { convolvePatches(shape, values(x), values(filter), room(y)); });
}

/** x, of which only the shape counts, filter, dy -> dx. */
template <int stride>
void backpropInput(void*, TF_OpKernelContext* context) {
  Call call(context);
  const Tensor x = call.input(0), filter = call.input(1), dy = call.input(2);
  if (!x || !filter || !dy) return;
  const PatchShape shape = shapeOf<stride>(x, filter);
  if (!call.accepts(shape.images > 0 && isOutput(shape, dy))) return;
  const Tensor dx = call.output(0, {shape.images, shape.height, shape.width, shape.inputs});
  if (dx) call.compute([&] { patchInputGradient(shape, values(dy), values(filter), room(dx)); });
}

/** x, filter, of which only the shape counts, dy -> dw. */
template <int stride>
void backpropFilter(void*, TF_OpKernelContext* context) {
  Call call(context);
  const Tensor x = call.input(0), filter = call.input(1), dy = call.input(2);
  if (!x || !filter || !dy) return;
  const PatchShape shape = shapeOf<stride>(x, filter);
  if (!call.accepts(shape.images > 0 && isOutput(shape, dy))) return;
  const Tensor dw = call.output(0, {shape.kernel, shape.kernel, shape.inputs, shape.outputs});
  if (dw) call.compute([&] { patchFilterGradient(shape, values(x), values(dy), room(dw)); });
}

/** An extent of x under the stride, as a shape of its own. */
template <int stride>
Handle extentUnder(TF_ShapeInferenceContext* context, const Handle& x, int axis) {
  TF_DimensionHandle* dimension = TF_NewDimensionHandle();
  TF_ShapeInferenceContextDim(context, x.get(), axis, dimension);
  const bool isKnown = TF_DimensionHandleValueKnown(dimension);
  const int64_t size = isKnown ? (TF_DimensionHandleValue(dimension) - 1) / stride + 1 : -1;
  TF_DeleteDimensionHandle(dimension);
  return {TF_ShapeInferenceContextVectorFromSize(context, size), &TF_DeleteShapeHandle};
}

template <int stride>
void forwardShape(TF_ShapeInferenceContext* context, TF_Status* status) {
  const Handle x = axes(context, 0, 0, 4, status), images = axes(context, 0, 0, 1, status);
  const Handle channels = axes(context, 1, 3, 4, status);
  if (TF_GetCode(status) != TF_OK) return;
  const Handle rows = join(context, images, extentUnder<stride>(context, x, 1), status);
  const Handle pixels = join(context, rows, extentUnder<stride>(context, x, 2), status);
  setOutput(context, 0, join(context, pixels, channels, status), status);
}

template <int input>
void shapedAs(TF_ShapeInferenceContext* context, TF_Status* status) {
  const Handle shape{TF_NewShapeHandle(), &TF_DeleteShapeHandle};
  TF_ShapeInferenceContextGetInput(context, input, shape.get(), status);
  setOutput(context, 0, shape, status);
}

template <int stride>
void defineOf(const std::string& name, const Status& status) {
  const Names inputs = {"x: float", "filter: float", "dy: float"};
  define(name.c_str(), {"x: float", "filter: float"}, {"y: float"}, forward<stride>, forwardShape<stride>, status);
  define((name + "BackpropInput").c_str(), inputs, {"dx: float"}, backpropInput<stride>, shapedAs<0>, status);
  define((name + "BackpropFilter").c_str(), inputs, {"dw: float"}, backpropFilter<stride>, shapedAs<1>, status);
}

}  // namespace

void definePatches(const Status& status) {
  defineOf<1>("PatchConv2D", status);
  defineOf<2>("PatchConv2DStrided", status);
}
