// What the tensor with all axes exchanges with its four neighbors in the lattice, without its messages in memory.
//
// It holds most of the work, and its messages would be the largest array of all. They are made twice instead, a chunk
// of cells at a time, from its residual stream and from `sides`, copies of what its neighbors (the tensors with one
// axis less: color, direction, x, y) have when the lattice comes to that axis:
//   up      m = A v + sum over sides of broadcast(side),   out = v + B norm(m)
//   down    m = A v,   side = reduce(m) for every side,    out = v + B norm(m)
// Backward, the gradient dm of m comes a chunk at a time as well: from that of out where the tensor receives, and, on
// the way down, from the sides that received. On the way up it is reduced to the sides.
#pragma once

#include "lattice.hpp"
#include "normed_up.hpp"

namespace novacula::NOVACULA_SET::arc {

constexpr int side_axes[4] = {color, direction, axis_x, axis_y};

// One array per axis of the smaller tensors' messages.
template <class T>
struct Sides {
  T* of[5];
  Index size[5];  // cells or, for those with directions, cells x 8

  void take(Arena& arena, const Shapes& shapes, int largest, int hidden) {
    for (int axis : side_axes) {
      size[axis] = shapes.of[shapes.without(largest, axis)].positions();
      of[axis] = arena.take<T>(size[axis] * hidden);
    }
  }
  void clear(int hidden) const {
    for (int axis : side_axes) std::memset(of[axis], 0, sizeof(T) * size[axis] * hidden);
  }
  void keep(int axis, const T* messages, int hidden) const {
    std::memcpy(of[axis], messages, sizeof(T) * size[axis] * hidden);
  }
  void add_to(int axis, T* messages, int hidden) const {
    for (Index i = 0; i < size[axis] * hidden; ++i) messages[i] += of[axis][i];
  }
};

// The weights of one tensor's share layer.
template <class T>
struct LargestWeights {
  const T *down, *up;
  T *d_down, *d_up;
};

template <class T, int Hidden>
class Largest {
 public:
  // `averages` on the way down, null on the way up.
  Largest(const Shape& s, const Averages<T>* averages, const LargestWeights<T>& weights)
      : s_(s), weights_(weights), color_(edge_of(s, color, Hidden, averages)), x_(edge_of(s, axis_x, Hidden, averages)),
        y_(edge_of(s, axis_y, Hidden, averages)), direction_(edge_of(s, direction, Hidden, averages)) {}

  // sides += reduce(m), for m without sides.
  void reduce_messages(const T* v, const Sides<T>& sides) {
    for_chunks(s_.cells, [&](Index cell, Index cells) {
      message(v, nullptr, cell, cells);
      reduce(cell, cells, sides);
    });
  }

  Norm<T> norm(const T* v, const Sides<T>* sides) {
    Moments<T> moments;
    for_chunks(s_.cells, [&](Index cell, Index cells) {
      message(v, sides, cell, cells);
      if (cell == 0) moments = start_moments(message_, Hidden);
      add_moments<T, false>(message_, Hidden, cells, 0, moments);
    });
    return norm_from(moments, Hidden, s_.positions());
  }

  void up(const T* v, const Sides<T>* sides, const Norm<T>& norm, T* out) {
    const NormedUp<T> up(weights_.up, s_.width, Hidden, norm);
    for_chunks(s_.cells, [&](Index cell, Index cells) {
      message(v, sides, cell, cells);
      apply<T>({up.weight, s_.width, Hidden, up.bias}, v + cell * cell_size, message_, out + cell * cell_size, cells);
    });
  }

  // `g`, with respect to out, becomes the gradient with respect to v. `norm` is null where the tensor does not receive.
  void backward(const T* v, const Sides<T>* sides, const Norm<T>* norm, T* g, const Sides<T>* from,
                const Sides<T>* to) {
    NormedUpBackward<T> received(s_, Hidden);
    if (norm != nullptr) {
      for_chunks(s_.cells, [&](Index cell, Index cells) {
        message(v, sides, cell, cells);
        received.add(g + cell * cell_size, message_, cells);
      });
      received.finish(weights_.up, *norm, weights_.d_up);
    }
    T transposed[max_normed * max_normed];
    transpose_weights(weights_.down, Hidden, s_.width, transposed);
    WeightGradient<T> d_down(Hidden, s_.width);
    for_chunks(s_.cells, [&](Index cell, Index cells) {
      T* const here = g + cell * cell_size;
      if (norm != nullptr) {
        message(v, sides, cell, cells);
        received.replace(here, message_, cells);
      } else {
        std::memset(message_, 0, sizeof(T) * cells * item);
      }
      if (from != nullptr) broadcast(cell, cells, *from);
      if (to != nullptr) reduce(cell, cells, *to);
      gradient(d_down, message_, v + cell * cell_size, cells);
      apply<T>({transposed, s_.width, Hidden}, here, message_, here, cells);
    });
    d_down.add_to(weights_.d_down);
  }

 private:
  static constexpr int item = Hidden * row, cell_size = 8 * row;

  // The messages of some cells.
  void message(const T* v, const Sides<T>* sides, Index cell, Index cells) {
    apply<T>({weights_.down, Hidden, s_.width}, nullptr, v + cell * cell_size, message_, cells);
    if (sides != nullptr) broadcast(cell, cells, *sides);
  }

  // For some cells in turn: the items of the three sides that have directions, and their weights.
  struct Neighbors {
    T *color, *x, *y;
    T color_weight, x_weight, y_weight;
  };
  template <class Visit>
  NOVACULA_INLINE void for_cells(Index first, Index cells, const Sides<T>& sides, const Visit& visit) const {
    const Index columns = s_.length[axis_y], rows = s_.length[axis_x], colors = s_.length[color];
    Index y = first % columns, line = first / columns, x = line % rows, plane = line / rows;
    for (Index i = 0; i < cells; ++i) {
      const Index without_color = (plane / colors * rows + x) * columns + y;
      visit(i, Neighbors{sides.of[color] + without_color * item, sides.of[axis_x] + (plane * columns + y) * item,
                         sides.of[axis_y] + line * item, color_.weight,
                         x_.weights == nullptr ? x_.weight : x_.weights[without_color],
                         y_.weights == nullptr ? y_.weight : y_.weights[without_color]});
      if (++y < columns) continue;
      y = 0;
      ++line;
      if (++x < rows) continue;
      x = 0;
      ++plane;
    }
  }

  void broadcast(Index first, Index cells, const Sides<T>& sides) {
    const T* undirected = sides.of[direction] + first * Hidden;
    for_cells(first, cells, sides, [&](Index i, const Neighbors& n) {
      for (int k = 0; k < Hidden; ++k) {
        T* const at = message_ + i * item + k * row;
        store<T>(at, load<T>(at) + n.color_weight * load<T>(n.color + k * row) + n.x_weight * load<T>(n.x + k * row) +
                         n.y_weight * load<T>(n.y + k * row) + direction_.weight * undirected[i * Hidden + k]);
      }
    });
  }

  void reduce(Index first, Index cells, const Sides<T>& sides) const {
    T* const undirected = sides.of[direction] + first * Hidden;
    const auto add = [](T* to, T weight, Vec<T> value) { store<T>(to, load<T>(to) + weight * value); };
    for_cells(first, cells, sides, [&](Index i, const Neighbors& n) {
      const T* const messages = message_ + i * item;
      for (int k = 0; k < Hidden; ++k) {
        const Vec<T> value = load<T>(messages + k * row);
        add(n.color + k * row, n.color_weight, value);
        add(n.x + k * row, n.x_weight, value);
        add(n.y + k * row, n.y_weight, value);
      }
      for (int k = 0; k < Hidden; k += row)
        add(undirected + i * Hidden + k, direction_.weight, sums_of_rows<T>(messages + k * row));
    });
  }

  const Shape& s_;
  const LargestWeights<T> weights_;
  const Edge<T> color_, x_, y_, direction_;
  alignas(64) T message_[chunk * item];
};

}  // namespace novacula::NOVACULA_SET::arc
