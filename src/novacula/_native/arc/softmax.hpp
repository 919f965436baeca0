// Softmax over every non-empty set ("group") of a tensor's axes, the example axis left out, side by side as channels:
//   z = A v (2 channels),  p_g = exp(z) / sum over group g of exp(z),  out = v + U p.
//
// One exponential per element serves all groups, relative to the largest z that any of them covers, per example and
// channel. The sums of a group follow from those of a group with one axis less. A group whose largest z lies so far
// below the example's that its sum underflows makes the tensor take the exact way: log-sum-exp group by group.
//
// Backward. Let g be the gradient with respect to out, q = U^T g, and D_g the sum over group g of p_g q_g. Then
//   dU = sum of g p^T,   dz = sum over groups of p_g (q_g - D_g),   dA = sum of dz v^T,   dv = g + A^T dz.
#pragma once

#include "functions.hpp"
#include "maps.hpp"
#include "softmax_combined.hpp"

namespace novacula::NOVACULA_SET::arc {

// One tensor's layer; Item is the count of numbers per cell: 2, or 2 x 8 with directions.
template <class T, int Item>
class Softmax {
 public:
  Softmax(const Shape& s, const SoftmaxScratch<T>& scratch, SoftmaxKept<T>& kept)
      : s_(s), groups_(groups_of(s)), x_(scratch), kept_(kept) {}

  // `u`: width x 2 groups, a pair of columns for every group.
  void forward(const T* a, const T* u, const T* v, T* out) {
    prepare(a, v);
    if (combined()) return CombinedSoftmax<T>(s_, groups_, x_, kept_, u).forward(v, out);
    const int columns = softmax_width * groups_.count;
    const Spread<T> up({u, s_.width, columns}, s_.tiles);
    GroupCursor cursor(s_, groups_);
    for (Index t = 0; t < s_.tiles; t += chunk) {
      const Index tiles = s_.tiles - t < chunk ? s_.tiles - t : chunk, at = t * s_.width * row;
      fill_shares(cursor, t, tiles);
      up(v + at, share_tiles(tiles), out + at, tiles);
    }
  }

  // After `forward`: `g` becomes the gradient with respect to v; da and du are added to.
  void backward(const T* a, const T* u, const T* v, T* g, T* da, T* du) {
    if (combined()) {
      CombinedSoftmax<T> sums(s_, groups_, x_, kept_, u);
      sums.backward(g, du);
      finish_inner();
      sums.subtract_inner();
    } else {
      shares_backward(u, g, du);
      finish_inner();
      subtract_inner();
    }
    logits_backward(a, v, g, da);
  }

 private:
  static constexpr bool directed = Item == softmax_width * row;
  static constexpr Index cells_per_tile = directed ? 1 : row;
  static constexpr T least_sum = sizeof(T) == sizeof(float) ? T(1e-30) : T(1e-280);

  bool combined() const { return !kept_.exact && CombinedSoftmax<T>::serves(s_); }

  // D of all groups, and the sum of p_g q_g into dlogits.
  void shares_backward(const T* u, const T* g, T* du) {
    const int columns = softmax_width * groups_.count;
    T u_transposed[max_inputs * max_width];
    transpose_weights(u, s_.width, columns, u_transposed);
    std::memset(x_.inner, 0, sizeof(T) * groups_.total * Item);
    const Spread<T> from_g({u_transposed, columns, s_.width}, s_.tiles);
    WeightGradient<T> up(s_.width, columns);
    GroupCursor cursor(s_, groups_), inner_cursor(s_, groups_);
    for (Index t = 0; t < s_.tiles; t += chunk) {
      const Index tiles = s_.tiles - t < chunk ? s_.tiles - t : chunk, at = t * s_.width * row;
      fill_shares(cursor, t, tiles);
      gradient(up, g + at, share_tiles(tiles), tiles);
      from_g(nullptr, g + at, dshare_, tiles);
      add_inner(inner_cursor, t, tiles);
    }
    up.add_to(du);
  }

  static NOVACULA_INLINE void lanes_to_sum(T* item) {
    if constexpr (directed)
      for (int k = 0; k < softmax_width; ++k)
        store<T>(item + k * row, sum_in_lanes<T>(load<T>(item + k * row)));
  }

  Index cells_until(Index tile) const {
    const Index cells = tile * cells_per_tile;
    return cells < s_.cells ? cells : s_.cells;
  }

  // Exponentials by cells, and the inverse sums of all groups.
  void prepare(const T* a, const T* v) {
    take_logits(a, v);
    const Index per_example = s_.cells / s_.length[example];
    for (Index e = 0; e < s_.length[example]; ++e) exponentiate(kept_.items + e * per_example * Item, per_example);
    kept_.exact = !sum_groups();
    if (!kept_.exact) return;
    take_logits(a, v);
    sum_groups_exactly();
  }

  // The logits in `items`.
  void take_logits(const T* a, const T* v) {
    T* const out = directed ? kept_.items : x_.logits;
    apply<T>({a, softmax_width, s_.width}, nullptr, v, out, s_.tiles);
    if constexpr (!directed) cells_from_tiles(out, softmax_width, s_.cells, kept_.items);
  }

  static void exponentiate(T* items, Index cells) {
    T most[Item];
    for (int i = 0; i < Item; ++i) most[i] = items[i];
    for (Index c = 0; c < cells; ++c)
      for (int i = 0; i < Item; ++i) most[i] = most[i] > items[c * Item + i] ? most[i] : items[c * Item + i];
    for (int k = 0; k < softmax_width && directed; ++k)
      for (int lane = 0; lane < row; ++lane)
        for (int other = 0; other < row; ++other)
          if (most[k * row + other] > most[k * row + lane]) most[k * row + lane] = most[k * row + other];
    Index i = 0;
    const Index count = cells * Item;
    Vec<T> pattern = {};
    if constexpr (!directed)
      for (int lane = 0; lane < row; ++lane) pattern[lane] = most[lane % softmax_width];
    for (; i + row <= count; i += row) {
      if constexpr (directed) pattern = load<T>(most + i % Item);
      store<T>(items + i, exponential<T>(load<T>(items + i) - pattern));
    }
    if (i < count) {
      Vec<T> last = {};
      for (Index j = i; j < count; ++j) last[j - i] = items[j];
      last = exponential<T>(last - pattern);
      for (Index j = i; j < count; ++j) items[j] = last[j - i];
    }
  }

  // Leaves 1 / sum in `inverse`; false if some sum is too small to be trusted.
  bool sum_groups() {
    for (int i = 0; i < groups_.count; ++i) {
      const Group& g = groups_.of[i];
      T* const out = kept_.inverse + g.offset * Item;
      const T* const in = g.parent < 0 ? kept_.items : kept_.inverse + groups_.of[g.parent].offset * Item;
      if (g.axis == direction) {
        std::memcpy(out, in, sizeof(T) * g.size * Item);
        for (Index j = 0; j < g.size; ++j) lanes_to_sum(out + j * Item);
      } else {
        sum_along(g, in, out);
      }
    }
    return invert(kept_.inverse, groups_.total * Item) >= least_sum;
  }

  // 1 / sums in their place; returns the least of them, or 1.
  static T invert(T* sums, Index count) {
    Vec<T> some = splat<T>(1);
    Index i = 0;
    for (; i + row <= count; i += row) {
      const Vec<T> here = load<T>(sums + i);
      some = smaller(here, some);
      store<T>(sums + i, T(1) / here);
    }
    T least = 1;
    for (; i < count; ++i) {
      least = sums[i] < least ? sums[i] : least;
      sums[i] = 1 / sums[i];
    }
    for (int lane = 0; lane < row; ++lane) least = some[lane] < least ? some[lane] : least;
    return least;
  }

  // Sums the parent's array along the group's axis.
  void sum_along(const Group& g, const T* in, T* out) const {
    Index outer = 1, inner = 1;
    for (int a = 0; a < cell_axes; ++a)
      if (!g.has[a]) (a < g.axis ? outer : inner) *= s_.length[a];
    std::memset(out, 0, sizeof(T) * g.size * Item);
    for (Index o = 0; o < outer; ++o)
      for (Index i = 0; i < s_.length[g.axis]; ++i, in += inner * Item) {
        T* const sums = out + o * inner * Item;
        for (Index j = 0; j < inner * Item; j += Item)
          for (int k = 0; k < Item; ++k) sums[j + k] += in[j + k];
      }
  }

  // Log-sum-exp of every group in `inverse`, from the logits in `items`.
  void sum_groups_exactly() {
    for (int i = 0; i < groups_.count; ++i) {
      const Group& g = groups_.of[i];
      T *const most = x_.inner + g.offset * Item, *const sum = kept_.inverse + g.offset * Item;
      for (Index j = 0; j < g.size * Item; ++j) most[j] = -__builtin_huge_val();
      for_each_item(g, [&](Index index, const T* item) {
        T* const m = most + index * Item;
        for (int k = 0; k < Item; ++k) {
          const int first = g.has[direction] ? k / row * row : k, last = g.has[direction] ? first + row : k + 1;
          for (int other = first; other < last; ++other) m[k] = m[k] > item[other] ? m[k] : item[other];
        }
      });
      std::memset(sum, 0, sizeof(T) * g.size * Item);
      for_each_item(g, [&](Index index, const T* item) {
        for (int k = 0; k < Item; ++k) sum[index * Item + k] += __builtin_exp(item[k] - most[index * Item + k]);
      });
      for (Index j = 0; j < g.size; ++j) {
        if (g.has[direction]) lanes_to_sum(sum + j * Item);
        for (int k = 0; k < Item; ++k) sum[j * Item + k] = most[j * Item + k] + __builtin_log(sum[j * Item + k]);
      }
    }
  }

  template <class Visit>
  void for_each_item(const Group& g, const Visit& visit) const {
    GroupCursor cursor(s_, groups_);
    const int i = static_cast<int>(&g - groups_.of);
    for (Index c = 0; c < s_.cells; ++c, cursor.next()) visit(cursor.index[i] - g.offset, kept_.items + c * Item);
  }

  // Shares of all groups for the cells of some tiles: [cell][group][item].
  void fill_shares(GroupCursor& cursor, Index first_tile, Index tiles) {
    T* out = shares_;
    for (Index c = cells_until(first_tile); c < cells_until(first_tile + tiles); ++c, cursor.next()) {
      const T* const item = kept_.items + c * Item;
      for (int g = 0; g < groups_.count; ++g, out += Item) {
        const T* const inverse = kept_.inverse + cursor.index[g] * Item;
        if (kept_.exact)
          for (int k = 0; k < Item; ++k) out[k] = __builtin_exp(item[k] - inverse[k]);
        else
          for (int k = 0; k < Item; ++k) out[k] = item[k] * inverse[k];
      }
    }
    filled_ = cells_until(first_tile + tiles) - cells_until(first_tile);
  }

  // What `fill_shares` made, as tiles: with directions it is that already.
  const T* share_tiles(Index) {
    if constexpr (directed) return shares_;
    tiles_from_cells(shares_, softmax_width * groups_.count, filled_, tiles_);
    return tiles_;
  }

  // D_g += p_g q_g, and the sum of p_g q_g over groups into dlogits.
  void add_inner(GroupCursor& cursor, Index first_tile, Index tiles) {
    const T* q = dshare_;
    if constexpr (!directed) {
      cells_from_tiles(dshare_, softmax_width * groups_.count, filled_, tiles_);
      q = tiles_;
    }
    const T* p = shares_;
    for (Index c = cells_until(first_tile); c < cells_until(first_tile + tiles); ++c, cursor.next()) {
      T total[Item] = {};
      for (int g = 0; g < groups_.count; ++g, p += Item, q += Item) {
        T* const inner = x_.inner + cursor.index[g] * Item;
        for (int k = 0; k < Item; ++k) {
          const T product = p[k] * q[k];
          inner[k] += product;
          total[k] += product;
        }
      }
      std::memcpy(x_.dlogits + c * Item, total, sizeof total);
    }
  }

  void finish_inner() {
    for (int i = 0; i < groups_.count; ++i) {
      const Group& g = groups_.of[i];
      if (g.has[direction])
        for (Index j = g.offset; j < g.offset + g.size; ++j) lanes_to_sum(x_.inner + j * Item);
    }
    if (kept_.exact) return;
    for (Index j = 0; j < groups_.total * Item; ++j) x_.inner[j] *= kept_.inverse[j];
  }

  // dlogits -= sum over groups of p_g D_g.
  void subtract_inner() {
    GroupCursor cursor(s_, groups_);
    for (Index c = 0; c < s_.cells; ++c, cursor.next()) {
      const T* const item = kept_.items + c * Item;
      T total[Item] = {};
      for (int i = 0; i < groups_.count; ++i) {
        const T *const inner = x_.inner + cursor.index[i] * Item, *const lse = kept_.inverse + cursor.index[i] * Item;
        for (int k = 0; k < Item; ++k) total[k] += kept_.exact ? __builtin_exp(item[k] - lse[k]) * inner[k] : inner[k];
      }
      T* const out = x_.dlogits + c * Item;
      for (int k = 0; k < Item; ++k) out[k] -= kept_.exact ? total[k] : total[k] * item[k];
    }
  }

  void logits_backward(const T* a, const T* v, T* g, T* da) {
    const T* dz = x_.dlogits;
    if constexpr (!directed) {
      tiles_from_cells(x_.dlogits, softmax_width, s_.cells, x_.logits);
      dz = x_.logits;
    }
    T a_transposed[softmax_width * max_width];
    transpose_weights(a, softmax_width, s_.width, a_transposed);
    const Spread<T> to_v({a_transposed, s_.width, softmax_width}, s_.tiles);
    WeightGradient<T> down(softmax_width, s_.width);
    for (Index t = 0; t < s_.tiles; t += chunk) {
      const Index tiles = s_.tiles - t < chunk ? s_.tiles - t : chunk;
      gradient(down, dz + t * softmax_width * row, v + t * s_.width * row, tiles);
      T* const here = g + t * s_.width * row;
      to_v(here, dz + t * softmax_width * row, here, tiles);
    }
    down.add_to(da);
  }

  const Shape& s_;
  const Groups groups_;
  const SoftmaxScratch<T>& x_;
  SoftmaxKept<T>& kept_;
  Index filled_ = 0;
  // [cell][group][item] of a chunk of tiles; without directions a group has two channels, with them two rows.
  alignas(64) T shares_[chunk * softmax_width * max_groups * row], dshare_[chunk * softmax_width * max_groups * row];
  alignas(64) T tiles_[chunk * softmax_width * max_groups * row];
};

}  // namespace novacula::NOVACULA_SET::arc
