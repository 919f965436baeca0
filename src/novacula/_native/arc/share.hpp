// Communication between the tensors of different axes, up (16 channels) and down (8 channels).
//
// Each tensor S sends h_S = A_S v_S. Upward, the messages of all subsets of S are summed; downward those of all its
// supersets, averaged over the axes that S lacks. Both are sums over a lattice, taken axis by axis (a zeta transform):
//   up    for each axis in the order e, c, d, x, y:  m[S] += broadcast(m[S without axis]),
//   down  for each axis in the reverse order:        m[S without axis] += average(m[S]).
// Then out_S = v_S + B_S norm(m_S); normed_up.hpp has that part and its backward. The tensor with all axes has no larger
// neighbor; share_largest.hpp does its part.
//
// Backward. The gradients of the sums pass the same edges in reverse order, broadcast and reduce exchanged. They arrive
// as the gradients of the messages:  dA_S = sum of dm_S v_S^T,  dv_S += A_S^T dm_S.
#pragma once

#include "lattice.hpp"
#include "share_largest.hpp"

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

// What the forward pass keeps for the backward pass, which destroys it.
template <class T>
struct ShareKept {
  T* message[subsets];     // summed, by cells; none of the largest tensor
  Sides<T> sides, reduced; // of the largest tensor, on the way up only

  void take(Arena& arena, const Shapes& shapes, bool up) {
    const int largest = shapes.named(true, true, true, true, true), hidden = up ? share_up_width : share_down_width;
    for (int s = 0; s < subsets; ++s)
      message[s] = s == largest ? nullptr : arena.take<T>(shapes.of[s].positions() * hidden);
    if (!up) return;
    sides.take(arena, shapes, largest, hidden);
    reduced.take(arena, shapes, largest, hidden);
  }
};

// Memory that the share layers work in.
template <class T>
struct ShareScratch {
  T* tiles;  // of one tensor without directions
  LargestScratch<T> largest;

  void take(Arena& arena, const Shapes& shapes) {
    Index most = 0;
    for (const Shape& shape : shapes.of)
      if (!shape.has[direction] && shape.tiles > most) most = shape.tiles;
    tiles = arena.take<T>(most * share_up_width * row);
    largest.take(arena, shapes, shapes.named(true, true, true, true, true), share_up_width);
  }
};

// One layer: up with 16 channels, or down with 8.
template <class T, bool Down>
class Share {
 public:
  // `averages` on the way down, null on the way up.
  Share(const Shapes& shapes, int block, const Averages<T>* averages, const ShareWeights<T>& weights,
        const ShareScratch<T>& scratch, const ShareKept<T>& kept)
      : shapes_(shapes), block_(block), averages_(averages), weights_(weights), scratch_(scratch), kept_(kept),
        largest_(shapes.named(true, true, true, true, true)) {}

  // On the way down `out_norm` becomes the norm of the largest tensor's `out`, if that receives.
  void forward(const Stream<T>& v, const Stream<T>& out, Norm<T>* norms, [[maybe_unused]] Norm<T>* out_norm) const {
    send(v);
    if constexpr (Down) norms[largest_] = down().send(v[largest_]);
    for_each_edge(Down, [&](int larger, int smaller, int axis) { pass<!Down>(larger, smaller, axis, Down ? scratch_.largest.back : kept_.sides); });
    for_small(true, [&](int s) {
      if (receiver(s)) norms[s] = normed_up(shape(s), weights_.up[s], hidden, message_tiles(s), v[s], out[s]);
    });
    if (!receiver(largest_)) return;
    if constexpr (Down)
      *out_norm = down().receive(v[largest_], norms[largest_], out[largest_]);
    else
      norms[largest_] = up().forward(v[largest_], out[largest_]);
  }

  // `g` becomes the gradient with respect to v. Where a tensor only sends, its g must be zero before.
  void backward(const Stream<T>& v, const Norm<T>* norms, const Stream<T>& g) const {
    for_small(true, [&](int s) {
      if (receiver(s)) {
        T* const m = message_tiles(s);
        normed_up_backward(shape(s), weights_.up[s], hidden, g[s], norms[s], m, weights_.d_up[s]);
        if (!shape(s).has[direction]) cells_from_tiles(m, hidden, shape(s).cells, kept_.message[s]);
      } else if (sender(s)) {
        std::memset(kept_.message[s], 0, sizeof(T) * shape(s).positions() * hidden);
      }
    });
    if constexpr (!Down) {
      if (receiver(largest_))
        up().backward(v[largest_], norms[largest_], g[largest_]);
      else
        scratch_.largest.back.clear(hidden);
    }
    for_each_edge(!Down, [&](int larger, int smaller, int axis) {
      pass<Down>(larger, smaller, axis, scratch_.largest.back);
    });
    if constexpr (Down) down().backward(v[largest_], receiver(largest_) ? norms + largest_ : nullptr, g[largest_]);
    for_small(false, [&](int s) { send_backward(s, v[s], g[s]); });
  }

 private:
  static constexpr int hidden = Down ? share_down_width : share_up_width;

  const Shape& shape(int s) const { return shapes_.of[s]; }
  bool sender(int s) const { return !Down || live(shape(s), block_); }
  bool receiver(int s) const { return Down ? receives(shape(s), block_) : live(shape(s), block_); }

  LargestWeights<T> largest_weights() const {
    return {weights_.down[largest_], weights_.up[largest_], weights_.d_down[largest_], weights_.d_up[largest_]};
  }
  LargestUp<T> up() const {
    return {shape(largest_), largest_weights(), kept_.sides, kept_.reduced, scratch_.largest};
  }
  LargestDown<T> down() const { return {shape(largest_), averages_, largest_weights(), scratch_.largest}; }

  // All tensors but the largest, or those of them that send.
  template <class Visit>
  void for_small(bool all, const Visit& visit) const {
    for (int s = 0; s < subsets; ++s)
      if (s != largest_ && (all || sender(s))) visit(s);
  }

  // What each tensor but the largest sends by itself.
  void send(const Stream<T>& v) const {
    for_small(false, [&](int s) {
      const Shape& sh = shape(s);
      T* const out = sh.has[direction] ? kept_.message[s] : scratch_.tiles;
      apply<T>({weights_.down[s], hidden, sh.width}, nullptr, v[s], out, sh.tiles);
      if (!sh.has[direction]) cells_from_tiles(out, hidden, sh.cells, kept_.message[s]);
    });
  }

  template <class Visit>
  void for_each_edge(bool last_axis_first, const Visit& visit) const {
    for (int i = 0; i < 5; ++i) {
      const int axis = lattice_axes[last_axis_first ? 4 - i : i];
      for (int s = 0; s < subsets; ++s) {
        const int without = shape(s).has[axis] ? shapes_.without(s, axis) : -1;
        if (without >= 0 && sender(s) && sender(without)) visit(s, without, axis);
      }
    }
  }

  // One edge of the lattice. The largest tensor's passes happen in `share_largest.hpp`, by way of its sides.
  template <bool Broadcast>
  void pass(int larger, int smaller, int axis, const Sides<T>& sides) const {
    T* const small = kept_.message[smaller];
    if (larger == largest_) {
      if (Broadcast)
        sides.keep(axis, small, hidden);
      else
        sides.add_to(axis, small, hidden);
      return;
    }
    const Edge<T> edge = edge_of(shape(larger), axis, hidden, averages_);
    if (Broadcast)
      broadcast(edge, small, kept_.message[larger]);
    else
      reduce(edge, kept_.message[larger], small);
  }

  T* message_tiles(int s) const {
    if (shape(s).has[direction]) return kept_.message[s];
    tiles_from_cells(kept_.message[s], hidden, shape(s).cells, scratch_.tiles);
    return scratch_.tiles;
  }

  void send_backward(int s, const T* v, T* g) const {
    const Shape& sh = shape(s);
    const int width = sh.width;
    const T* const dm = message_tiles(s);
    T transposed[max_normed * max_normed];
    transpose_weights(weights_.down[s], hidden, width, transposed);
    const Spread<T> to_v({transposed, width, hidden}, sh.tiles);
    WeightGradient<T> d_down(hidden, width);
    for_chunks(sh.tiles, [&](Index t, Index tiles) {
      T* const here = g + t * width * row;
      gradient(d_down, dm + t * hidden * row, v + t * width * row, tiles);
      to_v(here, dm + t * hidden * row, here, tiles);
    });
    d_down.add_to(weights_.d_down[s]);
  }

  const Shapes& shapes_;
  const int block_;
  const Averages<T>* const averages_;
  const ShareWeights<T>& weights_;
  const ShareScratch<T>& scratch_;
  const ShareKept<T>& kept_;
  const int largest_;
};

}  // namespace novacula::NOVACULA_SET::arc
