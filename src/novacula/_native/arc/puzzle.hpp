// What the native engine must know of a puzzle and of where its parameters lie, as plain arrays.
#pragma once

#include <cstddef>
#include <cstdint>

namespace novacula::arc {

constexpr int subsets = 18;
constexpr int blocks = 4;
constexpr int latent_channels = 4;
constexpr int max_groups = 15;

// Which weight of a subset; the offsets of a block's weights are indexed by these.
enum Weight {
  share_up_down,
  share_up_up,
  softmax_down,
  softmax_up,
  cummax_down,
  cummax_up,
  shift_down,
  shift_up,
  direction_maps,
  nonlinear_down,
  nonlinear_up,
  share_down_down,
  share_down_up,
  weights_of_block
};

// Offsets into the flat parameter vector; -1 where the network has no such weight.
struct Offsets {
  std::int64_t decode_weight[subsets], decode_bias[subsets];
  std::int64_t block[blocks][weights_of_block][subsets];
  std::int64_t color_weight, color_bias, size_weight, size_bias, target, mean, adjustment;
};

struct Grid {
  std::int32_t example, mode, height, width, size_known;
};

struct Puzzle {
  std::int32_t examples, colors, rows, columns, demonstrations, grid_count, masked_means;
  const std::uint8_t* union_mask;     // [example][row][column]
  const std::uint8_t* target;         // [example][row][column][mode], palette indices
  const std::int32_t* extent;         // [example][2], rows and columns of the larger of input and output
  const Grid* grids;                  // those that enter the loss
  const std::int32_t* direction_class;  // [subset][receiver][sender]
  const double* direction_strength;   // [sender - receiver modulo 8]
  const std::int32_t* softmax_owner;  // [subset][group], the pair of columns of `up` that a group uses
  const Offsets* offsets;
  std::int64_t parameters;            // length of the flat vector
};

// What a step tells besides changing the parameters.
template <class T>
struct Report {
  double* kl;              // [subset]
  double* reconstruction;  // one number
  T* color;                // [test][color][row][column]
  T* row;                  // [test][row]
  T* column;               // [test][column]
};

// How a step is taken: Adam's rate, and the weight of the KL in what is minimized.
struct Pace {
  double rate, price;
};

// The engine of one puzzle in one scalar type, made by one instruction set. `create` builds it in `arena`, which holds
// `bytes` zeros, starts at a multiple of 64 and is all the memory that the engine ever uses; null asks for the size.
template <class T>
struct EngineTable {
  void* (*create)(const Puzzle& puzzle, void* arena, std::size_t* bytes);
  // Flat vectors in the shared layout.
  void (*load)(void* engine, const T* parameters, const T* first, const T* second);
  void (*state)(const void* engine, T* parameters, T* first, T* second);
  // One training step: noise of (seed, step), forward, backward, update.
  void (*step)(void* engine, std::uint64_t seed, std::int64_t step, const Pace& pace,
               const Report<T>& report);
  // Forward and backward only, at the price 1, with the given noise, [channel][position]; writes the gradient.
  void (*gradients)(void* engine, const T* noise, std::int64_t step, const Report<T>& report, T* gradient);
  // Forward only, without noise: the latents at their posterior means. Tells all but the reconstruction error.
  void (*decode)(void* engine, const Report<T>& report);
  // The residual stream of one subset after a stage of a block, [channel][position]; false where there is none.
  bool (*stream)(const void* engine, int block, int stage, int subset, T* out);
};

}  // namespace novacula::arc
