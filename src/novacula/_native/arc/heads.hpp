// The heads: from the last residual streams to color logits and to scores of rows and columns.
//
//   color  L = W v + 100 b,   size  P = W v + b, less 1000 beyond both grids of an example.
// Backward: dW = sum of dL v^T, db = 100 (or 1) times the sum of dL, dv = W^T dL.
#pragma once

#include "maps.hpp"
#include "shapes.hpp"

namespace novacula::NOVACULA_SET::arc {

constexpr int modes = 2;  // input and output grids
constexpr double color_bias_speed = 100, out_of_range = -1000;

template <class T>
struct Head {
  const T *weight, *bias;
  T *d_weight, *d_bias;
  T bias_speed;
};

// `out`: [mode][cell].
template <class T>
void read_head(const Shape& s, const Head<T>& head, const T* v, T* out) {
  T bias[modes];
  for (int m = 0; m < modes; ++m) bias[m] = head.bias[m] * head.bias_speed;
  const Spread<T> map({head.weight, modes, s.width, bias}, s.tiles);
  alignas(64) T tiles[chunk * modes * row];
  for (Index t = 0; t < s.tiles; t += chunk) {
    const Index count = s.tiles - t < chunk ? s.tiles - t : chunk;
    map(nullptr, v + t * s.width * row, tiles, count);
    for (int m = 0; m < modes; ++m)
      for (Index cell = t * row; cell < (t + count) * row && cell < s.cells; ++cell)
        out[m * s.cells + cell] = tiles[((cell / row - t) * modes + m) * row + cell % row];
  }
}

// Adds the gradient with respect to v to `g`.
template <class T>
void read_head_backward(const Shape& s, const Head<T>& head, const T* v, const T* d_out, T* g) {
  T transposed[modes * max_width];
  transpose_weights(head.weight, modes, s.width, transposed);
  const Spread<T> back({transposed, s.width, modes}, s.tiles);
  WeightGradient<T> d_weight(modes, s.width);
  double d_bias[modes] = {};
  alignas(64) T tiles[chunk * modes * row];
  for (Index t = 0; t < s.tiles; t += chunk) {
    const Index count = s.tiles - t < chunk ? s.tiles - t : chunk, at = t * s.width * row;
    for (int m = 0; m < modes; ++m)
      for (Index cell = t * row; cell < (t + count) * row; ++cell)
        tiles[((cell / row - t) * modes + m) * row + cell % row] = cell < s.cells ? d_out[m * s.cells + cell] : T(0);
    gradient(d_weight, tiles, v + at, count);
    add_channel_sums(tiles, modes, count, d_bias);
    back(g + at, tiles, g + at, count);
  }
  d_weight.add_to(head.d_weight);
  for (int m = 0; m < modes; ++m) head.d_bias[m] += static_cast<T>(d_bias[m] * head.bias_speed);
}

}  // namespace novacula::NOVACULA_SET::arc
