// Linear maps between the channels of tiles, and the gradients of their weights.
//
// A tile is `channels` rows of 8 numbers; tiles follow each other without gaps. Every map acts on all lanes alike:
//
//   apply       out[o] = base[o] + bias[o] + sum_i w[o][i] in[i]
//   gradient    dw[o][i] += sum over tiles and lanes of dout[o] in[i]
//
// Both keep eight vectors of sums in registers: enough to hide the latency of a multiply-add on every machine we build
// for, and few enough for 16 registers. With 32 registers they keep 16, load less for each, and a vector is two rows:
// of neighboring inputs in a gradient, of neighboring outputs in a map.
#pragma once

#include "vector.hpp"

namespace novacula::NOVACULA_SET::arc {

// Tiles handled together, so that what a layer computes in between stays in the first-level cache.
constexpr int chunk = 16;
constexpr int max_channels = 64;
constexpr int max_outputs = 32, max_inputs = 32, max_weights = 256;  // of one map

template <class Visit>
NOVACULA_INLINE void for_chunks(Index tiles, const Visit& visit) {
  for (Index t = 0; t < tiles; t += chunk) visit(t, tiles - t < chunk ? tiles - t : Index{chunk});
}

template <class T>
struct Map {
  const T* weight;  // outputs x inputs
  int outputs, inputs;
  const T* bias = nullptr;
};

// Calls `visit(outputs, inputs)`, with constants for the sizes of most of the work, so that it is compiled for these.
template <class Visit>
NOVACULA_INLINE void with_sizes(int outputs, int inputs, const Visit& visit) {
  const auto is = [&](int o, int i) { return outputs == o && inputs == i; };
  if (is(8, 8)) return visit(8, 8);
  if (is(16, 8)) return visit(16, 8);
  if (is(8, 16)) return visit(8, 16);
  if (is(16, 16)) return visit(16, 16);
  if (is(4, 8)) return visit(4, 8);
  if (is(8, 4)) return visit(8, 4);
  if (is(2, 8)) return visit(2, 8);
  if (is(8, 2)) return visit(8, 2);
  visit(outputs, inputs);
}

// Some outputs of some tiles.
template <class T, int Outputs, int Tiles>
NOVACULA_INLINE void apply_block(const Map<T>& map, int first, const T* base, const T* in, T* out) {
  const Index in_tile = Index{map.inputs} * row, out_tile = Index{map.outputs} * row;
  const T* const weight = map.weight + first * map.inputs;
  Vec<T> sum[Outputs][Tiles];
  for (int o = 0; o < Outputs; ++o)
    for (int t = 0; t < Tiles; ++t) {
      sum[o][t] = map.bias != nullptr ? splat<T>(map.bias[first + o]) : Vec<T>{};
      if (base != nullptr) sum[o][t] += load<T>(base + t * out_tile + (first + o) * row);
    }
  for (int i = 0; i < map.inputs; ++i) {
    Vec<T> x[Tiles];
    for (int t = 0; t < Tiles; ++t) x[t] = load<T>(in + t * in_tile + i * row);
    for (int o = 0; o < Outputs; ++o)
      for (int t = 0; t < Tiles; ++t) sum[o][t] += weight[o * map.inputs + i] * x[t];
  }
  for (int o = 0; o < Outputs; ++o)
    for (int t = 0; t < Tiles; ++t) store<T>(out + t * out_tile + (first + o) * row, sum[o][t]);
}

template <class T, int Tiles>
NOVACULA_INLINE void apply_tiles(const Map<T>& map, const T* base, const T* in, T* out) {
  int o = 0;
  if constexpr (many_registers)
    for (; o + 8 <= map.outputs; o += 8) apply_block<T, 8, Tiles>(map, o, base, in, out);
  for (; o + 4 <= map.outputs; o += 4) apply_block<T, 4, Tiles>(map, o, base, in, out);
  for (; o < map.outputs; o += 2) apply_block<T, 2, Tiles>(map, o, base, in, out);
}

// Twice as many outputs as `Pairs` of some tiles. `weight` holds, for every input, each output's weight eight times.
template <class T, int Pairs, int Tiles>
NOVACULA_INLINE void apply_pairs(const Map<T>& map, const T* weight, const T* bias, int first, const T* base,
                                 const T* in, T* out) {
  constexpr int n = widest;
  const Index in_tile = Index{map.inputs} * row, out_tile = Index{map.outputs} * row;
  Vec<T, n> sum[Pairs][Tiles];
  for (int p = 0; p < Pairs; ++p)
    for (int t = 0; t < Tiles; ++t) {
      const Index at = first * row + p * n;
      if (base == nullptr)
        sum[p][t] = map.bias == nullptr ? Vec<T, n>{} : load<T, n>(bias + at);
      else
        sum[p][t] = load<T, n>(base + t * out_tile + at);
      if (base != nullptr && map.bias != nullptr) sum[p][t] += load<T, n>(bias + at);
    }
  for (int i = 0; i < map.inputs; ++i) {
    Vec<T, n> w[Pairs];
    for (int p = 0; p < Pairs; ++p) w[p] = load<T, n>(weight + (i * map.outputs + first) * row + p * n);
    for (int t = 0; t < Tiles; ++t) {
      const Vec<T, n> x = repeated<T, n>(in + t * in_tile + i * row);
      for (int p = 0; p < Pairs; ++p) sum[p][t] += w[p] * x;
    }
  }
  for (int p = 0; p < Pairs; ++p)
    for (int t = 0; t < Tiles; ++t) store<T, n>(out + t * out_tile + first * row + p * n, sum[p][t]);
}

// A map with its weights as the inner loop reads them, to be made once for many tiles. `in` must not overlap `out`.
template <class T>
class Spread {
 public:
  // `tiles` is the number of tiles that it will be applied to, since a few do not repay the spreading. The map has an even
  // number of outputs. One whose weights have no room here is read as it is; no layer has any.
  Spread(const Map<T>& map, Index tiles)
      : map_(map),
        wide_(widest > row && tiles >= 4 && map.outputs <= max_outputs && map.outputs * map.inputs <= max_weights) {
    if (!wide_) return;
    for (int o = 0; o < map.outputs; ++o)
      for (int i = 0; i < map.inputs; ++i)
        store<T>(weight_ + (i * map.outputs + o) * row, splat<T>(map.weight[o * map.inputs + i]));
    if (map.bias == nullptr) return;
    for (int o = 0; o < map.outputs; ++o) store<T>(bias_ + o * row, splat<T>(map.bias[o]));
  }

  // `base` may be null, or `out` itself.
  void operator()(const T* base, const T* in, T* out, Index tiles) const {
    with_sizes(map_.outputs, map_.inputs, [&](int outputs, int inputs) NOVACULA_LAMBDA_INLINE {
      const Map<T> map = {map_.weight, outputs, inputs, map_.bias};
      if constexpr (widest > row)
        if (wide_) return wide(map, base, in, out, tiles);
      narrow(map, base, in, out, tiles);
    });
  }

 private:
  static NOVACULA_INLINE void narrow(const Map<T>& map, const T* base, const T* in, T* out, Index tiles) {
    const Index in_tile = map.inputs * row, out_tile = map.outputs * row;
    Index t = 0;
    for (; t + 2 <= tiles; t += 2)
      apply_tiles<T, 2>(map, base == nullptr ? base : base + t * out_tile, in + t * in_tile, out + t * out_tile);
    if (t < tiles)
      apply_tiles<T, 1>(map, base == nullptr ? base : base + t * out_tile, in + t * in_tile, out + t * out_tile);
  }

  NOVACULA_INLINE void wide(const Map<T>& map, const T* base, const T* in, T* out, Index tiles) const {
    int o = 0;
    for (; o + 8 <= map.outputs; o += 8) pairs<4, 4>(map, o, base, in, out, tiles);
    if (o + 4 <= map.outputs) pairs<2, 8>(map, o, base, in, out, tiles), o += 4;
    if (o + 2 <= map.outputs) pairs<1, 8>(map, o, base, in, out, tiles);
  }

  template <int Pairs, int Most>
  NOVACULA_INLINE void pairs(const Map<T>& map, int o, const T* base, const T* in, T* out, Index tiles) const {
    const Index in_tile = map.inputs * row, out_tile = map.outputs * row;
    Index t = 0;
    const auto take = [&](auto count) NOVACULA_LAMBDA_INLINE {
      apply_pairs<T, Pairs, count.value>(map, weight_, bias_, o, base == nullptr ? base : base + t * out_tile,
                                         in + t * in_tile, out + t * out_tile);
      t += count.value;
    };
    while (t + Most <= tiles) take(Count<Most>{});
    if constexpr (Most > 2)
      while (t + 2 <= tiles) take(Count<2>{});
    if (t < tiles) take(Count<1>{});
  }

  template <int N>
  struct Count {
    static constexpr int value = N;
  };

  const Map<T> map_;
  const bool wide_;
  alignas(64) T weight_[widest > row ? max_weights * row : row], bias_[max_outputs * row];
};

// The same for a map that is used once.
template <class T>
void apply(const Map<T>& map, const T* base, const T* in, T* out, Index tiles) {
  Spread<T>(map, tiles)(base, in, out, tiles);
}

// Sums of a weight's gradient, one per lane, until `add_to` adds them up.
template <class T>
struct WeightGradient {
  int outputs, inputs;
  alignas(64) T sum[max_outputs * max_inputs * row];

  WeightGradient(int outputs_, int inputs_) : outputs(outputs_), inputs(inputs_) {
    std::memset(sum, 0, sizeof(T) * outputs * inputs * row);
  }

  // Eight sums at a time; `sum` has room for more than there are.
  void add_to(T* total) const {
    const int count = outputs * inputs;
    for (int i = 0; i < count; i += row) {
      const Vec<T> sums = sums_of_rows<T>(sum + i * row);
      if (i + row <= count)
        store<T>(total + i, load<T>(total + i) + sums);
      else
        for (int j = i; j < count; ++j) total[j] += sums[j - i];
    }
  }
};

// Outputs times vectors of N numbers, each the rows of one input or of two neighbors.
template <class T, int Outputs, int Vectors, int N>
NOVACULA_INLINE void gradient_block(WeightGradient<T>& g, int outputs, int inputs, int o, int i, const T* dout,
                                    const T* in, Index tiles) {
  const Index in_tile = Index{inputs} * row, out_tile = Index{outputs} * row;
  Vec<T, N> sum[Outputs][Vectors] = {};
  dout += o * row;
  in += i * row;
  for (Index t = 0; t < tiles; ++t) {
    Vec<T, N> x[Vectors];
    for (int j = 0; j < Vectors; ++j) x[j] = load<T, N>(in + t * in_tile + j * N);
    for (int k = 0; k < Outputs; ++k) {
      const Vec<T, N> d = repeated<T, N>(dout + t * out_tile + k * row);
      for (int j = 0; j < Vectors; ++j) sum[k][j] += d * x[j];
    }
  }
  for (int k = 0; k < Outputs; ++k)
    for (int j = 0; j < Vectors; ++j) {
      T* const at = g.sum + (Index{o + k} * inputs + i) * row + j * N;
      store<T, N>(at, load<T, N>(at) + sum[k][j]);
    }
}

template <class T, int Outputs>
NOVACULA_INLINE void gradient_rows(WeightGradient<T>& g, int outputs, int inputs, int o, const T* dout, const T* in,
                                   Index tiles) {
  constexpr int side = widest / row;
  int i = 0;
  if constexpr (many_registers)
    for (; i + 4 * side <= inputs; i += 4 * side)
      gradient_block<T, Outputs, 4, widest>(g, outputs, inputs, o, i, dout, in, tiles);
  for (; i + 2 * side <= inputs; i += 2 * side)
    gradient_block<T, Outputs, 2, widest>(g, outputs, inputs, o, i, dout, in, tiles);
  if constexpr (side > 1)
    if (i < inputs) gradient_block<T, Outputs, 1, widest>(g, outputs, inputs, o, i, dout, in, tiles);
}

// Inputs and outputs are even in number. Best called for a chunk of tiles at a time.
template <class T>
void gradient(WeightGradient<T>& g, const T* dout, const T* in, Index tiles) {
  with_sizes(g.outputs, g.inputs, [&](int outputs, int inputs) NOVACULA_LAMBDA_INLINE {
    int o = 0;
    for (; o + 4 <= outputs; o += 4) gradient_rows<T, 4>(g, outputs, inputs, o, dout, in, tiles);
    for (; o < outputs; o += 2) gradient_rows<T, 2>(g, outputs, inputs, o, dout, in, tiles);
  });
}

// Adds the sum of each channel over tiles and lanes.
template <class T>
void add_channel_sums(const T* values, int channels, Index tiles, double* sums) {
  for_chunks(tiles, [&](Index first, Index count) {
    const T* const from = values + first * channels * row;
    int k = 0;
    for (; k + row <= channels; k += row) {
      Vec<T> sum[row] = {};
      for (Index t = 0; t < count; ++t)
        for (int j = 0; j < row; ++j) sum[j] += load<T>(from + (t * channels + k + j) * row);
      const Vec<T> total = lane_sums<T>(sum);
      for (int j = 0; j < row; ++j) sums[k + j] += total[j];
    }
    for (; k < channels; ++k) {
      Vec<T> sum = {};
      for (Index t = 0; t < count; ++t) sum += load<T>(from + (t * channels + k) * row);
      sums[k] += sum_of_lanes<T>(sum);
    }
  });
}

// out[j][i] = in[i][j].
template <class T>
void transpose_weights(const T* in, int rows, int columns, T* out) {
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j) out[j * rows + i] = in[i * columns + j];
}

}  // namespace novacula::NOVACULA_SET::arc
