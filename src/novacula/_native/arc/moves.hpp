// The two operators on turned planes: cumulative maximum and shift, with their backwards.
#pragma once

#include "lines.hpp"

namespace novacula::NOVACULA_SET::arc {

// Memory for one plane.
template <class T>
struct MoveScratch {
  T *natural, *turned, *running, *moved_plane;
  T* lines[6];
};

// Shift: every lane takes the value of the cell behind it; 0 enters. Backward: the value of the cell ahead.
template <class T>
struct Shift {
  static void forward(const Plane& p, const T*, const MoveScratch<T>& x) { copy<-1>(p, x.turned, x.moved_plane); }

  // From the gradient in `moved_plane` to that in `turned`.
  static void backward(const Plane& p, const T*, const MoveScratch<T>& x) { copy<1>(p, x.moved_plane, x.turned); }

 private:
  template <int Ahead>
  static void copy(const Plane& p, const T* in, T* out) {
    static const T none[moved_cell] = {};
    for (Index i = 0; i < p.rows; ++i)
      for (Index j = 0; j < p.columns; ++j) {
        const bool row_inside = i + Ahead >= 0 && i + Ahead < p.rows;
        const bool column_inside = j + Ahead >= 0 && j + Ahead < p.columns;
        const T* const here = in + (i * p.columns + j) * moved_cell;
        const Index in_x = Ahead * p.columns * moved_cell, in_y = Ahead * moved_cell;
        const T* const from_x = row_inside ? here + in_x : none;
        const T* const from_y = column_inside ? here + in_y : none;
        const T* const from_both = row_inside && column_inside ? here + in_x + in_y : none;
        for (int k = 0; k < moved_cell; k += widest)
          store<T, widest>(out + (i * p.columns + j) * moved_cell + k,
                   by_family(load<T, widest>(from_x + k), load<T, widest>(from_y + k), load<T, widest>(from_both + k)));
      }
  }
};

// Cumulative maximum along each line, in the range of its line. With w the mask and a = 10^3 (1 - w):
//   run = cummax(v - a),  hi = max over the line of (v - a),  lo = min over the line of (v + a),
//   N = run - lo + 2 a + m,   D = hi - lo + 2 a + 2 m + q,   out = (2 N / D - 1) keep,
// with m = 10^-3, q = 0, keep = 1 on lines along an axis and m = 0, q = 10^-5, keep = w on diagonals.
//
// Backward. With e = 2 g keep / D:  drun = e,  dhi = -e N / D,  dlo = -e - dhi. The gradient of run at a cell belongs
// to the last cell up to it whose v - a equals run there; walking back along the line, it is collected and left where
// v - a equals run. Those of hi and lo are shared evenly by the cells that attain them.
template <class T>
struct CumulativeMaximum {
  using V = Vec<T, widest>;

  static void forward(const Plane& p, const T* mask, const MoveScratch<T>& x) {
    const Lines<T> high(p, x.lines[0]), low(p, x.lines[1]);
    scan(p, mask, x, high, low);
    for (Index i = 0; i < p.rows; ++i)
      for (Index j = 0; j < p.columns; ++j) {
        const Index cell = i * p.columns + j;
        const V w = repeated<T, widest>(mask + cell * row), one = splat<T, widest>(1), keep = by_family(one, one, w);
        const typename Lines<T>::Cell hi = high.through(i, j), lo = low.through(i, j);
        for (int k = 0; k < moved_cell; k += widest) {
          const Range range(load<T, widest>(x.running + cell * moved_cell + k), hi.get(k), lo.get(k), w);
          store<T, widest>(x.moved_plane + cell * moved_cell + k,
                           (T(2) * range.numerator / range.denominator - one) * keep);
        }
      }
  }

  // `turned` holds the input and becomes its gradient; `moved_plane` holds the gradient of the output.
  static void backward(const Plane& p, const T* mask, const MoveScratch<T>& x) {
    const Lines<T> high(p, x.lines[0]), low(p, x.lines[1]);
    scan(p, mask, x, high, low);
    const Lines<T> dhigh(p, x.lines[2]), dlow(p, x.lines[3]);
    collect(p, mask, x, high, low, dhigh, dlow);
    Lines<T> pending(p, x.lines[4]);
    pending.fill(p, 0);
    for (Index i = p.rows - 1; i >= 0; --i)
      for (Index j = p.columns - 1; j >= 0; --j) {
        const Index cell = i * p.columns + j;
        const V away = (T(1) - repeated<T, widest>(mask + cell * row)) * outside;
        const typename Lines<T>::Cell hi = high.through(i, j), lo = low.through(i, j), left = pending.through(i, j);
        const typename Lines<T>::Cell dhi = dhigh.through(i, j), dlo = dlow.through(i, j);
        for (int k = 0; k < moved_cell; k += widest) {
          T* const at = x.turned + cell * moved_cell + k;
          const V v = load<T, widest>(at), lowered = v - away, raised = v + away, zero = {};
          const V drun = load<T, widest>(x.moved_plane + cell * moved_cell + k);
          const V sum = left.get(k) + drun;
          const auto here = lowered == load<T, widest>(x.running + cell * moved_cell + k);
          left.update(k, [&](V waiting) { return here ? zero : waiting + drun; });
          store<T, widest>(at, (here ? sum : zero) + (lowered == hi.get(k) ? dhi.get(k) : zero) +
                           (raised == lo.get(k) ? dlo.get(k) : zero));
        }
      }
  }

 private:
  static constexpr T outside = 1000;

  struct Range {
    V numerator, denominator;

    NOVACULA_INLINE Range(V running, V high, V low, V mask) {
      const V away = (T(1) - mask) * (2 * outside);
      const V cardinal = splat<T, widest>(T(1e-3)), diagonal = splat<T, widest>(T(1e-5));
      const V below = by_family(cardinal, cardinal, V{});
      const V around = by_family(cardinal + cardinal, cardinal + cardinal, diagonal);
      numerator = (running - low) + away + below;
      denominator = (high - low) + away + around;
    }
  };

  // Running maxima, and the extremes of each line.
  static void scan(const Plane& p, const T* mask, const MoveScratch<T>& x, Lines<T> high, Lines<T> low) {
    high.fill(p, -2 * outside * outside);
    low.fill(p, 2 * outside * outside);
    for (Index i = 0; i < p.rows; ++i)
      for (Index j = 0; j < p.columns; ++j) {
        const Index cell = i * p.columns + j;
        const V away = (T(1) - repeated<T, widest>(mask + cell * row)) * outside;
        const typename Lines<T>::Cell hi = high.through(i, j), lo = low.through(i, j);
        for (int k = 0; k < moved_cell; k += widest) {
          const V v = load<T, widest>(x.turned + cell * moved_cell + k), lowered = v - away, raised = v + away;
          hi.update(k, [&](V most) { return larger(most, lowered); });
          lo.update(k, [&](V least) { return smaller(least, raised); });
          store<T, widest>(x.running + cell * moved_cell + k, hi.get(k));
        }
      }
  }

  // The gradients of every line's extremes, each divided by the number of cells that share it; drun in `moved_plane`.
  static void collect(const Plane& p, const T* mask, const MoveScratch<T>& x, const Lines<T>& high, const Lines<T>& low,
                      Lines<T> dhigh, Lines<T> dlow) {
    dhigh.fill(p, 0);
    dlow.fill(p, 0);
    Lines<T> high_count(p, x.lines[4]), low_count(p, x.lines[5]);
    high_count.fill(p, 0);
    low_count.fill(p, 0);
    for (Index i = 0; i < p.rows; ++i)
      for (Index j = 0; j < p.columns; ++j) {
        const Index cell = i * p.columns + j;
        const V w = repeated<T, widest>(mask + cell * row), one = splat<T, widest>(1), zero = {};
        const V away = (one - w) * outside, keep = by_family(one, one, w);
        const typename Lines<T>::Cell hi = high.through(i, j), lo = low.through(i, j);
        for (int k = 0; k < moved_cell; k += widest) {
          T* const at = x.moved_plane + cell * moved_cell + k;
          const V most = hi.get(k), least = lo.get(k), v = load<T, widest>(x.turned + cell * moved_cell + k);
          const Range range(load<T, widest>(x.running + cell * moved_cell + k), most, least, w);
          const V inverse = T(1) / range.denominator;
          const V drun = T(2) * load<T, widest>(at) * keep * inverse;
          const V dhi = -drun * range.numerator * inverse, dlo = -drun - dhi;
          dhigh.through(i, j).update(k, [&](V d) { return d + dhi; });
          dlow.through(i, j).update(k, [&](V d) { return d + dlo; });
          high_count.through(i, j).update(k, [&](V n) { return n + (v - away == most ? one : zero); });
          low_count.through(i, j).update(k, [&](V n) { return n + (v + away == least ? one : zero); });
          store<T, widest>(at, drun);
        }
      }
    divide(p, dhigh, high_count);
    divide(p, dlow, low_count);
  }

  // Lanes of other families hold no meaning, and may hold a count of zero.
  static void divide(const Plane& p, Lines<T> sums, Lines<T> counts) {
    for (Index i = 0; i < Lines<T>::size(p) - moved_cell; ++i)
      sums.x[i] /= counts.x[i] > 0 ? counts.x[i] : T(1);
  }
};

}  // namespace novacula::NOVACULA_SET::arc
