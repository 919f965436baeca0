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
  const T* strength;         // [receiver][sender]

  // Of receiver d1 and sender d2: where the senders' channels 0 to 7 begin in the maps, for the receiver's channel o.
  static Index entry(int map, int o) { return (Index{map} * directed + o) * directed; }

  // strength W as vectors over the senders' channels.
  NOVACULA_INLINE Vec<T> at(const T* maps, int d1, int d2, int o) const {
    const int pair = d1 * row + d2;
    return load<T>(maps + entry(map[pair], o)) * strength[pair];
  }
};

// out = base + bias + sum_i columns[i] * in[i] for every cell; columns are 64 long. `base` may be `out`.
template <class T, int Cells>
NOVACULA_INLINE void mix_cells(const T* columns, const T* bias, const T* base, const T* in, T* out) {
  constexpr int n = widest, wide = many_registers ? 4 : 2;  // vectors of the result at a time
  for (int o = 0; o < cell_size; o += wide * n) {
    Vec<T, n> sum[Cells][wide];
    for (int c = 0; c < Cells; ++c)
      for (int j = 0; j < wide; ++j)
        sum[c][j] = load<T, n>(base + c * cell_size + o + j * n) + load<T, n>(bias + o + j * n);
    for (int i = 0; i < cell_size; ++i) {
      Vec<T, n> column[wide];
      for (int j = 0; j < wide; ++j) column[j] = load<T, n>(columns + i * cell_size + o + j * n);
      for (int c = 0; c < Cells; ++c)
        for (int j = 0; j < wide; ++j) sum[c][j] += in[c * cell_size + i] * column[j];
    }
    for (int c = 0; c < Cells; ++c)
      for (int j = 0; j < wide; ++j) store<T, n>(out + c * cell_size + o + j * n, sum[c][j]);
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
  constexpr int n = widest, high = 4, wide = many_registers ? 4 : 2;
  for (int j = 0; j < cell_size; j += wide * n)
    for (int i = 0; i < cell_size; i += high) {
      Vec<T, n> sum[high][wide];
      for (int k = 0; k < high; ++k)
        for (int w = 0; w < wide; ++w) sum[k][w] = load<T, n>(total + (i + k) * cell_size + j + w * n);
      for (Index c = 0; c < cells; ++c) {
        Vec<T, n> x[wide];
        for (int w = 0; w < wide; ++w) x[w] = load<T, n>(b + c * cell_size + j + w * n);
        for (int k = 0; k < high; ++k)
          for (int w = 0; w < wide; ++w) sum[k][w] += a[c * cell_size + i + k] * x[w];
      }
      for (int k = 0; k < high; ++k)
        for (int w = 0; w < wide; ++w) store<T, n>(total + (i + k) * cell_size + j + w * n, sum[k][w]);
    }
}

// M' by columns, and b.
template <class T>
void direction_columns(const DirectionTies<T>& ties, const T* maps, const Norm<T>& norm, T* matrix, T* bias) {
  const Vec<T> scale = load<T>(norm.scale);
  for (int o = 0; o < directed; ++o) {
    Vec<T> offset = {};
    for (int d2 = 0; d2 < row; ++d2) {
      Vec<T> r[row];
      for (int d1 = 0; d1 < row; ++d1) r[d1] = ties.at(maps, d1, d2, o) * scale;
      transpose<T>(r);
      for (int i = 0; i < directed; ++i) {
        store<T>(matrix + (i * row + d2) * cell_size + o * row, r[i]);
        offset -= r[i] * norm.mean[i];
      }
    }
    store<T>(bias + o * row, offset);
  }
}

// M' by rows, dW, and the means m1 and m2, from `products` = G and `sums` = s.
template <class T>
void direction_gradients(const DirectionTies<T>& ties, const T* maps, const Norm<T>& norm, const T* products,
                         const double* sums, double n, T* dmaps, T* matrix, double* m1, double* m2) {
  const Vec<T> scale = load<T>(norm.scale), mean = load<T>(norm.mean);
  for (int o = 0; o < directed; ++o)
    for (int d1 = 0; d1 < row; ++d1) {
      const int receiver = o * row + d1;
      const T sum = static_cast<T>(sums[receiver]);
      Vec<T> d[row], r[row], entries = {}, squares = {};
      for (int i = 0; i < directed; ++i) d[i] = load<T>(products + receiver * cell_size + i * row);
      transpose<T>(d);
      for (int d2 = 0; d2 < row; ++d2) {
        const Vec<T> entry = ties.at(maps, d1, d2, o), dentry = (d[d2] - sum * mean) * scale;
        T* const to = dmaps + ties.entry(ties.map[d1 * row + d2], o);
        store<T>(to, load<T>(to) + ties.strength[d1 * row + d2] * dentry);
        entries += entry;
        squares += entry * dentry;
        r[d2] = entry * scale;
      }
      transpose<T>(r);
      for (int i = 0; i < directed; ++i) {
        store<T>(matrix + receiver * cell_size + i * row, r[i]);
        m1[i] += entries[i] * sums[receiver];
        m2[i] += squares[i];
      }
    }
  for (int i = 0; i < directed; ++i) {
    m1[i] /= n;
    m2[i] /= n;
  }
}

// `after(cell, cells)` visits what has just been written, while it is in the cache.
template <class T, class After>
void communicate(const Shape& s, const DirectionTies<T>& ties, const T* maps, const Norm<T>& norm, const T* v, T* out,
                 const After& after) {
  alignas(64) T matrix[cell_size * cell_size], bias[cell_size];
  direction_columns(ties, maps, norm, matrix, bias);
  for_chunks(s.cells, [&](Index c, Index cells) {
    const Index at = c * cell_size;
    mix(matrix, bias, v + at, v + at, out + at, cells);
    after(c, cells);
  });
}

// G and s.
template <class T>
struct DirectionSums {
  alignas(64) T products[cell_size * cell_size] = {};
  double sums[cell_size] = {};

  // Of at most a chunk of cells.
  void add(const T* g, const T* v, Index cells) {
    add_outer_products(g, v, cells, products);
    Vec<T, widest> sum[cell_size / widest] = {};
    for (Index i = 0; i < cells; ++i)
      for (int j = 0; j < cell_size / widest; ++j) sum[j] += load<T, widest>(g + i * cell_size + j * widest);
    for (int k = 0; k < cell_size; ++k) sums[k] += sum[k / widest][k % widest];
  }
};

// `of` are the sums over all cells; `g` becomes the gradient with respect to v; dmaps is added to.
template <class T>
void communicate_backward(const Shape& s, const DirectionTies<T>& ties, const T* maps, const Norm<T>& norm,
                          const DirectionSums<T>& of, const T* v, T* g, T* dmaps) {
  double m1[directed] = {}, m2[directed] = {};
  alignas(64) T matrix[cell_size * cell_size], bias[cell_size];
  const double n = static_cast<double>(s.positions());
  direction_gradients(ties, maps, norm, of.products, of.sums, n, dmaps, matrix, m1, m2);
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
