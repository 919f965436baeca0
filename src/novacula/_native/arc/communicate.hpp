// Communication between the directions of each cell: out = v + M norm(v) with one 64 x 64 matrix M per tensor.
//
// Row (o, d1) and column (i, d2) of M hold  strength(d2 - d1) W[class(d1, d2)][o][i]: what channel i of direction d2
// sends to channel o of direction d1. With u = norm(v), r the scales and n the number of positions:
//   out = v + M' v + b,   M' = M diag(r),   b = -M' mean.
//
// Backward. Let g be the gradient with respect to out, G = sum over cells of g v^T (64 x 64), s = sum of g. Then
//   dM = (G - s mean^T) diag(r) = sum of g u^T,
// and du = M^T g, whose two means per channel (over cells and directions) are sums of columns of known matrices:
//   m1 = mean(du) = sum over the channel's columns of M^T s / n,
//   m2 = mean(du u) = sum over the channel's columns of diag(M^T dM) / n.
// So  dv = g + r (M^T g - m1 - u m2) = g + (M')^T g - r^2 m2 v + constant.
// dW sums dM over the entries that are tied, times their strength.
#pragma once

#include "normalize.hpp"

namespace novacula::NOVACULA_SET::arc {

constexpr int directed = 8;             // channels of a tensor with directions
constexpr int cell_size = directed * row;

template <class T>
struct DirectionTies {
  const std::int32_t* map;   // [receiver][sender]: which class
  const double* strength;    // by sender - receiver

  T strength_of(int receiver, int sender) const { return static_cast<T>(strength[(sender - receiver + row) % row]); }
  static Index entry(int map, int o, int i) { return (Index{map} * directed + o) * directed + i; }
};

// out = base + bias + sum_i columns[i] * in[i] for every cell; columns are 64 long. `base` may be `out`.
template <class T, int Cells>
NOVACULA_INLINE void mix_cells(const T* columns, const T* bias, const T* base, const T* in, T* out) {
  constexpr int wide = 2;  // vectors of the result at a time
  for (int o = 0; o < cell_size; o += wide * lanes) {
    Vec<T, lanes> sum[Cells][wide];
    for (int c = 0; c < Cells; ++c)
      for (int j = 0; j < wide; ++j)
        sum[c][j] = load<T, lanes>(base + c * cell_size + o + j * lanes) + load<T, lanes>(bias + o + j * lanes);
    for (int i = 0; i < cell_size; ++i) {
      Vec<T, lanes> column[wide];
      for (int j = 0; j < wide; ++j) column[j] = load<T, lanes>(columns + i * cell_size + o + j * lanes);
      for (int c = 0; c < Cells; ++c)
        for (int j = 0; j < wide; ++j) sum[c][j] += in[c * cell_size + i] * column[j];
    }
    for (int c = 0; c < Cells; ++c)
      for (int j = 0; j < wide; ++j) store<T, lanes>(out + c * cell_size + o + j * lanes, sum[c][j]);
  }
}

// `in` must not overlap `out`.
template <class T>
void mix(const T* columns, const T* bias, const T* base, const T* in, T* out, Index cells) {
  Index c = 0;
  for (; c + 4 <= cells; c += 4)
    mix_cells<T, 4>(columns, bias, base + c * cell_size, in + c * cell_size, out + c * cell_size);
  for (; c < cells; ++c)
    mix_cells<T, 1>(columns, bias, base + c * cell_size, in + c * cell_size, out + c * cell_size);
}

// total[i][j] += sum over cells of a[i] b[j].
template <class T>
void add_outer_products(const T* a, const T* b, Index cells, T* total) {
  constexpr int high = 4, wide = 2;
  for (int j = 0; j < cell_size; j += wide * lanes)
    for (int i = 0; i < cell_size; i += high) {
      Vec<T, lanes> sum[high][wide];
      for (int k = 0; k < high; ++k)
        for (int w = 0; w < wide; ++w) sum[k][w] = load<T, lanes>(total + (i + k) * cell_size + j + w * lanes);
      for (Index c = 0; c < cells; ++c) {
        Vec<T, lanes> x[wide];
        for (int w = 0; w < wide; ++w) x[w] = load<T, lanes>(b + c * cell_size + j + w * lanes);
        for (int k = 0; k < high; ++k)
          for (int w = 0; w < wide; ++w) sum[k][w] += a[c * cell_size + i + k] * x[w];
      }
      for (int k = 0; k < high; ++k)
        for (int w = 0; w < wide; ++w) store<T, lanes>(total + (i + k) * cell_size + j + w * lanes, sum[k][w]);
    }
}

// M' by columns or, for the way back, by rows; and b.
template <class T>
void direction_matrix(const DirectionTies<T>& ties, const T* maps, const Norm<T>& norm, bool by_columns, T* matrix,
                      T* bias) {
  for (int k = 0; k < cell_size; ++k) bias[k] = 0;
  for (int o = 0; o < directed; ++o)
    for (int d1 = 0; d1 < row; ++d1)
      for (int i = 0; i < directed; ++i)
        for (int d2 = 0; d2 < row; ++d2) {
          const int receiver = o * row + d1, sender = i * row + d2;
          const T entry =
              ties.strength_of(d1, d2) * maps[ties.entry(ties.map[d1 * row + d2], o, i)] * norm.scale[i];
          matrix[by_columns ? sender * cell_size + receiver : receiver * cell_size + sender] = entry;
          bias[receiver] -= entry * norm.mean[i];
        }
}

template <class T>
Norm<T> communicate(const Shape& s, const DirectionTies<T>& ties, const T* maps, const T* v, T* out) {
  const Norm<T> norm = norm_of(s, v, directed);
  alignas(64) T matrix[cell_size * cell_size], bias[cell_size];
  direction_matrix(ties, maps, norm, true, matrix, bias);
  mix(matrix, bias, v, v, out, s.cells);
  return norm;
}

// `g` becomes the gradient with respect to v; dmaps is added to.
template <class T>
void communicate_backward(const Shape& s, const DirectionTies<T>& ties, const T* maps, const Norm<T>& norm, const T* v,
                          T* g, T* dmaps) {
  alignas(64) T products[cell_size * cell_size] = {};
  double sums[cell_size] = {};
  for (Index c = 0; c < s.cells; c += chunk) {
    const Index cells = s.cells - c < chunk ? s.cells - c : chunk;
    add_outer_products(g + c * cell_size, v + c * cell_size, cells, products);
    alignas(64) T sum[cell_size] = {};
    for (Index i = c; i < c + cells; ++i)
      for (int k = 0; k < cell_size; ++k) sum[k] += g[i * cell_size + k];
    for (int k = 0; k < cell_size; ++k) sums[k] += sum[k];
  }

  const double n = static_cast<double>(s.positions());
  double m1[directed] = {}, m2[directed] = {};
  for (int o = 0; o < directed; ++o)
    for (int d1 = 0; d1 < row; ++d1)
      for (int i = 0; i < directed; ++i)
        for (int d2 = 0; d2 < row; ++d2) {
          const int receiver = o * row + d1, sender = i * row + d2;
          const Index at = ties.entry(ties.map[d1 * row + d2], o, i);
          const double strength = ties.strength_of(d1, d2), entry = strength * maps[at];
          const double dentry =
              (products[receiver * cell_size + sender] - sums[receiver] * norm.mean[i]) * norm.scale[i];
          dmaps[at] += static_cast<T>(strength * dentry);
          m1[i] += entry * sums[receiver] / n;
          m2[i] += entry * dentry / n;
        }

  alignas(64) T matrix[cell_size * cell_size], bias[cell_size];
  direction_matrix(ties, maps, norm, false, matrix, bias);
  T factor[directed];
  for (int i = 0; i < directed; ++i) {
    const double r = norm.scale[i];
    factor[i] = static_cast<T>(r * r * m2[i]);
    for (int d = 0; d < row; ++d) bias[i * row + d] = static_cast<T>(r * (r * m2[i] * norm.mean[i] - m1[i]));
  }
  alignas(64) T result[chunk * cell_size];
  for (Index c = 0; c < s.cells; c += chunk) {
    const Index cells = s.cells - c < chunk ? s.cells - c : chunk;
    mix(matrix, bias, g + c * cell_size, g + c * cell_size, result, cells);
    for (Index i = 0; i < cells * directed; ++i) {
      const Vec<T> x = load<T>(v + (c * directed + i) * row);
      store<T>(g + (c * directed + i) * row, load<T>(result + i * row) - x * factor[i % directed]);
    }
  }
}

}  // namespace novacula::NOVACULA_SET::arc
