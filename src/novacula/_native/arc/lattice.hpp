// Sums between tensors that differ in one axis, on what share-up and share-down exchange.
//
// A tensor's messages are `hidden` channels per cell, side by side, or, with directions, a tile of hidden x 8. An item
// is what belongs to one cell. Along one axis there are two operations, each the other's transpose:
//   broadcast  larger[.., i, ..] += w_i smaller[.., ..],      reduce  smaller[.., ..] += sum_i w_i larger[.., i, ..].
// The weights are 1 on the way up. On the way down they average: 1 / length, or for rows and columns, where the grids'
// sizes are known, the mask over the sum of the mask along the line (plus 1e-4, for lines without a cell).
#pragma once

#include "arena.hpp"
#include "shapes.hpp"

namespace novacula::NOVACULA_SET::arc {

// Weights of averages over rows and over columns, [example][row][column]; a tensor that lacks the other axis has the
// mask's first row or column instead: [example][row or column].
template <class T>
struct Averages {
  T *over[2], *over_alone[2];  // x, y

  void take(Arena& arena, const Puzzle& p) {
    for (int a = 0; a < 2; ++a) {
      over[a] = arena.take<T>(Index{p.examples} * p.rows * p.columns);
      over_alone[a] = arena.take<T>(Index{p.examples} * (a == 0 ? p.rows : p.columns));
    }
  }

  void fill(const Puzzle& p) {
    const Index lengths[2] = {p.rows, p.columns}, strides[2] = {p.columns, 1};
    for (int a = 0; a < 2; ++a)
      for (Index e = 0; e < p.examples; ++e) {
        const Index base = e * p.rows * p.columns, other = lengths[1 - a];
        for (Index j = 0; j < other; ++j)
          line(p, base + j * strides[1 - a], strides[a], lengths[a], over[a] + base + j * strides[1 - a], strides[a]);
        line(p, base, strides[a], lengths[a], over_alone[a] + e * lengths[a], 1);
      }
  }

 private:
  static void line(const Puzzle& p, Index first, Index stride, Index length, T* out, Index out_stride) {
    double total = 1e-4;
    for (Index i = 0; i < length; ++i) total += p.union_mask[first + i * stride] != 0;
    for (Index i = 0; i < length; ++i) {
      const double inside = p.union_mask[first + i * stride] != 0;
      out[i * out_stride] = static_cast<T>(p.masked_means ? inside / total : 1.0 / static_cast<double>(length));
    }
  }
};

// One axis of one tensor, and the weights along it.
template <class T>
struct Edge {
  int axis;
  Index outer, length, inner;  // cells of the larger tensor
  Index item;                  // numbers per cell and message
  const T* weights = nullptr;  // per cell of the larger tensor without its color axis, or none:
  T weight = 1;
  Index per_example = 0;       // cells of the larger tensor per example, and of these per color
  Index per_color = 0;
};

template <class T>
Edge<T> edge_of(const Shape& larger, int axis, int hidden, const Averages<T>* averages) {
  const Index item = hidden * (larger.has[direction] && axis != direction ? row : 1);
  if (axis == direction) return {axis, larger.cells, 1, 1, item, nullptr, averages ? T(1) / row : T(1)};
  Edge<T> edge{axis, larger.outer(axis), larger.length[axis], larger.inner(axis), item};
  if (averages == nullptr) return edge;
  edge.weight = T(1) / static_cast<T>(edge.length);
  if (axis == axis_x || axis == axis_y) {
    const bool alone = !larger.has[axis == axis_x ? axis_y : axis_x];
    edge.weights = (alone ? averages->over_alone : averages->over)[axis - axis_x];
    edge.per_example = larger.inner(example);
    edge.per_color = larger.inner(color);
  }
  return edge;
}

// Visits the cells of the larger tensor in turn: (cell, the smaller tensor's cell, weight), for an axis of cells.
template <class T, class Visit>
NOVACULA_INLINE void for_cells_along(const Edge<T>& edge, const Visit& visit) {
  Index cell = 0, first = 0, in_color = 0, in_example = 0;  // `first`: weight of the example's first cell
  for (Index o = 0; o < edge.outer; ++o)
    for (Index i = 0; i < edge.length; ++i)
      for (Index j = 0; j < edge.inner; ++j, ++cell) {
        visit(cell, o * edge.inner + j, edge.weights == nullptr ? edge.weight : edge.weights[first + in_color]);
        if (edge.weights == nullptr) continue;
        if (++in_color == edge.per_color) in_color = 0;
        if (++in_example < edge.per_example) continue;
        in_example = 0;
        first += edge.per_color;
      }
}

// to += w from, of one item, whose size is a multiple of 8.
template <class T>
NOVACULA_INLINE void add_item(const T* from, T w, Index item, T* to) {
  Index k = 0;
  for (; k + widest <= item; k += widest)
    store<T, widest>(to + k, load<T, widest>(to + k) + w * load<T, widest>(from + k));
  for (; k < item; k += row) store<T>(to + k, load<T>(to + k) + w * load<T>(from + k));
}

template <class T>
void broadcast(const Edge<T>& edge, const T* smaller, T* larger) {
  if (edge.axis == direction) {
    for (Index cell = 0; cell < edge.outer; ++cell)
      for (Index k = 0; k < edge.item; ++k) {
        T* const at = larger + (cell * edge.item + k) * row;
        store<T>(at, load<T>(at) + edge.weight * smaller[cell * edge.item + k]);
      }
    return;
  }
  for_cells_along(edge, [&](Index cell, Index other, T w) NOVACULA_LAMBDA_INLINE {
    add_item(smaller + other * edge.item, w, edge.item, larger + cell * edge.item);
  });
}

template <class T>
void reduce(const Edge<T>& edge, const T* larger, T* smaller) {
  if (edge.axis == direction) {
    for (Index i = 0; i < edge.outer * edge.item; i += row)
      store<T>(smaller + i, load<T>(smaller + i) + edge.weight * sums_of_rows<T>(larger + i * row));
    return;
  }
  for_cells_along(edge, [&](Index cell, Index other, T w) NOVACULA_LAMBDA_INLINE {
    add_item(larger + cell * edge.item, w, edge.item, smaller + other * edge.item);
  });
}

}  // namespace novacula::NOVACULA_SET::arc
