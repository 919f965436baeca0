// The eight directions turned so that they can be scanned together.
//
// A cell of a directional layer is 4 channels x 8 lanes. In *natural* form lane d of a channel is slice d of the
// tensor; its even channels move along direction d, its odd channels against it. In *turned* form lane k of every channel moves
// along direction k, and lanes are flipped so that all of them move toward larger indices: lanes 0 and 4 in x, lanes 2
// and 6 in y, the odd lanes in both. Flipping reads a cell's lanes from up to four mirrored cells.
#pragma once

#include "vector.hpp"

namespace novacula::NOVACULA_SET::arc {

constexpr int moved = 4;              // channels
constexpr int moved_cell = moved * row;

// What follows is for a row and, where vectors are two rows wide, for two.
template <class V>
constexpr bool two_rows = sizeof(V) == 2 * row * sizeof(V{}[0]);

// Which lanes scan in x, in y, and diagonally: one value of each.
template <class V>
NOVACULA_INLINE V by_family(V x, V y, V diagonal) {
  if constexpr (two_rows<V>) {
    const V cardinal = __builtin_shufflevector(x, y, 0, 1, 18, 3, 4, 5, 22, 7, 8, 9, 26, 11, 12, 13, 30, 15);
    return __builtin_shufflevector(cardinal, diagonal, 0, 17, 2, 19, 4, 21, 6, 23, 8, 25, 10, 27, 12, 29, 14, 31);
  } else {
    const V cardinal = __builtin_shufflevector(x, y, 0, 1, 10, 3, 4, 5, 14, 7);
    return __builtin_shufflevector(cardinal, diagonal, 0, 9, 2, 11, 4, 13, 6, 15);
  }
}

// Lanes from a cell and its mirror images in x, in y and in both.
template <class V>
NOVACULA_INLINE V flipped(V here, V in_x, V in_y, V in_both) {
  if constexpr (two_rows<V>) {
    const V a = __builtin_shufflevector(here, in_x, 0, 1, 2, 19, 20, 5, 6, 7, 8, 9, 10, 27, 28, 13, 14, 15);
    const V b = __builtin_shufflevector(a, in_both, 0, 1, 2, 3, 4, 21, 6, 7, 8, 9, 10, 11, 12, 29, 14, 15);
    return __builtin_shufflevector(b, in_y, 0, 1, 2, 3, 4, 5, 22, 23, 8, 9, 10, 11, 12, 13, 30, 31);
  } else {
    const V a = __builtin_shufflevector(here, in_x, 0, 1, 2, 11, 12, 5, 6, 7);
    const V b = __builtin_shufflevector(a, in_both, 0, 1, 2, 3, 4, 13, 6, 7);
    return __builtin_shufflevector(b, in_y, 0, 1, 2, 3, 4, 5, 14, 15);
  }
}

// Slice d against its direction is direction d + 4: the same exchange both ways.
template <class V>
NOVACULA_INLINE V opposite(V v) {
  return __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3);
}

// A cell times a number, its odd channels against their direction. In place.
template <class T>
NOVACULA_INLINE void scale_and_turn(T* cell, T factor) {
  for (int k = 0; k < moved_cell; k += widest) {
    const Vec<T, widest> v = load<T, widest>(cell + k) * factor;
    if constexpr (two_rows<Vec<T, widest>>)
      store<T, widest>(cell + k, __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15, 8, 9, 10, 11));
    else
      store<T>(cell + k, k % (2 * row) == 0 ? v : opposite(v));
  }
}

struct Plane {
  std::ptrdiff_t rows, columns;
};

// Flips all cells of a plane; turning back is the same operation. `after(cell)` visits each when it is written.
template <class T, class After>
NOVACULA_INLINE void flip(const Plane& p, const T* in, T* out, const After& after) {
  for (Index i = 0; i < p.rows; ++i)
    for (Index j = 0; j < p.columns; ++j) {
      const Index up = p.rows - 1 - i, left = p.columns - 1 - j;
      const T* const here = in + (i * p.columns + j) * moved_cell;
      const T* const in_x = in + (up * p.columns + j) * moved_cell;
      const T* const in_y = in + (i * p.columns + left) * moved_cell;
      const T* const in_both = in + (up * p.columns + left) * moved_cell;
      for (int k = 0; k < moved_cell; k += widest)
        store<T, widest>(out + (i * p.columns + j) * moved_cell + k,
                         flipped(load<T, widest>(here + k), load<T, widest>(in_x + k), load<T, widest>(in_y + k),
                                 load<T, widest>(in_both + k)));
      after(i * p.columns + j);
    }
}
template <class T>
void flip(const Plane& p, const T* in, T* out) {
  flip(p, in, out, [](Index) {});
}

// What belongs to the three lines through each cell: one array for lines along x, one along y, one for diagonals.
template <class T>
struct Lines {
  T *x, *y, *diagonal;

  static Index size(const Plane& p) { return (2 * (p.rows + p.columns)) * moved_cell; }
  Lines(const Plane& p, T* memory)
      : x(memory), y(memory + p.columns * moved_cell), diagonal(y + (p.rows + p.columns - 1) * moved_cell) {}

  void fill(const Plane& p, T value) {
    for (Index i = 0; i < size(p) - moved_cell; ++i) x[i] = value;
  }

  struct Cell {
    T *x, *y, *diagonal;
    NOVACULA_INLINE Vec<T, widest> get(int k) const {
      return by_family(load<T, widest>(x + k), load<T, widest>(y + k), load<T, widest>(diagonal + k));
    }
    template <class Update>
    NOVACULA_INLINE void update(int k, const Update& f) const {
      store<T, widest>(x + k, f(load<T, widest>(x + k)));
      store<T, widest>(y + k, f(load<T, widest>(y + k)));
      store<T, widest>(diagonal + k, f(load<T, widest>(diagonal + k)));
    }
  };
  NOVACULA_INLINE Cell through(Index i, Index j) const {
    return {x + j * moved_cell, y + i * moved_cell, diagonal + (i - j) * moved_cell};
  }
};

}  // namespace novacula::NOVACULA_SET::arc
