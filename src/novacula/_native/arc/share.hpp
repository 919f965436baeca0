// Communication between the tensors of different axes, up (16 channels) and down (8 channels).
//
// Each tensor S sends h_S = A_S v_S. Upward, the messages of all subsets of S are summed; downward those of all its
// supersets, averaged over the axes that S lacks. Both are sums over a lattice, taken axis by axis (a zeta transform):
//   up    for each axis in the order e, c, d, x, y:  m[S] += broadcast(m[S without axis]),
//   down  for each axis in the reverse order:        m[S without axis] += average(m[S]).
// Then out_S = v_S + B_S norm(m_S); normed_up.hpp has that part and its backward.
//
// Backward. The gradients of the sums pass the same edges in reverse order, broadcast and reduce exchanged. They arrive
// as the gradients of the messages:  dA_S = sum of dm_S v_S^T,  dv_S += A_S^T dm_S.
#pragma once

#include "lattice.hpp"
#include "normed_up.hpp"

namespace novacula::NOVACULA_SET::arc {

constexpr int share_up_width = 16, share_down_width = 8;
// The lattice's axes in the order of summation on the way up.
constexpr int lattice_axes[5] = {example, color, direction, axis_x, axis_y};

template <class T>
using Stream = T* [subsets];  // a residual stream: a pointer for each subset

template <class T>
struct ShareWeights {
  const T *down[subsets], *up[subsets];
  T *d_down[subsets], *d_up[subsets];  // their gradients
};

// Memory that the share layers work in.
template <class T>
struct ShareScratch {
  T* message[subsets];  // by cells
  T* tiles;             // of one tensor without directions

  void take(Arena& arena, const Shapes& shapes) {
    Index most = 0;
    for (int s = 0; s < subsets; ++s) {
      const Shape& shape = shapes.of[s];
      message[s] = arena.take<T>(shape.positions() * share_up_width);
      if (!shape.has[direction] && shape.tiles > most) most = shape.tiles;
    }
    tiles = arena.take<T>(most * share_up_width * row);
  }
};

template <class T>
class Share {
 public:
  // `averages` on the way down, null on the way up.
  Share(const Shapes& shapes, int block, const Averages<T>* averages, const ShareWeights<T>& weights,
        const ShareScratch<T>& scratch)
      : shapes_(shapes), block_(block), averages_(averages), weights_(weights), scratch_(scratch) {}

  void forward(const Stream<T>& v, const Stream<T>& out, Norm<T>* norms) const {
    sum_messages(v);
    for (int s = 0; s < subsets; ++s)
      if (receiver(s)) norms[s] = normed_up(shape(s), weights_.up[s], hidden(), message_tiles(s), v[s], out[s]);
  }

  // `g` becomes the gradient with respect to v. Where a tensor only sends, its g must be zero before.
  void backward(const Stream<T>& v, const Norm<T>* norms, const Stream<T>& g) const {
    sum_messages(v);
    for (int s = 0; s < subsets; ++s) {
      if (receiver(s)) {
        T* const m = message_tiles(s);
        normed_up_backward(shape(s), weights_.up[s], hidden(), g[s], norms[s], m, weights_.d_up[s]);
        if (!shape(s).has[direction]) cells_from_tiles(m, hidden(), shape(s).cells, scratch_.message[s]);
      } else if (sender(s)) {
        std::memset(scratch_.message[s], 0, sizeof(T) * shape(s).positions() * hidden());
      }
    }
    for_each_edge(!down(), [&](int larger, int smaller, const Edge<T>& edge) {
      if (down())
        broadcast(edge, scratch_.message[smaller], scratch_.message[larger]);
      else
        reduce(edge, scratch_.message[larger], scratch_.message[smaller]);
    });
    for (int s = 0; s < subsets; ++s)
      if (sender(s)) send_backward(s, v[s], g[s]);
  }

 private:
  bool down() const { return averages_ != nullptr; }
  int hidden() const { return down() ? share_down_width : share_up_width; }
  const Shape& shape(int s) const { return shapes_.of[s]; }
  bool sender(int s) const { return !down() || live(shape(s), block_); }
  bool receiver(int s) const { return down() ? receives(shape(s), block_) : live(shape(s), block_); }

  // All messages, summed over the lattice.
  void sum_messages(const Stream<T>& v) const {
    for (int s = 0; s < subsets; ++s) {
      if (!sender(s)) continue;
      const Shape& sh = shape(s);
      T* const out = sh.has[direction] ? scratch_.message[s] : scratch_.tiles;
      apply<T>({weights_.down[s], hidden(), sh.width}, nullptr, v[s], out, sh.tiles);
      if (!sh.has[direction]) cells_from_tiles(out, hidden(), sh.cells, scratch_.message[s]);
    }
    for_each_edge(down(), [&](int larger, int smaller, const Edge<T>& edge) {
      if (down())
        reduce(edge, scratch_.message[larger], scratch_.message[smaller]);
      else
        broadcast(edge, scratch_.message[smaller], scratch_.message[larger]);
    });
  }

  template <class Visit>
  void for_each_edge(bool last_axis_first, const Visit& visit) const {
    for (int i = 0; i < 5; ++i) {
      const int axis = lattice_axes[last_axis_first ? 4 - i : i];
      for (int s = 0; s < subsets; ++s) {
        const int without = shape(s).has[axis] ? shapes_.without(s, axis) : -1;
        if (without >= 0 && sender(s) && sender(without))
          visit(s, without, edge_of(shape(s), axis, hidden(), averages_));
      }
    }
  }

  T* message_tiles(int s) const {
    if (shape(s).has[direction]) return scratch_.message[s];
    tiles_from_cells(scratch_.message[s], hidden(), shape(s).cells, scratch_.tiles);
    return scratch_.tiles;
  }

  void send_backward(int s, const T* v, T* g) const {
    const Shape& sh = shape(s);
    const int width = sh.width;
    const T* const dm = message_tiles(s);
    T transposed[max_normed * max_normed];
    transpose_weights(weights_.down[s], hidden(), width, transposed);
    WeightGradient<T> d_down(hidden(), width);
    for (Index t = 0; t < sh.tiles; t += chunk) {
      const Index tiles = sh.tiles - t < chunk ? sh.tiles - t : chunk;
      T* const here = g + t * width * row;
      gradient(d_down, dm + t * hidden() * row, v + t * width * row, tiles);
      apply<T>({transposed, width, hidden()}, here, dm + t * hidden() * row, here, tiles);
    }
    d_down.add_to(weights_.d_down[s]);
  }

  const Shapes& shapes_;
  const int block_;
  const Averages<T>* const averages_;
  const ShareWeights<T>& weights_;
  const ShareScratch<T>& scratch_;
};

}  // namespace novacula::NOVACULA_SET::arc
