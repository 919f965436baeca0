// What the tensor with all axes exchanges with its four neighbors in the lattice, without its messages in memory.
//
// It holds most of the work, and its messages would be the largest array of all. `sides` are copies of what its
// neighbors (the tensors with one axis less: color, direction, x, y) have when the lattice comes to that axis:
//   up      m = A v + sum over sides of broadcast(side),   out = v + B norm(m)
//   down    m = A v,   side = reduce(m) for every side,    out = v + B norm(m)
// Only the norm, and what is reduced of m, need m itself, a chunk of cells at a time. All else happens in the channels
// of v, into which the maps are multiplied: with B' and b of normed_up.hpp,
//   out = v + (B'A) v + sum over sides of broadcast(B' side) + b.
//
// Backward. With dm = K g - f m + c, the gradient of m from that of out (normed_up.hpp), dv = g + A^T dm is on the way up
//   dv = g + (A^T K) g - (A^T f A) v - sum over sides of broadcast(A^T f side) + A^T c,
// and all sums over cells follow from those of g v^T, v v^T, g and v, from what reduce makes of g and v, which is 8
// channels wide, and from reduce(m), kept by the forward pass:
//   sum of g m^T = (sum of g v^T) A^T + sum over sides of reduce(g) side^T,
//   sum of m v^T = A (sum of v v^T) + sum over sides of side reduce(v)^T,
//   dA = sum of dm v^T,   reduce(dm) = K reduce(g) - f reduce(m) + (cells that are summed) c.
// On the way down the gradients of the sides are broadcast to dm instead.
#pragma once

#include "lattice.hpp"
#include "normed_up.hpp"

namespace novacula::NOVACULA_SET::arc {

constexpr int side_axes[4] = {color, direction, axis_x, axis_y};
constexpr int largest_width = 8;

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
  // A side in tiles: as it is or, without directions, in the memory given.
  const T* tiles(int axis, int channels, T* memory) const {
    if (axis != direction) return of[axis];
    tiles_from_cells(of[axis], channels, size[axis], memory);
    return memory;
  }
  Index tile_count(int axis) const { return (size[axis] + row - 1) / row; }
};

// The weights of one tensor's share layer.
template <class T>
struct LargestWeights {
  const T *down, *up;
  T *d_down, *d_up;
};

// Memory of the largest tensor's layers.
template <class T>
struct LargestScratch {
  Sides<T> back;           // gradients that pass along the edges
  Sides<T> first, second;  // of 8 channels
  T *messages, *one, *two; // the side without directions in tiles, 16, 8 and 8 channels wide

  void take(Arena& arena, const Shapes& shapes, int largest, int hidden) {
    back.take(arena, shapes, largest, hidden);
    first.take(arena, shapes, largest, largest_width);
    second.take(arena, shapes, largest, largest_width);
    const Index tiles = back.tile_count(direction) * row;
    messages = arena.take<T>(tiles * hidden);
    one = arena.take<T>(tiles * largest_width);
    two = arena.take<T>(tiles * largest_width);
  }
};

// The largest tensor's four edges. What passes along them does so for a chunk of cells at a time.
template <class T>
class Edges {
 public:
  // `averages` on the way down, null on the way up.
  Edges(const Shape& s, const Averages<T>* averages)
      : s_(s), color_(edge_of(s, color, row, averages)), x_(edge_of(s, axis_x, row, averages)),
        y_(edge_of(s, axis_y, row, averages)), direction_(edge_of(s, direction, row, averages)) {}

  // items += broadcast(sides).
  template <int Channels>
  void broadcast(Index first, Index cells, const Sides<T>& sides, T* items) const {
    const T* undirected = sides.of[direction] + first * Channels;
    for_cells<Channels>(first, cells, sides, [&](Index i, const Neighbors& n) {
      T* const item = items + i * Channels * row;
      for (int k = 0; k < Channels * row; k += widest)
        store<T, widest>(item + k, load<T, widest>(item + k) + n.color_weight * load<T, widest>(n.color + k) +
                                       n.x_weight * load<T, widest>(n.x + k) + n.y_weight * load<T, widest>(n.y + k));
      for (int k = 0; k < Channels; ++k)
        store<T>(item + k * row, load<T>(item + k * row) + direction_.weight * undirected[i * Channels + k]);
    });
  }

  // sides += reduce(items).
  template <int Channels>
  void reduce(Index first, Index cells, const T* items, const Sides<T>& sides) const {
    T* const undirected = sides.of[direction] + first * Channels;
    const auto add = [](T* to, T weight, Vec<T, widest> value) {
      store<T, widest>(to, load<T, widest>(to) + weight * value);
    };
    for_cells<Channels>(first, cells, sides, [&](Index i, const Neighbors& n) {
      const T* const here = items + i * Channels * row;
      for (int k = 0; k < Channels * row; k += widest) {
        const Vec<T, widest> value = load<T, widest>(here + k);
        add(n.color + k, n.color_weight, value);
        add(n.x + k, n.x_weight, value);
        add(n.y + k, n.y_weight, value);
      }
      for (int k = 0; k < Channels; k += row) {
        T* const to = undirected + i * Channels + k;
        store<T>(to, load<T>(to) + direction_.weight * sums_of_rows<T>(here + k * row));
      }
    });
  }

 private:
  // For some cells in turn: the items of the three sides that have directions, and their weights.
  struct Neighbors {
    T *color, *x, *y;
    T color_weight, x_weight, y_weight;
  };
  template <int Channels, class Visit>
  NOVACULA_INLINE void for_cells(Index first, Index cells, const Sides<T>& sides, const Visit& visit) const {
    constexpr int item = Channels * row;
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

  const Shape& s_;
  const Edge<T> color_, x_, y_, direction_;
};

// out = a b; a is rows x inner, b inner x columns.
template <class T>
void multiply(const T* a, const T* b, int rows, int inner, int columns, T* out) {
  for (int i = 0; i < rows; ++i, out += columns) {
    for (int j = 0; j < columns; ++j) out[j] = 0;
    for (int k = 0; k < inner; ++k)
      for (int j = 0; j < columns; ++j) out[j] += a[i * inner + k] * b[k * columns + j];
  }
}

// The way up, with 16 channels. `sides` are the neighbors' messages; the forward pass leaves reduce(m) in `reduced`.
template <class T>
class LargestUp {
 public:
  LargestUp(const Shape& s, const LargestWeights<T>& weights, const Sides<T>& sides, const Sides<T>& reduced,
            const LargestScratch<T>& scratch)
      : s_(s), w_(weights), sides_(sides), reduced_(reduced), x_(scratch), edges_(s, nullptr) {}

  Norm<T> forward(const T* v, T* out) const {
    const Spread<T> down({w_.down, hidden, width}, s_.cells);
    alignas(64) T message[chunk * hidden * row];
    Moments<T> moments;
    reduced_.clear(hidden);
    for_chunks(s_.cells, [&](Index cell, Index cells) {
      down(nullptr, v + cell * cell_size, message, cells);
      edges_.template broadcast<hidden>(cell, cells, sides_, message);
      if (cell == 0) moments = start_moments(message, hidden);
      add_moments<T, false>(message, hidden, cells, 0, moments);
      edges_.template reduce<hidden>(cell, cells, message, reduced_);
    });
    const Norm<T> norm = norm_from(moments, hidden, s_.positions());
    const NormedUp<T> up(w_.up, width, hidden, norm);
    T both[width * width];
    multiply(up.weight, w_.down, width, hidden, width, both);
    narrow_sides(up.weight);
    const Spread<T> from_v({both, width, width, up.bias}, s_.cells);
    for_chunks(s_.cells, [&](Index cell, Index cells) {
      const T* const here = v + cell * cell_size;
      from_v(here, here, out + cell * cell_size, cells);
      edges_.template broadcast<width>(cell, cells, x_.second, out + cell * cell_size);
    });
    return norm;
  }

  // `g`, with respect to out, becomes the gradient with respect to v; `back` becomes reduce(dm).
  void backward(const T* v, const Norm<T>& norm, T* g) const {
    WeightGradient<T> gv(width, width), vv(width, width);
    double sum_v[width] = {}, sum_g[width] = {};
    x_.first.clear(width);
    x_.second.clear(width);
    for_chunks(s_.cells, [&](Index cell, Index cells) {
      const T *const at_g = g + cell * cell_size, *const at_v = v + cell * cell_size;
      gradient(gv, at_g, at_v, cells);
      gradient(vv, at_v, at_v, cells);
      add_channel_sums(at_g, width, cells, sum_g);
      add_channel_sums(at_v, width, cells, sum_v);
      edges_.template reduce<width>(cell, cells, at_g, x_.first);
      edges_.template reduce<width>(cell, cells, at_v, x_.second);
    });
    T g_v[width * width] = {}, v_v[width * width] = {};
    gv.add_to(g_v);
    vv.add_to(v_v);

    T down_transposed[width * hidden], g_m[width * hidden], m_v[hidden * width];
    transpose_weights(w_.down, hidden, width, down_transposed);
    multiply(g_v, down_transposed, width, width, hidden, g_m);
    multiply(w_.down, v_v, hidden, width, width, m_v);
    add_side_products(g_m, m_v);
    NormedUpBackward<T> back(width, hidden);
    back.finish(w_.up, norm, s_.positions(), g_m, sum_g, w_.d_up);

    T k_v[hidden * width], f_down[hidden * width], to_width[width * hidden];
    multiply(back.back, g_v, hidden, width, width, k_v);
    for (int k = 0; k < hidden; ++k)
      for (int i = 0; i < width; ++i) {
        w_.d_down[k * width + i] += static_cast<T>(k_v[k * width + i] - back.factor[k] * m_v[k * width + i] +
                                                   back.constant[k] * sum_v[i]);
        f_down[k * width + i] = -back.factor[k] * w_.down[k * width + i];
        to_width[i * hidden + k] = -back.factor[k] * down_transposed[i * hidden + k];
      }
    T of_g[width * width], of_v[width * width], constant[width];
    multiply(down_transposed, back.back, width, hidden, width, of_g);
    multiply(down_transposed, f_down, width, hidden, width, of_v);
    multiply(down_transposed, back.constant, width, hidden, 1, constant);
    reduce_gradient(back);
    narrow_sides(to_width);
    const Spread<T> from_g({of_g, width, width, constant}, s_.cells), from_v({of_v, width, width}, s_.cells);
    alignas(64) T result[chunk * cell_size];
    for_chunks(s_.cells, [&](Index cell, Index cells) {
      T* const here = g + cell * cell_size;
      from_g(here, here, result, cells);
      from_v(result, v + cell * cell_size, here, cells);
      edges_.template broadcast<width>(cell, cells, x_.second, here);
    });
  }

 private:
  static constexpr int hidden = 16, width = largest_width, cell_size = width * row;

  // Maps the sides to 8 channels, in the scratch's second ones.
  void narrow_sides(const T* map) const {
    for (int axis : side_axes) {
      const bool directed = axis != direction;
      T* const out = directed ? x_.second.of[axis] : x_.two;
      apply<T>({map, width, hidden}, nullptr, sides_.tiles(axis, hidden, x_.messages), out, sides_.tile_count(axis));
      if (!directed) cells_from_tiles(out, width, sides_.size[axis], x_.second.of[axis]);
    }
  }

  // Adds to the sums of g m^T and m v^T what comes by way of the sides.
  void add_side_products(T* g_m, T* m_v) const {
    WeightGradient<T> of_g(width, hidden), of_v(hidden, width);
    for (int axis : side_axes) {
      const T* const side = sides_.tiles(axis, hidden, x_.messages);
      const T* const side_g = x_.first.tiles(axis, width, x_.one);
      const T* const side_v = x_.second.tiles(axis, width, x_.two);
      for_chunks(sides_.tile_count(axis), [&](Index t, Index tiles) {
        gradient(of_g, side_g + t * width * row, side + t * hidden * row, tiles);
        gradient(of_v, side + t * hidden * row, side_v + t * width * row, tiles);
      });
    }
    of_g.add_to(g_m);
    of_v.add_to(m_v);
  }

  // reduce(dm) into `back`.
  void reduce_gradient(const NormedUpBackward<T>& from) const {
    for (int axis : side_axes) {
      const bool directed = axis != direction;
      const T summed = static_cast<T>(directed ? s_.length[axis] : row);
      T constant[hidden];
      for (int k = 0; k < hidden; ++k) constant[k] = summed * from.constant[k];
      T* const to = x_.back.of[axis];
      T* const out = directed ? to : x_.messages;
      apply<T>({from.back, hidden, width, constant}, nullptr, x_.first.tiles(axis, width, x_.one), out,
               sides_.tile_count(axis));
      if (!directed) cells_from_tiles(out, hidden, sides_.size[axis], to);
      const T* const m = reduced_.of[axis];
      const auto subtract = [&](Index i, Vec<T> factor) { store<T>(to + i, load<T>(to + i) - factor * load<T>(m + i)); };
      const Index size = sides_.size[axis] * hidden;
      if (directed)
        for (Index i = 0; i < size; i += row) subtract(i, splat<T>(from.factor[i / row % hidden]));
      else
        for (Index i = 0; i < size; i += row) subtract(i, load<T>(from.factor + i % hidden));
    }
  }

  const Shape& s_;
  const LargestWeights<T> w_;
  const Sides<T>& sides_;
  const Sides<T>& reduced_;
  const LargestScratch<T>& x_;
  const Edges<T> edges_;
};

// The way down, with 8 channels.
template <class T>
class LargestDown {
 public:
  LargestDown(const Shape& s, const Averages<T>* averages, const LargestWeights<T>& weights,
              const LargestScratch<T>& scratch)
      : s_(s), w_(weights), x_(scratch), edges_(s, averages) {}

  // Writes reduce(m) to the sides in `back`, and returns the norm of m.
  Norm<T> send(const T* v) const {
    const Spread<T> down({w_.down, width, width}, s_.cells);
    alignas(64) T message[chunk * cell_size];
    Moments<T> moments;
    x_.back.clear(width);
    for_chunks(s_.cells, [&](Index cell, Index cells) {
      down(nullptr, v + cell * cell_size, message, cells);
      edges_.template reduce<width>(cell, cells, message, x_.back);
      if (cell == 0) moments = start_moments(message, width);
      add_moments<T, false>(message, width, cells, 0, moments);
    });
    return norm_from(moments, width, s_.positions());
  }

  // Returns the norm of `out`.
  Norm<T> receive(const T* v, const Norm<T>& norm, T* out) const {
    const NormedUp<T> up(w_.up, width, width, norm);
    T both[width * width];
    multiply(up.weight, w_.down, width, width, width, both);
    const Spread<T> from_v({both, width, width, up.bias}, s_.cells);
    RunningMoments<T> moments(s_, width);
    for_chunks(s_.cells, [&](Index cell, Index cells) {
      const T* const here = v + cell * cell_size;
      from_v(here, here, out + cell * cell_size, cells);
      moments.add(out + cell * cell_size, cells);
    });
    return moments.norm();
  }

  // `g`, with respect to out, becomes the gradient with respect to v. `norm` is null where the tensor does not receive.
  // The gradients of the sides are in `back`.
  void backward(const T* v, const Norm<T>* norm, T* g) const {
    NormedUpBackward<T> back(width, width);
    T transposed[width * width], of_v[width * width];
    transpose_weights(w_.down, width, width, transposed);
    if (norm != nullptr) {
      WeightGradient<T> gv(width, width);
      double sum_g[width] = {};
      for_chunks(s_.cells, [&](Index cell, Index cells) {
        gradient(gv, g + cell * cell_size, v + cell * cell_size, cells);
        add_channel_sums(g + cell * cell_size, width, cells, sum_g);
      });
      T g_v[width * width] = {}, g_m[width * width];
      gv.add_to(g_v);
      multiply(g_v, transposed, width, width, width, g_m);
      back.finish(w_.up, *norm, s_.positions(), g_m, sum_g, w_.d_up);
      for (int k = 0; k < width; ++k)
        for (int i = 0; i < width; ++i) of_v[k * width + i] = -back.factor[k] * w_.down[k * width + i];
    }
    const Spread<T> from_g({back.back, width, width, back.constant}, s_.cells);
    const Spread<T> from_v({of_v, width, width}, s_.cells), to_v({transposed, width, width}, s_.cells);
    WeightGradient<T> d_down(width, width);
    alignas(64) T dm[chunk * cell_size];
    for_chunks(s_.cells, [&](Index cell, Index cells) {
      T* const here = g + cell * cell_size;
      const T* const at = v + cell * cell_size;
      if (norm != nullptr) {
        from_g(nullptr, here, dm, cells);
        from_v(dm, at, dm, cells);
      } else {
        std::memset(dm, 0, sizeof(T) * cells * cell_size);
      }
      edges_.template broadcast<width>(cell, cells, x_.back, dm);
      gradient(d_down, dm, at, cells);
      to_v(here, dm, here, cells);
    });
    d_down.add_to(w_.d_down);
  }

 private:
  static constexpr int width = largest_width, cell_size = width * row;

  const Shape& s_;
  const LargestWeights<T> w_;
  const LargestScratch<T>& x_;
  const Edges<T> edges_;
};

}  // namespace novacula::NOVACULA_SET::arc
