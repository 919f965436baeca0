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
        for (int j = 0; j < width; ++j) store<T>(u_[g][k][j], splat<T>(u[j * columns() + g * softmax_width + k]));
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
      Places of_cells;
      of_cells.add(*this, column_, line);
      of_cells.add(*this, own_, line);
      Places of_line;
      of_line.add(*this, line_, line);
      for (int k = 0; k < item; k += widest) {
        V all = {};
        for (int n = 0; n < of_line.count; ++n) all += load<T, widest>(x_.inner + of_line.first[n] + k);
        for (Index y = 0; y < length(); ++y) {
          V total = all;
          for (int n = 0; n < of_cells.count; ++n) total += load<T, widest>(x_.inner + of_cells.at(n, y) + k);
          const Index at = (line.cell + y) * item + k;
          store<T, widest>(x_.dlogits + at,
                           load<T, widest>(x_.dlogits + at) - total * load<T, widest>(kept_.items + at));
        }
      }
    });
  }

 private:
  static constexpr int width = 8, item = softmax_width * row;
  static constexpr int tile = combined_tile;  // [k][j][lane]
  static constexpr int own = 3;  // groups: of the directions, of the rows, of both
  static constexpr int together = many_registers ? 2 : 1;  // cells
  static constexpr int side = widest / row;  // output channels in a vector
  using V = Vec<T, widest>;

  struct Kind {
    int count = 0, group[max_groups];
  };
  // The cells of one example, color and row, and the first of them.
  struct Line {
    Index at[cell_axes];
    Index cell;
    Index own_first[own], own_step[own];  // of the own groups: the place for its first cell, and from cell to cell
  };
  // The same for any groups.
  struct Places {
    int count = 0;
    Index first[max_groups], step[max_groups];

    void add(const CombinedSoftmax& softmax, const Kind& kind, const Line& line) {
      for (int n = 0; n < kind.count; ++n, ++count) {
        first[count] = softmax.place(kind.group[n], line, 0);
        step[count] = softmax.groups_.of[kind.group[n]].stride[axis_y] * item;
      }
    }
    Index at(int n, Index y) const { return first[n] + y * step[n]; }
  };

  int columns() const { return softmax_width * groups_.count; }
  Index length() const { return s_.length[axis_y]; }

  static void nothing(const Line&) {}

  // `begin` and `end` come before and after the colors of one example and row.
  template <class Visit, class Begin = void (*)(const Line&), class End = void (*)(const Line&)>
  void walk(const Visit& visit, const Begin& begin = nothing, const End& end = nothing) {
    for (Index e = 0; e < s_.length[example]; ++e)
      for (Index x = 0; x < s_.length[axis_x]; ++x) {
        Line line = {{e, 0, x, 0}, (e * s_.length[color] * s_.length[axis_x] + x) * length(), {}, {}};
        fill_columns(line);
        begin(line);
        for (; line.at[color] < s_.length[color]; ++line.at[color], line.cell += s_.length[axis_x] * length()) {
          std::memset(line_factor_, 0, sizeof line_factor_);
          add_factors(line_, line, 0, line_factor_);
          for (int n = 0; n < own; ++n) {
            line.own_first[n] = place(own_.group[n], line, 0);
            line.own_step[n] = groups_.of[own_.group[n]].stride[axis_y] * item;
          }
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

  NOVACULA_INLINE Index own_place(const Line& line, int n, Index y) const {
    return line.own_first[n] + y * line.own_step[n];
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
        for (int j = 0; j < width; j += side) {
          T* const to = factors + (k * width + j) * row;
          store<T, widest>(to, load<T, widest>(to) +
                                   load<T, widest>(u_[i][k][j]) * repeated<T, widest>(inverse + k * row));
        }
    }
  }

  // For the exponentials k of some neighboring cells: what K_kj needs beside the parts that are shared.
  template <int Cells>
  struct Own {
    V inverse[own][Cells], e[Cells];
  };
  template <int Cells>
  NOVACULA_INLINE Own<Cells> own_of(const Line& line, Index y, int k) const {
    Own<Cells> of;
    for (int c = 0; c < Cells; ++c) {
      of.e[c] = repeated<T, widest>(kept_.items + (line.cell + y + c) * item + k * row);
      for (int n = 0; n < own; ++n)
        of.inverse[n][c] = repeated<T, widest>(kept_.inverse + own_place(line, n, y + c) + k * row);
    }
    return of;
  }
  // K_kj of cell c of them, and of the next j in the same vector.
  template <int Cells>
  NOVACULA_INLINE V factor(const Own<Cells>& of, Index y, int c, int k, int j) const {
    const int at = (k * width + j) * row;
    V sum = load<T, widest>(line_factor_ + at) + load<T, widest>(x_.column_factors + (y + c) * tile + at);
    for (int n = 0; n < own; ++n) sum += load<T, widest>(u_[own_.group[n]][k][j]) * of.inverse[n][c];
    return sum;
  }

  template <int Cells>
  NOVACULA_INLINE void forward_cells(const Line& line, Index y, const T* v, T* out) const {
    const Own<Cells> of[softmax_width] = {own_of<Cells>(line, y, 0), own_of<Cells>(line, y, 1)};
    for (int j = 0; j < width; j += side)
      for (int c = 0; c < Cells; ++c) {
        const Index at = ((line.cell + y + c) * width + j) * row;
        V sum = load<T, widest>(v + at);
        for (int k = 0; k < softmax_width; ++k) sum += of[k].e[c] * factor<Cells>(of[k], y, c, k, j);
        store<T, widest>(out + at, sum);
      }
  }

  template <int Cells>
  NOVACULA_INLINE void backward_cells(const Line& line, Index y, const T* g) {
    for (int k = 0; k < softmax_width; ++k) {
      const Own<Cells> of = own_of<Cells>(line, y, k);
      V total[Cells] = {}, inner[own][Cells] = {}, product[Cells];
      for (int j = 0; j < width; j += side) {
        T* const of_line = line_sum_ + (k * width + j) * row;
        V sum = load<T, widest>(of_line);
        for (int c = 0; c < Cells; ++c) {
          const V d = load<T, widest>(g + ((line.cell + y + c) * width + j) * row);
          T* const of_column = x_.column_sums + (y + c) * tile + (k * width + j) * row;
          total[c] += d * factor<Cells>(of, y, c, k, j);
          product[c] = of.e[c] * d;
          sum += product[c];
          store<T, widest>(of_column, load<T, widest>(of_column) + product[c]);
        }
        store<T, widest>(of_line, sum);
        for (int n = 0; n < own; ++n) {
          T* const du = du_[own_.group[n]][k][j];
          V more = load<T, widest>(du);
          for (int c = 0; c < Cells; ++c) {
            inner[n][c] += load<T, widest>(u_[own_.group[n]][k][j]) * product[c];
            more += of.inverse[n][c] * product[c];
          }
          store<T, widest>(du, more);
        }
      }
      for (int c = 0; c < Cells; ++c) {
        store<T>(x_.dlogits + (line.cell + y + c) * item + k * row, sum_of_both<T, widest>(of.e[c] * total[c]));
        for (int n = 0; n < own; ++n) {
          T* const d = x_.inner + own_place(line, n, y + c) + k * row;
          store<T>(d, load<T>(d) + sum_of_both<T, widest>(of.inverse[n][c] * inner[n][c]));
        }
      }
    }
  }

  void take_sums(const Kind& kind, const Line& line, Index y, const T* sums) {
    for (int n = 0; n < kind.count; ++n)
      for (int k = 0; k < softmax_width; ++k) {
        V z[width / side];
        for (int j = 0; j < width / side; ++j) z[j] = load<T, widest>(sums + k * width * row + j * widest);
        take_sum(kind.group[n], k, place(kind.group[n], line, y), z);
      }
  }

  // A group's part in dU and D, from some of its Z, for one index.
  NOVACULA_INLINE void take_sum(int i, int k, Index at, const V (&z)[width / side]) {
    const V inverse = repeated<T, widest>(kept_.inverse + at + k * row);
    V inner = {};
    for (int j = 0; j < width / side; ++j) {
      T* const du = du_[i][k][j * side];
      inner += load<T, widest>(u_[i][k][j * side]) * z[j];
      store<T, widest>(du, load<T, widest>(du) + inverse * z[j]);
    }
    T* const d = x_.inner + at + k * row;
    store<T>(d, load<T>(d) + sum_of_both<T, widest>(inverse * inner));
  }

  const Shape& s_;
  const Groups& groups_;
  const SoftmaxScratch<T>& x_;
  const SoftmaxKept<T>& kept_;
  Kind line_, column_, own_;
  alignas(64) T u_[max_groups][softmax_width][width][row];  // each number in eight lanes
  alignas(64) T du_[max_groups][softmax_width][width][row] = {};
  alignas(64) T line_factor_[tile], line_sum_[tile];
};

}  // namespace novacula::NOVACULA_SET::arc
