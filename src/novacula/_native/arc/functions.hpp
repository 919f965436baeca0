// Exponential functions of vectors. Float: polynomials, accurate to about one unit in the last place; double, which
// only the tests use: the C library.
#pragma once

#include "vector.hpp"

namespace novacula::NOVACULA_SET::arc {

template <int N>
struct Exponent {
  Vec<float, N> scale;  // 2^n, n the nearest integer to x / ln 2
  Vec<float, N> rest;   // e^r - 1, r = x - n ln 2
};

// Needs -87 <= x <= 88, so that 2^n is a normal number. The polynomial is that of the Cephes library's expf.
template <int N>
NOVACULA_INLINE Exponent<N> split_exponent(Vec<float, N> x) {
  typedef std::int32_t Integers __attribute__((vector_size(N * sizeof(std::int32_t))));
  constexpr float round = 12582912.0f;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  const Vec<float, N> shifted = x * 1.44269504f + round, n = shifted - round;
  const Vec<float, N> r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
  Vec<float, N> p = 1.9875691500e-4f * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const Integers bits = (reinterpret_cast<Integers>(shifted) + 127) << 23;
  return {reinterpret_cast<Vec<float, N>>(bits), p * r * r + r};
}

template <class T, int N = row>
NOVACULA_INLINE Vec<T, N> exponential(Vec<T, N> x) {
  if constexpr (sizeof(T) == sizeof(float)) {
    const Vec<T, N> low = splat<T, N>(-87.0f), inside = larger(smaller(x, splat<T, N>(88.0f)), low);
    const Exponent<N> e = split_exponent<N>(inside);
    return x < low ? Vec<T, N>{} : e.scale * e.rest + e.scale;
  } else {
    for (int lane = 0; lane < N; ++lane) x[lane] = __builtin_exp(x[lane]);
    return x;
  }
}

// e^x - 1 for x <= 0, accurate relative to itself.
template <class T, int N = row>
NOVACULA_INLINE Vec<T, N> exponential_less_one(Vec<T, N> x) {
  if constexpr (sizeof(T) == sizeof(float)) {
    const Exponent<N> e = split_exponent<N>(larger(x, splat<T, N>(-87.0f)));
    return e.scale * e.rest + (e.scale - 1.0f);
  } else {
    for (int lane = 0; lane < N; ++lane) x[lane] = __builtin_expm1(x[lane]);
    return x;
  }
}

// 1 / (1 + e^-x).
template <class T, int N = row>
NOVACULA_INLINE Vec<T, N> logistic(Vec<T, N> x) {
  if constexpr (sizeof(T) == sizeof(float)) {
    const Exponent<N> e = split_exponent<N>(larger(smaller(-x, splat<T, N>(84.0f)), splat<T, N>(-84.0f)));
    return 1.0f / (e.scale * e.rest + (e.scale + 1.0f));
  } else {
    return T(1) / (T(1) + exponential<T, N>(-x));
  }
}

template <class T>
NOVACULA_INLINE T square_root(T x) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return __builtin_sqrtf(x);
  } else {
    return __builtin_sqrt(x);
  }
}

template <class T, int N = row>
NOVACULA_INLINE Vec<T, N> square_roots(Vec<T, N> x) {
  for (int lane = 0; lane < N; ++lane) x[lane] = square_root(x[lane]);
  return x;
}

}  // namespace novacula::NOVACULA_SET::arc
