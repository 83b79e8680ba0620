// GELU and layer normalisation as ops of TensorFlow's, for the CPU; see tokens.h.
#include "op.h"
#include "tokens.h"

namespace {

bool areAlike(const Tensor& a, const Tensor& b) {
  return extent(a, 0) == extent(b, 0) && extent(a, 1) == extent(b, 1);
}

bool hasExtent(const Tensor& tensor, long wanted) { return extent(tensor, 0) == wanted; }

Tokens tokensOf(const Tensor& x) { return {extent(x, 0), extent(x, 1)}; }

/** x -> y */
void forward(void*, TF_OpKernelContext* context) {
  Call call(context);
  const Tensor x = call.input(0, 2);
  if (!x) return;
  const auto [rows, columns] = tokensOf(x);
  const Tensor y = call.output(0, {rows, columns});
  if (y) call.compute([&, count = rows * columns] { gelu(count, values(x), room(y)); });
}

/** dy, x -> dx */
void backward(void*, TF_OpKernelContext* context) {
  Call call(context);
  const Tensor dy = call.input(0, 2), x = call.input(1, 2);
  if (!dy || !x || !call.accepts(areAlike(dy, x))) return;
  const auto [rows, columns] = tokensOf(x);
  const Tensor dx = call.output(0, {rows, columns});
  if (dx) call.compute([&, count = rows * columns] { geluBack(count, values(dy), values(x), room(dx)); });
}

/** x, scale, offset, epsilon -> y, mean, inverse. */
void normalise(void*, TF_OpKernelContext* context) {
  Call call(context);
  const Tensor x = call.input(0, 2), scale = call.input(1, 1), offset = call.input(2, 1), epsilon = call.input(3, 0);
  if (!x || !scale || !offset || !epsilon) return;
  const Tokens tokens = tokensOf(x);
  const long columns = tokens.columns;
  if (!call.accepts(columns > 0 && hasExtent(scale, columns) && hasExtent(offset, columns))) return;
  const Tensor y = call.output(0, {tokens.rows, columns});
  const Tensor mean = call.output(1, {tokens.rows}), inverse = call.output(2, {tokens.rows});
  if (!y || !mean || !inverse) return;
  call.compute([&] {
    normaliseRows(tokens, values(x), values(scale), values(offset), *values(epsilon), room(y), room(mean),
                  room(inverse));
  });
}

/** dy, x, scale, mean, inverse -> dx, dScale, dOffset. */
void normaliseBack(void*, TF_OpKernelContext* context) {
  Call call(context);
  const Tensor dy = call.input(0, 2), x = call.input(1, 2), scale = call.input(2, 1);
  const Tensor mean = call.input(3, 1), inverse = call.input(4, 1);
  if (!dy || !x || !scale || !mean || !inverse) return;
  const Tokens tokens = tokensOf(x);
  const long columns = tokens.columns;
  const bool fits = areAlike(dy, x) && hasExtent(scale, columns) && hasExtent(mean, tokens.rows) &&
                    hasExtent(inverse, tokens.rows);
  if (!call.accepts(columns > 0 && fits)) return;
  const Tensor dx = call.output(0, {tokens.rows, columns});
  const Tensor dScale = call.output(1, {columns}), dOffset = call.output(2, {columns});
  if (!dx || !dScale || !dOffset) return;
  call.compute([&] {
    normaliseRowsBack(tokens, values(dy), values(x), values(scale), values(mean), values(inverse), room(dx),
                      room(dScale), room(dOffset));
  });
}

/** Output number i is shaped as axes [begin, end) of an input. */
struct Like {
  int input, rank, begin, end;
};

template <int outputs>
void setOutputs(TF_ShapeInferenceContext* context, TF_Status* status, const Like (&likes)[outputs]) {
  const Handle whole{TF_NewShapeHandle(), &TF_DeleteShapeHandle}, part{TF_NewShapeHandle(), &TF_DeleteShapeHandle};
  for (int output = 0; output < outputs; output++) {
    const auto [input, rank, begin, end] = likes[output];
    if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextGetInput(context, input, whole.get(), status);
    if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextWithRank(context, whole.get(), rank, whole.get(), status);
    if (TF_GetCode(status) == TF_OK) {
      TF_ShapeInferenceContextSubshape(context, whole.get(), begin, end, part.get(), status);
    }
    setOutput(context, output, part, status);
  }
}

void likeFirst(TF_ShapeInferenceContext* context, TF_Status* status) { setOutputs<1>(context, status, {{0, 2, 0, 2}}); }

void normalisedShape(TF_ShapeInferenceContext* context, TF_Status* status) {
  setOutputs<3>(context, status, {{0, 2, 0, 2}, {0, 2, 0, 1}, {0, 2, 0, 1}});
}

void gradientShape(TF_ShapeInferenceContext* context, TF_Status* status) {
  setOutputs<3>(context, status, {{0, 2, 0, 2}, {2, 1, 0, 1}, {2, 1, 0, 1}});
}

}  // namespace

void defineTokens(const Status& status) {
  define("Gelu", {"x: float"}, {"y: float"}, forward, likeFirst, status);
  define("GeluGrad", {"dy: float", "x: float"}, {"dx: float"}, backward, likeFirst, status);
  define("NormalizeRows", {"x: float", "scale: float", "offset: float", "epsilon: float"},
         {"y: float", "mean: float", "inverse: float"}, normalise, normalisedShape, status);
  define("NormalizeRowsGrad", {"dy: float", "x: float", "scale: float", "mean: float", "inverse: float"},
         {"dx: float", "dscale: float", "doffset: float"}, normaliseBack, gradientShape, status);
}
