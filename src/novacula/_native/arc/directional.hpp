// The residual layers around cumulative maximum and shift:  h = move(mask * A v),  out = v + B norm(h), in place.
//
// h is kept for the backward pass, which takes B norm(h) off again to get v back: half as much memory as keeping v.
// normed_up.hpp leads from the gradient of out to that of h, moves.hpp through the move; with dx the gradient of A v,
//   dA = sum of dx v^T,   dv = g + A^T dx.
// All but the sums over g and h happens plane by plane, so that a plane stays in the cache.
// Channels of h come in the order even, odd of the projected ones: 0, 2, 1, 3.
#pragma once

#include "moves.hpp"
#include "normed_up.hpp"

namespace novacula::NOVACULA_SET::arc {

template <class T>
struct DirectionalScratch {
  MoveScratch<T> move;
  T *mask;          // [example][cell], 1 inside the grids
  T *turned_mask;   // [example][cell][lane]

  void take(Arena& arena, const Puzzle& p) {
    const Plane plane = {p.rows, p.columns};
    const Index cells = plane.rows * plane.columns;
    move = {arena.take<T>(cells * moved_cell), arena.take<T>(cells * moved_cell), arena.take<T>(cells * moved_cell),
            arena.take<T>(cells * moved_cell), {}};
    for (T*& lines : move.lines) lines = arena.take<T>(Lines<T>::size(plane));
    mask = arena.take<T>(p.examples * cells);
    turned_mask = arena.take<T>(p.examples * cells * row);
  }

  void fill(const Puzzle& p) {
    const Index rows = p.rows, columns = p.columns;
    for (Index e = 0; e < p.examples; ++e)
      for (Index i = 0; i < rows; ++i)
        for (Index j = 0; j < columns; ++j) {
          const auto at = [&](Index x, Index y) {
            return p.union_mask[(e * rows + x) * columns + y] != 0 ? T(1) : T(0);
          };
          const Index cell = (e * rows + i) * columns + j, up = rows - 1 - i, left = columns - 1 - j;
          mask[cell] = at(i, j);
          store<T>(turned_mask + cell * row, flipped(splat<T>(at(i, j)), splat<T>(at(up, j)), splat<T>(at(i, left)),
                                                     splat<T>(at(up, left))));
        }
  }
};

template <class T>
struct DirectionalWeights {
  const T *down, *up;
  T *d_down, *d_up;
};

template <class T, class Move>
class Directional {
 public:
  Directional(const Shape& s, const DirectionalScratch<T>& scratch)
      : s_(s), x_(scratch), plane_{s.length[axis_x], s.length[axis_y]}, cells_(plane_.rows * plane_.columns) {}

  // Changes v in place; writes h. `after(t, tiles)` visits what has just been written of v, while it is in the cache.
  template <class After>
  Norm<T> forward(const DirectionalWeights<T>& w, T* v, T* h, const After& after) const {
    const Spread<T> down({w.down, moved, s_.width}, s_.tiles);
    Moments<T> moments;
    for (Index p = 0; p < planes(); ++p) {
      T* const at_h = h + p * cells_ * moved_cell;
      project(down, v + p * plane_size(), p);
      turn(x_.move.natural, x_.move.turned);
      Move::forward(plane_, turned_mask(p), x_.move);
      turn_back(x_.move.moved_plane, at_h);
      if (p == 0) moments = start_moments(at_h, moved);
      add_moments(at_h, moved, cells_, moments);
    }
    const Norm<T> norm = norm_from(moments, moved, s_.positions());
    const NormedUp<T> up(w.up, s_.width, moved, norm);
    const Spread<T> to_v({up.weight, s_.width, moved, up.bias}, s_.tiles);
    for_chunks(s_.tiles, [&](Index t, Index tiles) {
      T* const here = v + t * s_.width * row;
      to_v(here, h + t * moved_cell, here, tiles);
      after(t, tiles);
    });
    return norm;
  }

  // v and g become what they are before the layer; h is destroyed.
  void backward(const DirectionalWeights<T>& w, const Norm<T>& norm, T* v, T* h, T* g) const {
    const NormedUpBackward<T> to_h = normed_up_gradient(s_, w.up, moved, g, norm, h, w.d_up);
    NormedUp<T> off(w.up, s_.width, moved, norm);
    off.negate();
    T down_transposed[moved * max_width];
    transpose_weights(w.down, moved, s_.width, down_transposed);
    const Spread<T> to_v({down_transposed, s_.width, moved}, s_.tiles), from_v({w.down, moved, s_.width}, s_.tiles);
    const Spread<T> from_g(to_h.map(), s_.tiles), take_off({off.weight, s_.width, moved, off.bias}, s_.tiles);
    WeightGradient<T> down(moved, s_.width);
    for (Index p = 0; p < planes(); ++p) {
      T *const at_v = v + p * plane_size(), *const at_g = g + p * plane_size();
      T* const at_h = h + p * cells_ * moved_cell;
      take_off(at_v, at_h, at_v, cells_);
      project(from_v, at_v, p);
      turn(x_.move.natural, x_.move.turned);
      for_chunks(cells_, [&](Index c, Index cells) {
        to_h.replace(from_g, at_g + c * s_.width * row, at_h + c * moved_cell, cells);
      });
      regather(at_h);
      Move::backward(plane_, turned_mask(p), x_.move);
      ungather(p);
      for_chunks(cells_, [&](Index c, Index cells) {
        T* const here = at_g + c * s_.width * row;
        gradient(down, x_.move.natural + c * moved_cell, at_v + c * s_.width * row, cells);
        to_v(here, x_.move.natural + c * moved_cell, here, cells);
      });
    }
    down.add_to(w.d_down);
  }

 private:
  Index planes() const { return s_.cells / cells_; }
  Index plane_size() const { return cells_ * s_.width * row; }
  Index example_of(Index plane) const { return plane / s_.length[color]; }
  const T* turned_mask(Index plane) const { return x_.turned_mask + example_of(plane) * cells_ * row; }

  // mask * A v of a plane, its odd channels by the direction in which they move.
  void project(const Spread<T>& down, const T* v, Index plane) const {
    T* const out = x_.move.natural;
    down(nullptr, v, out, cells_);
    const T* const mask = x_.mask + example_of(plane) * cells_;
    for (Index c = 0; c < cells_; ++c) scale_and_turn(out + c * moved_cell, mask[c]);
  }

  void turn(const T* in, T* out) const { flip(plane_, in, out); }

  // Moved and turned lanes to h: flip back, odd channels by slice again, even channels first.
  void turn_back(const T* in, T* h) const {
    flip(plane_, in, h, [&](Index c) NOVACULA_LAMBDA_INLINE {
      T* const at = h + c * moved_cell;
      const Vec<T> one = load<T>(at + row), two = load<T>(at + 2 * row), three = load<T>(at + 3 * row);
      store<T>(at + row, two);
      store<T>(at + 2 * row, opposite(one));
      store<T>(at + 3 * row, opposite(three));
    });
  }

  // The gradient of h, in place, to that of the move's output in `moved_plane`: the transpose of `turn_back`.
  void regather(T* dh) const {
    for (Index c = 0; c < cells_; ++c) {
      T* const at = dh + c * moved_cell;
      const Vec<T> two = load<T>(at + row), one = load<T>(at + 2 * row), three = load<T>(at + 3 * row);
      store<T>(at + row, opposite(one));
      store<T>(at + 2 * row, two);
      store<T>(at + 3 * row, opposite(three));
    }
    flip(plane_, dh, x_.move.moved_plane);
  }

  // From the turned gradient to the natural one: the transpose of what `project` does after its map.
  void ungather(Index plane) const {
    const T* const mask = x_.mask + example_of(plane) * cells_;
    T* const out = x_.move.natural;
    flip(plane_, x_.move.turned, out, [&](Index c) NOVACULA_LAMBDA_INLINE {
      scale_and_turn(out + c * moved_cell, mask[c]);
    });
  }

  const Shape& s_;
  const DirectionalScratch<T>& x_;
  const Plane plane_;
  const Index cells_;
};

}  // namespace novacula::NOVACULA_SET::arc
