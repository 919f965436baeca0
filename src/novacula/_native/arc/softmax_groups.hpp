// The groups of axes over which the softmax layer sums, and the memory that it works in.
#pragma once

#include "arena.hpp"
#include "shapes.hpp"

namespace novacula::NOVACULA_SET::arc {

constexpr int softmax_width = 2;
constexpr int combined_tile = softmax_width * 8 * row;  // of softmax_combined.hpp

// The groups of one tensor. An index of a group stands for one value of the axes outside of it.
struct Group {
  bool has[5];
  Index stride[cell_axes];  // of a cell's coordinates in the group's index
  Index size;               // how many indices
  Index offset;             // of its first index in arrays over all groups
  int parent, axis;         // the group with one axis less, -1 for none, and that axis
};

struct Groups {
  int count = 0;
  Index total = 0;
  Group of[max_groups];
};

inline void finish_group(const Shape& s, Groups& groups, Group& g) {
  g.size = 1;
  for (int a = cell_axes - 1; a >= 0; --a) {
    g.stride[a] = g.has[a] ? 0 : g.size;
    if (!g.has[a]) g.size *= s.length[a];
  }
  g.offset = groups.total;
  groups.total += g.size;
  // The direction goes first, since summing eight lanes is cheapest on what has been summed already.
  g.parent = -1;
  g.axis = direction;
  if (!g.has[direction])
    for (g.axis = axis_y; !g.has[g.axis];) --g.axis;
  bool less[5];
  for (int a = 0; a < 5; ++a) less[a] = g.has[a] && a != g.axis;
  for (int i = 0; i < groups.count; ++i)
    if (std::memcmp(groups.of[i].has, less, sizeof less) == 0) g.parent = i;
}

// By size, then in the order of axes: color, direction, x, y.
inline Groups groups_of(const Shape& s) {
  constexpr int naming[4] = {color, direction, axis_x, axis_y};
  int axes[4], q = 0;
  for (int axis : naming)
    if (s.has[axis]) axes[q++] = axis;
  Groups groups;
  for (int size = 1; size <= q; ++size)
    // Sets in lexicographic order are numbers in decreasing order, the first axis being the highest bit.
    for (int bits = (1 << q) - 1; bits > 0; --bits) {
      if (__builtin_popcount(static_cast<unsigned>(bits)) != size) continue;
      Group g = {};
      for (int i = 0; i < q; ++i) g.has[axes[i]] = (bits >> (q - 1 - i)) & 1;
      finish_group(s, groups, g);
      groups.of[groups.count++] = g;
    }
  return groups;
}

// What the forward pass keeps of one tensor: by cells the exponentials (or the logits), and over the indices of all
// groups 1 / sum (or log-sum-exp).
template <class T>
struct SoftmaxKept {
  T *items, *inverse;
  bool exact;

  void take(Arena& arena, const Shape& s) {
    const Index per_cell = softmax_width * (s.has[direction] ? row : 1);
    items = arena.take<T>(s.cells * per_cell);
    inverse = arena.take<T>(groups_of(s).total * per_cell);
  }
};

// Arrays for the largest tensor.
template <class T>
struct SoftmaxScratch {
  T* logits;   // by tiles
  T* inner;    // over the indices of all groups: D
  T* dlogits;  // by cells
  T *column_factors, *column_sums;  // of softmax_combined.hpp, by columns

  void take(Arena& arena, const Shapes& shapes) {
    Index tiles = 0, items_size = 0, total = 0, columns = 0;
    for (const Shape& s : shapes.of) {
      const Index per_cell = softmax_width * (s.has[direction] ? row : 1), count = groups_of(s).total * per_cell;
      tiles = tiles > s.tiles ? tiles : s.tiles;
      items_size = items_size > s.cells * per_cell ? items_size : s.cells * per_cell;
      total = total > count ? total : count;
      columns = columns > s.length[axis_y] ? columns : s.length[axis_y];
    }
    logits = arena.take<T>(tiles * softmax_width * row);
    dlogits = arena.take<T>(items_size);
    inner = arena.take<T>(total);
    column_factors = arena.take<T>(columns * combined_tile);
    column_sums = arena.take<T>(columns * combined_tile);
  }
};

// The groups' indices of one cell after another.
struct GroupCursor {
  const Shape& s;
  const Groups& groups;
  Index at[cell_axes] = {};
  Index index[max_groups];

  GroupCursor(const Shape& shape, const Groups& g) : s(shape), groups(g) { recompute(); }

  NOVACULA_INLINE void next() {
    if (++at[axis_y] < s.length[axis_y]) {
      for (int g = 0; g < groups.count; ++g) index[g] += groups.of[g].stride[axis_y];
      return;
    }
    for (int a = axis_y; a > 0 && at[a] == s.length[a]; --a) {
      at[a] = 0;
      ++at[a - 1];
    }
    recompute();
  }

 private:
  void recompute() {
    for (int g = 0; g < groups.count; ++g) {
      index[g] = groups.of[g].offset;
      for (int a = 0; a < cell_axes; ++a) index[g] += at[a] * groups.of[g].stride[a];
    }
  }
};

}  // namespace novacula::NOVACULA_SET::arc
