// The softmax layer's sums over groups on the tensors that hold most of the work: with directions, rows and columns.
//
// Written out, output channel j of a cell is  v_j + sum over k of e_k K_kj  with the cell's exponentials e_k and
//   K_kj = sum over groups of U_jgk / sum_gk.
// Most groups' sums are the same for many cells, so their part of K is made once for all of these: for groups with the
// column axis once per line of cells ("line"), for others with the color axis once for all colors ("column"). Only the
// groups of directions and rows are left to every cell ("own"). Cells are visited in the order example, row, color,
// column, so that the part shared by the colors stays in the cache.
//
// Backward. Let g be the gradient with respect to out and E_kj = e_k g_j. All that a group needs is the sum of E over
// the cells of each of its indices, Z:
//   dU_jgk = sum over indices of Z_kj / sum_gk,   D_gk = (sum_j U_jgk Z_kj) / sum_gk,
// and Z is summed for the line, and for the column, before any group looks at it. A cell's sum over groups of p_g q_g,
// in the terms of softmax.hpp, is e_k sum_j g_j K_kj.
#pragma once

#include "softmax_groups.hpp"

namespace novacula::NOVACULA_SET::arc {

template <class T>
class CombinedSoftmax {
 public:
  static bool serves(const Shape& s) { return s.has[direction] && s.has[axis_x] && s.has[axis_y]; }

  // `u`: width x 2 groups. The exponentials and the groups' inverse sums are in `kept`.
  CombinedSoftmax(const Shape& s, const Groups& groups, const SoftmaxScratch<T>& scratch, const SoftmaxKept<T>& kept,
                  const T* u)
      : s_(s), groups_(groups), x_(scratch), kept_(kept) {
    for (int g = 0; g < groups.count; ++g) {
      Kind& kind = groups.of[g].has[axis_y] ? line_ : groups.of[g].has[color] ? column_ : own_;
      kind.group[kind.count++] = g;
      for (int k = 0; k < softmax_width; ++k)
        for (int j = 0; j < width; ++j) u_[g][k][j] = u[j * columns() + g * softmax_width + k];
    }
  }

  void forward(const T* v, T* out) {
    walk([&](const Line& line) {
      Index y = 0;
      for (; y + together <= length(); y += together) forward_cells<together>(line, y, v, out);
      for (; y < length(); ++y) forward_cells<1>(line, y, v, out);
    });
  }

  // Writes D of all groups, and the sum of p_g q_g into dlogits; dU is added to.
  void backward(const T* g, T* du) {
    std::memset(x_.inner, 0, sizeof(T) * groups_.total * item);
    const auto visit = [&](const Line& line) {
      std::memset(line_sum_, 0, sizeof line_sum_);
      Index y = 0;
      for (; y + together <= length(); y += together) backward_cells<together>(line, y, g);
      for (; y < length(); ++y) backward_cells<1>(line, y, g);
      take_sums(line_, line, 0, line_sum_);
    };
    walk(
        visit, [&](const Line&) { std::memset(x_.column_sums, 0, sizeof(T) * length() * tile); },
        [&](const Line& line) {
          for (Index y = 0; y < length(); ++y) take_sums(column_, line, y, x_.column_sums + y * tile);
        });
    for (int i = 0; i < groups_.count; ++i)
      for (int k = 0; k < softmax_width; ++k)
        for (int j = 0; j < width; ++j)
          du[j * columns() + i * softmax_width + k] += sum_of_lanes<T>(load<T>(du_[i][k][j]));
  }

  // dlogits -= e times the sum over groups of what `inner` holds by now.
  void subtract_inner() {
    walk([&](const Line& line) {
      Vec<T> of_line[softmax_width] = {};
      add_inner(line_, line, 0, of_line);
      for (Index y = 0; y < length(); ++y) {
        Vec<T> total[softmax_width] = {of_line[0], of_line[1]};
        add_inner(column_, line, y, total);
        add_inner(own_, line, y, total);
        for (int k = 0; k < softmax_width; ++k) {
          const Index at = (line.cell + y) * item + k * row;
          store<T>(x_.dlogits + at, load<T>(x_.dlogits + at) - total[k] * load<T>(kept_.items + at));
        }
      }
    });
  }

 private:
  static constexpr int width = 8, item = softmax_width * row;
  static constexpr int tile = combined_tile;  // [k][j][lane]
  static constexpr int own = 3;  // groups: of the directions, of the rows, of both
  static constexpr int together = many_registers ? 2 : 1;  // cells

  struct Kind {
    int count = 0, group[max_groups];
  };
  // The cells of one example, color and row, and the first of them.
  struct Line {
    Index at[cell_axes];
    Index cell;
  };

  int columns() const { return softmax_width * groups_.count; }
  Index length() const { return s_.length[axis_y]; }

  static void nothing(const Line&) {}

  // `begin` and `end` come before and after the colors of one example and row.
  template <class Visit, class Begin = void (*)(const Line&), class End = void (*)(const Line&)>
  void walk(const Visit& visit, const Begin& begin = nothing, const End& end = nothing) {
    for (Index e = 0; e < s_.length[example]; ++e)
      for (Index x = 0; x < s_.length[axis_x]; ++x) {
        Line line = {{e, 0, x, 0}, (e * s_.length[color] * s_.length[axis_x] + x) * length()};
        fill_columns(line);
        begin(line);
        for (; line.at[color] < s_.length[color]; ++line.at[color], line.cell += s_.length[axis_x] * length()) {
          std::memset(line_factor_, 0, sizeof line_factor_);
          add_factors(line_, line, 0, line_factor_);
          visit(line);
        }
        end(line);
      }
  }

  // Of a group's number i: the place of its index for a cell of the line in arrays over all groups.
  NOVACULA_INLINE Index place(int i, const Line& line, Index y) const {
    const Group& g = groups_.of[i];
    Index index = g.offset + y * g.stride[axis_y];
    for (int a = 0; a < axis_y; ++a) index += line.at[a] * g.stride[a];
    return index * item;
  }

  // The part of K that the colors share; of a line's colors any will do.
  void fill_columns(const Line& line) {
    std::memset(x_.column_factors, 0, sizeof(T) * length() * tile);
    for (Index y = 0; y < length(); ++y) add_factors(column_, line, y, x_.column_factors + y * tile);
  }

  void add_factors(const Kind& kind, const Line& line, Index y, T* factors) const {
    for (int n = 0; n < kind.count; ++n) {
      const int i = kind.group[n];
      const T* const inverse = kept_.inverse + place(i, line, y);
      for (int k = 0; k < softmax_width; ++k)
        for (int j = 0; j < width; ++j) {
          T* const to = factors + (k * width + j) * row;
          store<T>(to, load<T>(to) + u_[i][k][j] * load<T>(inverse + k * row));
        }
    }
  }

  // For the exponentials k of some neighboring cells: what K_kj needs beside the parts that are shared.
  template <int Cells>
  struct Own {
    Vec<T> inverse[own][Cells], e[Cells];
  };
  template <int Cells>
  NOVACULA_INLINE Own<Cells> own_of(const Line& line, Index y, int k) const {
    Own<Cells> of;
    for (int c = 0; c < Cells; ++c) {
      of.e[c] = load<T>(kept_.items + (line.cell + y + c) * item + k * row);
      for (int n = 0; n < own; ++n)
        of.inverse[n][c] = load<T>(kept_.inverse + place(own_.group[n], line, y + c) + k * row);
    }
    return of;
  }
  // K_kj of cell c of them.
  template <int Cells>
  NOVACULA_INLINE Vec<T> factor(const Own<Cells>& of, Index y, int c, int k, int j) const {
    const int at = (k * width + j) * row;
    Vec<T> sum = load<T>(line_factor_ + at) + load<T>(x_.column_factors + (y + c) * tile + at);
    for (int n = 0; n < own; ++n) sum += u_[own_.group[n]][k][j] * of.inverse[n][c];
    return sum;
  }

  template <int Cells>
  NOVACULA_INLINE void forward_cells(const Line& line, Index y, const T* v, T* out) const {
    const Own<Cells> of[softmax_width] = {own_of<Cells>(line, y, 0), own_of<Cells>(line, y, 1)};
    for (int j = 0; j < width; ++j)
      for (int c = 0; c < Cells; ++c) {
        const Index at = ((line.cell + y + c) * width + j) * row;
        Vec<T> sum = load<T>(v + at);
        for (int k = 0; k < softmax_width; ++k) sum += of[k].e[c] * factor<Cells>(of[k], y, c, k, j);
        store<T>(out + at, sum);
      }
  }

  template <int Cells>
  NOVACULA_INLINE void backward_cells(const Line& line, Index y, const T* g) {
    for (int k = 0; k < softmax_width; ++k) {
      const Own<Cells> of = own_of<Cells>(line, y, k);
      Vec<T> total[Cells] = {}, inner[own][Cells] = {}, product[Cells];
      for (int j = 0; j < width; ++j) {
        T* const of_line = line_sum_ + (k * width + j) * row;
        Vec<T> sum = load<T>(of_line);
        for (int c = 0; c < Cells; ++c) {
          const Vec<T> d = load<T>(g + ((line.cell + y + c) * width + j) * row);
          T* const of_column = x_.column_sums + (y + c) * tile + (k * width + j) * row;
          total[c] += d * factor<Cells>(of, y, c, k, j);
          product[c] = of.e[c] * d;
          sum += product[c];
          store<T>(of_column, load<T>(of_column) + product[c]);
        }
        store<T>(of_line, sum);
        for (int n = 0; n < own; ++n) {
          T* const du = du_[own_.group[n]][k][j];
          Vec<T> more = load<T>(du);
          for (int c = 0; c < Cells; ++c) {
            inner[n][c] += u_[own_.group[n]][k][j] * product[c];
            more += of.inverse[n][c] * product[c];
          }
          store<T>(du, more);
        }
      }
      for (int c = 0; c < Cells; ++c) {
        store<T>(x_.dlogits + (line.cell + y + c) * item + k * row, of.e[c] * total[c]);
        for (int n = 0; n < own; ++n) {
          T* const d = x_.inner + place(own_.group[n], line, y + c) + k * row;
          store<T>(d, load<T>(d) + of.inverse[n][c] * inner[n][c]);
        }
      }
    }
  }

  void take_sums(const Kind& kind, const Line& line, Index y, const T* sums) {
    for (int n = 0; n < kind.count; ++n)
      for (int k = 0; k < softmax_width; ++k) {
        Vec<T> z[width];
        for (int j = 0; j < width; ++j) z[j] = load<T>(sums + (k * width + j) * row);
        take_sum(kind.group[n], k, place(kind.group[n], line, y), z);
      }
  }

  // A group's part in dU and D, from some of its Z, for one index.
  NOVACULA_INLINE void take_sum(int i, int k, Index at, const Vec<T> (&z)[width]) {
    const Vec<T> inverse = load<T>(kept_.inverse + at + k * row);
    Vec<T> inner = {};
    for (int j = 0; j < width; ++j) {
      inner += u_[i][k][j] * z[j];
      store<T>(du_[i][k][j], load<T>(du_[i][k][j]) + inverse * z[j]);
    }
    T* const d = x_.inner + at + k * row;
    store<T>(d, load<T>(d) + inverse * inner);
  }

  NOVACULA_INLINE void add_inner(const Kind& kind, const Line& line, Index y, Vec<T> (&total)[softmax_width]) const {
    for (int n = 0; n < kind.count; ++n)
      for (int k = 0; k < softmax_width; ++k) total[k] += load<T>(x_.inner + place(kind.group[n], line, y) + k * row);
  }

  const Shape& s_;
  const Groups& groups_;
  const SoftmaxScratch<T>& x_;
  const SoftmaxKept<T>& kept_;
  Kind line_, column_, own_;
  T u_[max_groups][softmax_width][width];
  alignas(64) T du_[max_groups][softmax_width][width][row] = {};
  alignas(64) T line_factor_[tile], line_sum_[tile];
};

}  // namespace novacula::NOVACULA_SET::arc
