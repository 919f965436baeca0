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
constexpr int at_once = 4;  // channels; two sums for each fill eight registers

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
  for (int k = 0; k < channels; k += at_once) {
    Vec<T> sum[2 * at_once] = {};  // of first powers, then of squares
    for (Index t = 0; t < tiles; ++t)
      for (int j = 0; j < at_once; ++j) {
        Vec<T> x = load<T>(values + (t * channels + k + j) * row) - m.pivot[k + j];
        if constexpr (Masked)
          for (int lane = row - padding; lane < row; ++lane) x[lane] = 0;
        sum[j] += x;
        sum[at_once + j] += x * x;
      }
    const Vec<T> total = lane_sums<T>(sum);
    for (int j = 0; j < at_once; ++j) {
      m.first[k + j] += total[j];
      m.second[k + j] += total[at_once + j];
    }
  }
}

// Of whole tiles.
template <class T>
void add_moments(const T* values, int channels, Index tiles, Moments<T>& m) {
  for (Index t = 0; t < tiles; t += 4 * chunk)
    add_moments<T, false>(values + t * channels * row, channels, tiles - t < 4 * chunk ? tiles - t : 4 * chunk, 0, m);
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

// The norm of a tensor without padding while it is written, some tiles at a time from the first on.
template <class T>
class RunningMoments {
 public:
  RunningMoments(const Shape& s, int channels) : s_(s), channels_(channels) {}

  void add(const T* values, Index tiles) {
    if (!started_) moments_ = start_moments(values, channels_);
    started_ = true;
    add_moments(values, channels_, tiles, moments_);
  }
  Norm<T> norm() const { return norm_from(moments_, channels_, s_.positions()); }

 private:
  const Shape& s_;
  const int channels_;
  bool started_ = false;
  Moments<T> moments_;
};

// Mean and scale of each channel. The number of channels is a multiple of four.
template <class T>
Norm<T> norm_of(const Shape& s, const T* values, int channels) {
  Moments<T> m = start_moments(values, channels);
  const Index whole = s.tiles - (s.padding > 0);
  add_moments(values, channels, whole, m);
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
    for (int k = 0; k < channels; k += at_once) {
      Vec<T> both[2 * at_once] = {};
      for (Index t = first; t < last; ++t)
        for (int j = 0; j < at_once; ++j) {
          const Vec<T> d = load<T>(g + (t * channels + k + j) * row);
          both[j] += d;
          both[at_once + j] += d * load<T>(y + (t * channels + k + j) * row);
        }
      const Vec<T> total = lane_sums<T>(both);
      for (int j = 0; j < at_once; ++j) {
        sum[k + j] += total[j];
        product[k + j] += total[at_once + j];
      }
    }
  }
  const double n = static_cast<double>(s.positions());
  T mean[max_normed], slope[max_normed];
  for (int k = 0; k < channels; ++k) {
    mean[k] = static_cast<T>(sum[k] / n);
    slope[k] = static_cast<T>(product[k] / n);
  }
  for (Index t = 0; t < s.tiles; ++t)
    for (int k = 0; k < channels; ++k) {
      T* const at = g + (t * channels + k) * row;
      store<T>(at, (load<T>(at) - mean[k] - load<T>(y + (t * channels + k) * row) * slope[k]) * norm.scale[k]);
    }
  if (s.padding > 0) clear_padding(s, channels, g);
}

}  // namespace novacula::NOVACULA_SET::arc
