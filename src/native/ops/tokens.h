// What a transformer does to its tokens, with the gradients of it, on all threads: GELU and layer normalisation.
//
// TensorFlow composes either of a dozen ops, each of which passes over memory again.
#pragma once
#include "op.h"

/** Called once, before all else but startPool. */
void prepareTokens();

/** Gelu and GeluGrad, NormalizeRows and NormalizeRowsGrad. */
void defineTokens(const Status& status);

/** y = x Phi(x), Phi the normal distribution function, of `count` numbers. */
void gelu(long count, const float* x, float* y);

/** dx = dy (Phi(x) + x phi(x)), phi the normal density. */
void geluBack(long count, const float* dy, const float* x, float* dx);

/** Tokens [rows columns], each of which is normalised by itself. */
struct Tokens {
  long rows, columns;
};

/** y = (x - mean) * inverse * scale + offset; mean and inverse = 1 / sqrt(biased variance + epsilon) are [rows]. */
void normaliseRows(const Tokens& tokens, const float* x, const float* scale, const float* offset, float epsilon,
                   float* y, float* mean, float* inverse);

/**
 * The gradients of x, scale and offset; the same bits on any number of threads. Throws std::bad_alloc.
 */
void normaliseRowsBack(const Tokens& tokens, const float* dy, const float* x, const float* scale, const float* mean,
                       const float* inverse, float* dx, float* dScale, float* dOffset);
