// Normalization of one tensor, channel by channel, over all its positions.
//
//   y = (v - mean) r,  r = 1 / sqrt(variance + 1e-8)
//
// Backward. Let n be the number of positions, g the gradient with respect to y. Through the mean, the variance and
// directly:
//   dv = r (g - mean(g) - y mean(g y)),
// where the means run over positions. Only the two means need a pass of their own.
#pragma once

#include "functions.hpp"
#include "maps.hpp"
#include "shapes.hpp"

namespace novacula::NOVACULA_SET::arc {

constexpr double norm_epsilon = 1e-8;
constexpr int max_normed = 16;

template <class T>
struct Norm {
  T mean[max_normed], scale[max_normed];
};

// Sums of a channel relative to a pivot that lies among its values, so that nothing cancels.
template <class T>
struct Moments {
  double first[max_normed] = {}, second[max_normed] = {};
  T pivot[max_normed];
};

template <class T, bool Masked>
NOVACULA_INLINE void add_moments(const T* values, int channels, Index tiles, int padding, Moments<T>& m) {
  for (int k = 0; k < channels; k += 2) {
    Vec<T> first[2] = {}, second[2] = {};
    for (Index t = 0; t < tiles; ++t)
      for (int j = 0; j < 2; ++j) {
        Vec<T> x = load<T>(values + (t * channels + k + j) * row) - m.pivot[k + j];
        if constexpr (Masked)
          for (int lane = row - padding; lane < row; ++lane) x[lane] = 0;
        first[j] += x;
        second[j] += x * x;
      }
    for (int j = 0; j < 2; ++j) {
      m.first[k + j] += sum_of_lanes<T>(first[j]);
      m.second[k + j] += sum_of_lanes<T>(second[j]);
    }
  }
}

template <class T>
Moments<T> start_moments(const T* values, int channels) {
  Moments<T> m;
  for (int k = 0; k < channels; ++k) m.pivot[k] = values[k * row];
  return m;
}

template <class T>
Norm<T> norm_from(const Moments<T>& m, int channels, Index positions) {
  Norm<T> norm;
  const double n = static_cast<double>(positions);
  for (int k = 0; k < channels; ++k) {
    const double shift = m.first[k] / n, variance = m.second[k] / n - shift * shift;
    norm.mean[k] = static_cast<T>(m.pivot[k] + shift);
    norm.scale[k] = static_cast<T>(1 / square_root((variance > 0 ? variance : 0) + norm_epsilon));
  }
  return norm;
}

// Mean and scale of each channel. The number of channels is even.
template <class T>
Norm<T> norm_of(const Shape& s, const T* values, int channels) {
  Moments<T> m = start_moments(values, channels);
  const Index whole = s.tiles - (s.padding > 0);
  for (Index t = 0; t < whole; t += 4 * chunk)
    add_moments<T, false>(values + t * channels * row, channels, whole - t < 4 * chunk ? whole - t : 4 * chunk, 0, m);
  if (whole < s.tiles) add_moments<T, true>(values + whole * channels * row, channels, 1, s.padding, m);
  return norm_from(m, channels, s.positions());
}

// In place.
template <class T>
void normalize(const Shape& s, T* values, int channels, const Norm<T>& norm) {
  for (Index t = 0; t < s.tiles; ++t)
    for (int k = 0; k < channels; ++k) {
      T* const at = values + (t * channels + k) * row;
      store<T>(at, (load<T>(at) - norm.mean[k]) * norm.scale[k]);
    }
}

// Gradient `g` with respect to y becomes that with respect to v; `y` holds the normalized values.
template <class T>
void normalize_backward(const Shape& s, const T* y, int channels, const Norm<T>& norm, T* g) {
  double sum[max_normed] = {}, product[max_normed] = {};
  for (Index first = 0; first < s.tiles; first += 4 * chunk) {
    const Index last = first + 4 * chunk < s.tiles ? first + 4 * chunk : s.tiles;
    for (int k = 0; k < channels; k += 2) {
      Vec<T> sums[2] = {}, products[2] = {};
      for (Index t = first; t < last; ++t)
        for (int j = 0; j < 2; ++j) {
          const Vec<T> d = load<T>(g + (t * channels + k + j) * row);
          sums[j] += d;
          products[j] += d * load<T>(y + (t * channels + k + j) * row);
        }
      for (int j = 0; j < 2; ++j) {
        sum[k + j] += sum_of_lanes<T>(sums[j]);
        product[k + j] += sum_of_lanes<T>(products[j]);
      }
    }
  }
  const double n = static_cast<double>(s.positions());
  for (Index t = 0; t < s.tiles; ++t)
    for (int k = 0; k < channels; ++k) {
      T* const at = g + (t * channels + k) * row;
      const T mean = static_cast<T>(sum[k] / n), slope = static_cast<T>(product[k] / n);
      store<T>(at, (load<T>(at) - mean - load<T>(y + (t * channels + k) * row) * slope) * norm.scale[k]);
    }
  if (s.padding > 0) clear_padding(s, channels, g);
}

}  // namespace novacula::NOVACULA_SET::arc
