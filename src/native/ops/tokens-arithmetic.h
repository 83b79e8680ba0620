// GELU and layer normalisation of some numbers, for one instruction set; see instruction-sets.h.
#include "vectors.h"

typedef int Whole __attribute__((vector_size(LANES * sizeof(int))));

static inline Vector all(float value) { return Vector{} + value; }

/** e^y for y from -87 to 0, to 1e-7 of it: 2^n e^r, |r| at most ln(2) / 2, by Taylor's series. */
static inline Vector exponential(Vector y) {
  // Adding it leaves no room for digits behind the point.
  constexpr float ROUND = 12582912;
  const Vector n = (y * 1.44269504f + ROUND) - ROUND;
  const Vector r = (y - n * 0.693359375f) + n * 2.12194440e-4f;
  Vector sum = all(1.0f / 5040);
  for (const float factorial : {720.0f, 120.0f, 24.0f, 6.0f, 2.0f, 1.0f, 1.0f}) sum = sum * r + 1 / factorial;
  const Whole exponent = (__builtin_convertvector(n, Whole) + 127) << 23;
  Vector power;
  std::memcpy(&power, &exponent, sizeof(power));
  return sum * power;
}

/** Of a number x: the normal distribution function there, and e^(-x^2 / 2). */
struct Normal {
  Vector below, bell;
};

/**
 * Phi(-t) = e^(-t^2 / 2) m(t), where m, a multiple of Mills' ratio, is a polynomial in u = 1 / (1 + t / 3) or so: fitted to it
 * for the smallest relative error, which is 1e-8 before rounding, and 3e-7 after.
 */
static inline Normal normalAt(Vector x) {
  constexpr float FACTOR = 0.33f, FARTHEST = 13;
  constexpr float M[] = {7.26397684e-06f, 0.13145861f, 0.133863643f, 0.102778651f, 0.148820639f,
                         -0.112614401f, 0.29908371f, -0.328254998f, 0.15124549f, -0.0263885893f};
  Vector t = x < 0.0f ? -x : x;
  t = t > FARTHEST ? all(FARTHEST) : t;
  const Vector u = 1.0f / (1.0f + FACTOR * t), bell = exponential(t * t * -0.5f);
  Vector m = all(M[9]);
  for (int power = 8; power >= 0; power--) m = m * u + M[power];
  const Vector beyond = bell * m;
  return {x < 0.0f ? beyond : 1.0f - beyond, bell};
}

/** body(place, lanes) for vectors of `count` numbers. */
template <typename Body>
static inline void forEach(long count, const Body& body) {
  const long whole = count / LANES * LANES;
  for (long place = 0; place < whole; place += LANES) body(place, LANES);
  if (whole < count) body(whole, count - whole);
}

static void geluOf(long count, const float* x, float* y) {
  forEach(count, [&](long place, long lanes) __attribute__((always_inline)) {
    const Vector value = load(x + place, lanes);
    store(y + place, value * normalAt(value).below, lanes);
  });
}

static void geluGradient(long count, const float* dy, const float* x, float* dx) {
  constexpr float DENSITY = 0.398942280f;
  forEach(count, [&](long place, long lanes) __attribute__((always_inline)) {
    const Vector value = load(x + place, lanes);
    const Normal normal = normalAt(value);
    store(dx + place, load(dy + place, lanes) * (normal.below + value * normal.bell * DENSITY), lanes);
  });
}

static inline float sumOf(Vector values) {
  float lanes[LANES], sum = 0;
  store(lanes, values);
  for (int half = LANES / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
  }
  return sum + lanes[0];
}

/** The sum over a row of what term(place, lanes) gives, which is 0 beyond its end. */
template <typename Term>
static inline float sumOver(long columns, const Term& term) {
  Vector sum = {};
  forEach(columns, [&](long place, long lanes) __attribute__((always_inline)) { sum += term(place, lanes); });
  return sumOf(sum);
}

/** 1 in the first lanes, 0 in the others. */
static inline Vector ones(long lanes) {
  if (lanes == LANES) return all(1);
  float mask[LANES];
  for (long lane = 0; lane < LANES; lane++) mask[lane] = lane < lanes ? 1 : 0;
  return load(mask);
}

static void normaliseTokens(const Tokens& tokens, long rows, const float* x, const float* scale, const float* offset,
                            float epsilon, float* y, float* means, float* inverses) {
  const long columns = tokens.columns;
  for (long row = 0; row < rows; row++, x += columns, y += columns) {
    const float mean = sumOver(columns, [&](long place, long lanes) { return load(x + place, lanes); }) / columns;
    const float square = sumOver(columns, [&](long place, long lanes) {
      const Vector deviation = (load(x + place, lanes) - mean) * ones(lanes);
      return deviation * deviation;
    });
    const float inverse = 1 / std::sqrt(square / columns + epsilon);
    means[row] = mean;
    inverses[row] = inverse;
    forEach(columns, [&](long place, long lanes) __attribute__((always_inline)) {
      const Vector normal = (load(x + place, lanes) - mean) * inverse;
      store(y + place, normal * load(scale + place, lanes) + load(offset + place, lanes), lanes);
    });
  }
}

/** dx = inverse (a - <a> - h <a h>), a = dy scale, h = (x - mean) inverse; adds dy h and dy to sums [2][columns]. */
static void tokenGradients(const Tokens& tokens, long rows, const float* dy, const float* x, const float* scale,
                           const float* means, const float* inverses, float* dx, float* sums) {
  const long columns = tokens.columns;
  float *products = sums, *plain = sums + columns;
  for (long row = 0; row < rows; row++, x += columns, dy += columns, dx += columns) {
    const float mean = means[row], inverse = inverses[row];
    const auto a = [&](long place, long lanes) __attribute__((always_inline)) {
      return load(dy + place, lanes) * load(scale + place, lanes);
    };
    const auto h = [&](long place, long lanes) __attribute__((always_inline)) {
      return (load(x + place, lanes) - mean) * inverse;
    };
    const float meanOfA = sumOver(columns, a) / columns;
    const float meanOfAh = sumOver(columns, [&](long place, long lanes) { return a(place, lanes) * h(place, lanes); }) / columns;
    forEach(columns, [&](long place, long lanes) __attribute__((always_inline)) {
      const Vector gradient = load(dy + place, lanes), normal = h(place, lanes);
      store(products + place, load(products + place, lanes) + gradient * normal, lanes);
      store(plain + place, load(plain + place, lanes) + gradient, lanes);
      store(dx + place, (a(place, lanes) - meanOfA - normal * meanOfAh) * inverse, lanes);
    });
  }
}

constexpr Arithmetic ARITHMETIC = {NAME, geluOf, geluGradient, normaliseTokens, tokenGradients};
