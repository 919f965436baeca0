// Linear maps between the channels of tiles, and the gradients of their weights.
//
// A tile is `channels` rows of 8 numbers; tiles follow each other without gaps. Every map acts on all lanes alike:
//
//   apply       out[o] = base[o] + bias[o] + sum_i w[o][i] in[i]
//   gradient    dw[o][i] += sum over tiles and lanes of dout[o] in[i]
//
// Both keep eight vectors of sums in registers: enough to hide the latency of a multiply-add on every machine we build
// for, and few enough for 16 registers. With 32 registers a gradient keeps 16, and loads less for each.
#pragma once

#include "vector.hpp"

namespace novacula::NOVACULA_SET::arc {

// Tiles handled together, so that what a layer computes in between stays in the first-level cache.
constexpr int chunk = 16;
constexpr int max_channels = 64;
constexpr int max_outputs = 32, max_inputs = 32;  // of one map

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

template <class T, int Outputs, int Tiles>
NOVACULA_INLINE void apply_block(const Map<T>& map, int first, const T* base, const T* in, T* out) {
  const Index in_tile = Index{map.inputs} * row, out_tile = Index{map.outputs} * row;
  const T* const weight = map.weight + first * map.inputs;
  Vec<T> sum[Outputs][Tiles];
  for (int o = 0; o < Outputs; ++o) {
    const Vec<T> start = map.bias != nullptr ? splat<T>(map.bias[first + o]) : Vec<T>{};
    for (int t = 0; t < Tiles; ++t)
      sum[o][t] = base != nullptr ? load<T>(base + t * out_tile + (first + o) * row) + start : start;
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
  for (; o + 4 <= map.outputs; o += 4) apply_block<T, 4, Tiles>(map, o, base, in, out);
  for (; o < map.outputs; o += 2) apply_block<T, 2, Tiles>(map, o, base, in, out);
}

// `base` may be null, or `out` itself; `in` must not overlap `out`. The number of outputs is even.
template <class T>
void apply(const Map<T>& map, const T* base, const T* in, T* out, Index tiles) {
  for (; tiles >= 2; tiles -= 2) {
    apply_tiles<T, 2>(map, base, in, out);
    in += 2 * map.inputs * row;
    out += 2 * map.outputs * row;
    if (base != nullptr) base += 2 * map.outputs * row;
  }
  if (tiles > 0) apply_tiles<T, 1>(map, base, in, out);
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

template <class T, int Outputs, int Inputs>
NOVACULA_INLINE void gradient_block(WeightGradient<T>& g, int o, int i, const T* dout, const T* in, Index tiles) {
  const Index in_tile = Index{g.inputs} * row, out_tile = Index{g.outputs} * row;
  Vec<T> sum[Outputs][Inputs] = {};
  dout += o * row;
  in += i * row;
  for (Index t = 0; t < tiles; ++t) {
    Vec<T> x[Inputs];
    for (int j = 0; j < Inputs; ++j) x[j] = load<T>(in + t * in_tile + j * row);
    for (int k = 0; k < Outputs; ++k) {
      const Vec<T> d = load<T>(dout + t * out_tile + k * row);
      for (int j = 0; j < Inputs; ++j) sum[k][j] += d * x[j];
    }
  }
  for (int k = 0; k < Outputs; ++k)
    for (int j = 0; j < Inputs; ++j) {
      T* const at = g.sum + Index{(o + k) * g.inputs + i + j} * row;
      store<T>(at, load<T>(at) + sum[k][j]);
    }
}

// Inputs and outputs are even in number. Best called for a chunk of tiles at a time.
template <class T>
void gradient(WeightGradient<T>& g, const T* dout, const T* in, Index tiles) {
  int o = 0;
  for (; o + 4 <= g.outputs; o += 4) {
    int i = 0;
    if constexpr (many_registers)
      for (; i + 4 <= g.inputs; i += 4) gradient_block<T, 4, 4>(g, o, i, dout, in, tiles);
    for (; i < g.inputs; i += 2) gradient_block<T, 4, 2>(g, o, i, dout, in, tiles);
  }
  for (; o < g.outputs; o += 2)
    for (int i = 0; i < g.inputs; i += 2) gradient_block<T, 2, 2>(g, o, i, dout, in, tiles);
}

// Adds the sum of each channel over tiles and lanes.
template <class T>
void add_channel_sums(const T* values, int channels, Index tiles, double* sums) {
  for (Index first = 0; first < tiles; first += chunk) {
    const Index last = first + chunk < tiles ? first + chunk : tiles;
    for (int k = 0; k < channels; ++k) {
      Vec<T> sum = {};
      for (Index t = first; t < last; ++t) sum += load<T>(values + (t * channels + k) * row);
      sums[k] += sum_of_lanes<T>(sum);
    }
  }
}

// out[j][i] = in[i][j] * (scale ? scale[i] : 1).
template <class T>
void transpose_weights(const T* in, int rows, int columns, T* out) {
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j) out[j * rows + i] = in[i * columns + j];
}

}  // namespace novacula::NOVACULA_SET::arc
