// A whole convolution and its gradients, on all threads.
#pragma once
#include "shape.h"

/** Called once, before all else but startPool. Gives the instruction set that is used: avx512, avx2 or plain. */
const char* prepareConvolutions();

/** Whether images of this size, and these numbers of channels, can be computed. */
bool suits(const Shape& shape);

/**
 * x * filter -> y. `transposed`: the filter is [3 3 outputs inputs] and turned about, which makes x the gradient of
 * some convolution's output and y that of its input. Throws std::bad_alloc.
 */
void convolution(const Shape& shape, const float* x, const float* filter, bool transposed, float* y);

/** The gradient of the filter: x, dy -> dw. The same bits on any number of threads. Throws std::bad_alloc. */
void filterGradient(const Shape& shape, const float* x, const float* dy, float* dw);
