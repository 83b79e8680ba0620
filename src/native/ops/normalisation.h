// Batch normalisation with its gradient, and ReLU behind it where one follows, on all threads.
//
// Statistics and normalisation read x twice, the gradient reads x and dy twice; each op alone would pass over memory
// again.
#pragma once
#include "op.h"

/** Called once, before all else but startPool. */
void prepareNormalisations();

/** NormalizeBatch, NormalizeBatchRelu and their gradients, NormalizeBatchGrad and NormalizeBatchReluGrad. */
void defineNormalisations(const Status& status);

/** Rows [channels]: every pixel of every image. */
struct Batch {
  long rows, channels;
  bool relu;
};

/** Of each channel. */
struct Statistics {
  /** `variance` is the unbiased one, inverse = 1 / sqrt(biased variance + eps). */
  float *mean, *variance, *inverse;
};

/** y = (x - mean) * inverse * scale + offset, or its positive part. Throws std::bad_alloc. */
void normalise(const Batch& batch, const float* x, const float* scale, const float* offset, float* y,
               const Statistics& statistics);

/** The gradients of x, scale and offset; the same bits on any number of threads. Throws std::bad_alloc. */
void normaliseBack(const Batch& batch, const float* dy, const float* x, const float* scale, const float* offset,
                   const float* mean, const float* inverse, float* dx, float* dScale, float* dOffset);
