// Which tensors there are and how each lies in memory.
//
// A cell is one index of the axes example, color, x and y that a tensor has, in this order, slowest first. A tensor
// with directions has a tile of 8 channels x 8 directions for every cell; one without has a tile of 16 channels for
// every 8 cells. The lanes of the last tile that stand for no cell are its padding: gradients are zero there.
#pragma once

#include "puzzle.hpp"
#include "vector.hpp"

namespace novacula::NOVACULA_SET::arc {

using novacula::arc::Offsets;
using novacula::arc::Puzzle;
using novacula::arc::Pace;
using novacula::arc::Report;
using novacula::arc::blocks;
using novacula::arc::latent_channels;
using novacula::arc::max_groups;
using novacula::arc::subsets;

enum Axis { example, color, axis_x, axis_y, direction };  // cells first, in the order of memory
constexpr int cell_axes = 4;
constexpr int max_width = 16;

struct Shape {
  bool has[5];
  Index length[cell_axes];  // 1 where the axis is absent
  Index cells, tiles;
  int width;                // channels of the residual stream
  int padding;              // lanes of the last tile without a cell
  int twin;                 // the subset whose weights it uses

  Index positions() const { return has[direction] ? cells * row : cells; }
  Index size(int channels) const { return tiles * channels * row; }
  Index size() const { return size(width); }
  // Cells per index of the slower axes, and cells that lie between two neighbors along the axis.
  Index inner(int axis) const {
    Index product = 1;
    for (int faster = axis + 1; faster < cell_axes; ++faster) product *= length[faster];
    return product;
  }
  Index outer(int axis) const { return cells / (inner(axis) * length[axis]); }
};

struct Shapes {
  Shape of[subsets];
  int number[2][2][2][2][2];  // of a subset, by example, color, x, y, direction; -1 where it is not legal

  // The subset without one axis, or -1.
  int without(int s, int axis) const {
    bool has[5];
    for (int a = 0; a < 5; ++a) has[a] = of[s].has[a] && a != axis;
    return find(has);
  }
  int find(const bool* has) const { return number[has[0]][has[1]][has[2]][has[3]][has[4]]; }
  int named(bool e, bool c, bool d, bool x, bool y) const { return number[e][c][x][y][d]; }
};

inline Shape shape_of(const Puzzle& puzzle, bool e, bool c, bool d, bool x, bool y) {
  Shape s = {{e, c, x, y, d}, {1, 1, 1, 1}, 1, 0, d ? 8 : 16, 0, 0};
  const Index lengths[cell_axes] = {puzzle.examples, puzzle.colors, puzzle.rows, puzzle.columns};
  for (int axis = 0; axis < cell_axes; ++axis) {
    if (s.has[axis]) s.length[axis] = lengths[axis];
    s.cells *= s.length[axis];
  }
  s.tiles = d ? s.cells : (s.cells + row - 1) / row;
  s.padding = d ? 0 : static_cast<int>(s.tiles * row - s.cells);
  return s;
}

// The 18 legal subsets in the order of the shared layout: positions slowest, then direction, color, example.
inline void list_shapes(const Puzzle& puzzle, Shapes& shapes) {
  int count = 0;
  for (int xy = 0; xy < 4; ++xy)
    for (int dce = 0; dce < 8; ++dce) {
      const bool x = xy & 1, y = xy & 2, d = dce & 4, c = dce & 2, e = dce & 1;
      const bool legal = (c || d || x || y) && (e || !(x || y));
      shapes.number[e][c][x][y][d] = legal ? count : -1;
      if (legal) shapes.of[count++] = shape_of(puzzle, e, c, d, x, y);
    }
  for (Shape& s : shapes.of) {
    const bool borrows = s.has[axis_y] && !s.has[axis_x];
    s.twin = borrows ? shapes.named(s.has[example], s.has[color], s.has[direction], true, false)
                     : shapes.find(s.has);
  }
}

// Subsets that a head can see after share-up of `block`, and those that its share-down writes to.
inline bool live(const Shape& s, int block) { return block < blocks - 1 || s.has[axis_x] || s.has[axis_y]; }
inline bool receives(const Shape& s, int block) {
  if (block < blocks - 1) return true;
  return s.has[example] && !s.has[direction] && (s.has[color] ? s.has[axis_x] && s.has[axis_y]
                                                               : s.has[axis_x] != s.has[axis_y]);
}

// Zero in the padding of a tensor with so many channels.
template <class T>
void clear_padding(const Shape& s, int channels, T* values) {
  T* const last = values + (s.tiles - 1) * channels * row;
  for (int k = 0; k < channels; ++k)
    for (int lane = row - s.padding; lane < row; ++lane) last[k * row + lane] = 0;
}

// Between tiles and cells with their channels side by side, for tensors without directions. Padding becomes zero.
template <class T>
void tiles_from_cells(const T* in, int channels, Index cells, T* out) {
  Index cell = 0;
  for (; cell + row <= cells; cell += row, out += channels * row) {
    int k = 0;
    for (; k + row <= channels; k += row) {
      Vec<T> r[row];
      for (int lane = 0; lane < row; ++lane) r[lane] = load<T>(in + (cell + lane) * channels + k);
      transpose<T>(r);
      for (int i = 0; i < row; ++i) store<T>(out + (k + i) * row, r[i]);
    }
    for (; k < channels; ++k)
      for (int lane = 0; lane < row; ++lane) out[k * row + lane] = in[(cell + lane) * channels + k];
  }
  if (cell < cells) {
    for (int k = 0; k < channels; ++k)
      for (int lane = 0; lane < row; ++lane)
        out[k * row + lane] = cell + lane < cells ? in[(cell + lane) * channels + k] : T(0);
  }
}

template <class T>
void cells_from_tiles(const T* in, int channels, Index cells, T* out) {
  Index cell = 0;
  for (; cell + row <= cells; cell += row, in += channels * row) {
    int k = 0;
    for (; k + row <= channels; k += row) {
      Vec<T> r[row];
      for (int i = 0; i < row; ++i) r[i] = load<T>(in + (k + i) * row);
      transpose<T>(r);
      for (int lane = 0; lane < row; ++lane) store<T>(out + (cell + lane) * channels + k, r[lane]);
    }
    for (; k < channels; ++k)
      for (int lane = 0; lane < row; ++lane) out[(cell + lane) * channels + k] = in[k * row + lane];
  }
  for (; cell < cells; ++cell)
    for (int k = 0; k < channels; ++k) out[cell * channels + k] = in[k * row + cell % row];
}

}  // namespace novacula::NOVACULA_SET::arc
