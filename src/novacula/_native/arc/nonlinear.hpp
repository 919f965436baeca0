// The pointwise layer: out = v + B silu(z), z = A v, silu(z) = z l(z) with the logistic function l.
//
// Backward. Let g be the gradient with respect to out. silu'(z) = l(z) (1 + z (1 - l(z))), so
//   dB = sum of g silu(z)^T,  dz = silu'(z) * (B^T g),  dA = sum of dz v^T,  dv = g + A^T dz.
// z and l(z) are computed again rather than stored.
#pragma once

#include "functions.hpp"
#include "maps.hpp"
#include "shapes.hpp"

namespace novacula::NOVACULA_SET::arc {

constexpr int nonlinear_width = 16;

template <class T>
class Pointwise {
 public:
  Pointwise(const Shape& s, const T* a, const T* b)
      : width_(s.width), down_({a, nonlinear_width, s.width}, s.tiles), up_({b, s.width, nonlinear_width}, s.tiles) {}

  // Of at most a chunk of tiles from t on.
  void operator()(const T* v, T* out, Index t, Index tiles) const {
    alignas(64) T z[chunk * nonlinear_width * row];
    const Index at = t * width_ * row;
    down_(nullptr, v + at, z, tiles);
    for (Index i = 0; i < tiles * nonlinear_width * row; i += widest) {
      const Vec<T, widest> x = load<T, widest>(z + i);
      store<T, widest>(z + i, x * logistic<T, widest>(x));
    }
    up_(v + at, z, out + at, tiles);
  }

 private:
  const int width_;
  const Spread<T> down_, up_;
};

// `g` becomes the gradient with respect to v; da and db are added to. `after(t, tiles)` visits what has just been
// written, while it is in the cache.
template <class T, class After>
void nonlinear_backward(const Shape& s, const T* a, const T* b, const T* v, T* g, T* da, T* db, const After& after) {
  constexpr int inner = nonlinear_width;
  T a_transposed[inner * max_width], b_transposed[inner * max_width];
  transpose_weights(a, inner, s.width, a_transposed);
  transpose_weights(b, s.width, inner, b_transposed);
  const Spread<T> to_z({a, inner, s.width}, s.tiles), to_dz({b_transposed, inner, s.width}, s.tiles);
  const Spread<T> to_v({a_transposed, s.width, inner}, s.tiles);
  WeightGradient<T> down(inner, s.width), up(s.width, inner);
  alignas(64) T z[chunk * inner * row], slope[chunk * inner * row], dz[chunk * inner * row];
  for (Index t = 0; t < s.tiles; t += chunk) {
    const Index tiles = s.tiles - t < chunk ? s.tiles - t : chunk, at = t * s.width * row;
    to_z(nullptr, v + at, z, tiles);
    for (Index i = 0; i < tiles * inner * row; i += widest) {
      const Vec<T, widest> x = load<T, widest>(z + i), l = logistic<T, widest>(x), value = x * l;
      store<T, widest>(z + i, value);
      store<T, widest>(slope + i, l + value * (T(1) - l));
    }
    gradient(up, g + at, z, tiles);
    to_dz(nullptr, g + at, dz, tiles);
    for (Index i = 0; i < tiles * inner * row; i += widest)
      store<T, widest>(dz + i, load<T, widest>(dz + i) * load<T, widest>(slope + i));
    gradient(down, dz, v + at, tiles);
    to_v(g + at, dz, g + at, tiles);
    after(t, tiles);
  }
  down.add_to(da);
  up.add_to(db);
}

}  // namespace novacula::NOVACULA_SET::arc
