// The second half of a residual layer whose inside is normalized: out = v + B norm(h).
//
// The normalization folds into the map: B norm(h) = B' h + b with B' = B diag(r) and b = -B' mean.
//
// Backward. Let g be the gradient with respect to out, y = norm(h) and n the number of positions. With
//   G = sum over positions of g h^T   and   s = sum of g
// the weight's gradient is  dB = (G - s mean^T) diag(r) = sum of g y^T. The gradient with respect to y is B^T g, whose
// two means, which the normalization's backward needs, follow from what is there already:
//   m1 = mean(B^T g) = B^T s / n,   m2[k] = mean((B^T g)[k] y[k]) = sum_j B[j][k] dB[j][k] / n.
// Hence  dh = r (B^T g - m1 - y m2), one map of g, plus a multiple of h, plus a constant.
#pragma once

#include "functions.hpp"
#include "normalize.hpp"

namespace novacula::NOVACULA_SET::arc {

template <class T>
struct NormedUp {
  T weight[max_normed * max_normed] = {};  // B', width x hidden
  T bias[max_normed] = {};

  NormedUp(const T* b, int width, int hidden, const Norm<T>& norm) {
    for (int j = 0; j < width; ++j) {
      double offset = 0;
      for (int k = 0; k < hidden; ++k) {
        weight[j * hidden + k] = b[j * hidden + k] * norm.scale[k];
        offset -= static_cast<double>(weight[j * hidden + k]) * norm.mean[k];
      }
      bias[j] = static_cast<T>(offset);
    }
  }

  // What takes B norm(h) off again.
  void negate() {
    for (T& w : weight) w = -w;
    for (T& w : bias) w = -w;
  }
};

// out = v + B norm(h); `out` may be `v`.
template <class T>
Norm<T> normed_up(const Shape& s, const T* b, int hidden, const T* h, const T* v, T* out) {
  const Norm<T> norm = norm_of(s, h, hidden);
  const NormedUp<T> up(b, s.width, hidden, norm);
  apply<T>({up.weight, s.width, hidden, up.bias}, v, h, out, s.tiles);
  return norm;
}

// What leads from the gradient of out to that of h:  dh = back g - factor h + constant.
template <class T>
struct NormedUpBackward {
  int width, hidden;
  T back[max_normed * max_normed], constant[max_normed], factor[max_normed];

  NormedUpBackward(int width_, int hidden_) : width(width_), hidden(hidden_) {}

  // From `product` = G and `sums` = s; adds to `db`.
  void finish(const T* b, const Norm<T>& norm, Index positions, const T* product, const double* sums, T* db) {
    const double n = static_cast<double>(positions);
    for (int k = 0; k < hidden; ++k) {
      const double mean = norm.mean[k], r = norm.scale[k];
      double m1 = 0, m2 = 0;
      for (int j = 0; j < width; ++j) {
        const double weight = b[j * hidden + k], dweight = (product[j * hidden + k] - sums[j] * mean) * r;
        db[j * hidden + k] += static_cast<T>(dweight);
        m1 += weight * sums[j];
        m2 += weight * dweight;
        back[k * width + j] = static_cast<T>(weight * r);
      }
      m1 /= n;
      m2 /= n;
      factor[k] = static_cast<T>(r * r * m2);
      constant[k] = static_cast<T>(r * (r * m2 * mean - m1));
    }
  }

  Map<T> map() const { return {back, hidden, width, constant}; }

  // `h` becomes its own gradient; `spread` is the map.
  void replace(const Spread<T>& spread, const T* g, T* h, Index tiles) const {
    alignas(64) T dy[chunk * max_normed * row];
    spread(nullptr, g, dy, tiles);
    for (Index i = 0; i < tiles; ++i)
      for (int k = 0; k < hidden; ++k) {
        T* const at = h + (i * hidden + k) * row;
        store<T>(at, load<T>(dy + (i * hidden + k) * row) - load<T>(at) * factor[k]);
      }
  }
};

// Adds to `db`. Padding of h must be zero.
template <class T>
NormedUpBackward<T> normed_up_gradient(const Shape& s, const T* b, int hidden, const T* g, const Norm<T>& norm,
                                       const T* h, T* db) {
  WeightGradient<T> products(s.width, hidden);
  double sums[max_normed] = {};
  for_chunks(s.tiles, [&](Index t, Index tiles) {
    gradient(products, g + t * s.width * row, h + t * hidden * row, tiles);
    add_channel_sums(g + t * s.width * row, s.width, tiles, sums);
  });
  T product[max_normed * max_normed] = {};
  products.add_to(product);
  NormedUpBackward<T> backward(s.width, hidden);
  backward.finish(b, norm, s.positions(), product, sums, db);
  return backward;
}

// Adds to `db`; `h` becomes its own gradient. Padding of h must be zero, and stays so.
template <class T>
void normed_up_backward(const Shape& s, const T* b, int hidden, const T* g, const Norm<T>& norm, T* h, T* db) {
  const NormedUpBackward<T> backward = normed_up_gradient(s, b, hidden, g, norm, h, db);
  const Spread<T> map(backward.map(), s.tiles);
  for_chunks(s.tiles, [&](Index t, Index tiles) {
    backward.replace(map, g + t * s.width * row, h + t * hidden * row, tiles);
  });
  if (s.padding > 0) clear_padding(s, hidden, h);
}

}  // namespace novacula::NOVACULA_SET::arc
