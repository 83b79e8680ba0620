// A convolution as a product of patches of pixels and a filter, with its gradients, on all threads: of few channels,
// where what libraries prepare for each call takes longer than the products.
#pragma once
#include "op.h"

/** Called once, before all else but startPool. */
void preparePatches();

/** PatchConv2D of strides 1 and 2, PatchConv2DStrided, and their gradients, ...BackpropInput and ...BackpropFilter. */
void definePatches(const Status& status);

/** Images [images height width inputs] * a filter [kernel kernel inputs outputs], padded by half a kernel. */
struct PatchShape {
  long images, height, width, inputs, outputs, kernel, stride;

  long padding() const { return (kernel - 1) / 2; }
  long down() const { return (height - 1) / stride + 1; }
  long across() const { return (width - 1) / stride + 1; }
  long pixelsOfImage() const { return down() * across(); }
  long pixels() const { return images * pixelsOfImage(); }
  /** Numbers of a patch. */
  long depth() const { return kernel * kernel * inputs; }
};

/** x * filter -> y. Throws std::bad_alloc, as the others. */
void convolvePatches(const PatchShape& shape, const float* x, const float* filter, float* y);

/** The gradient of the input: dy, filter -> dx. */
void patchInputGradient(const PatchShape& shape, const float* dy, const float* filter, float* dx);

/** The gradient of the filter: x, dy -> dw. The same bits on any number of threads. */
void patchFilterGradient(const PatchShape& shape, const float* x, const float* dy, float* dw);
