// Layers of blocks between permutations, in the layout of novacula/optim/structures/blocks.py:
//
//   vectors  [group, scalar of the block, lane]          16 blocks to a group
//   phi      [layer, group, row, column, lane]
//
// so that the same operation serves 16 blocks at once and no lane ever meets another; the permutations between layers,
// which are arbitrary anyhow, are given as places of this layout.
#pragma once

#include <cstddef>
#include <cstdint>

namespace novacula::optim {

constexpr int group_lanes = 16;
constexpr int largest_side = 16;

// A permutation in two moves, because reads at random places of a long vector wait for memory: who writes the vector puts
// a number into the window of its reader, next after the last one for that window; the reader finds it there, near. A
// window holds a whole number of groups.
struct Route {
  // Where a place is written; null where one window holds the vector, which is then written as it comes.
  const std::int32_t* put;
  // Where a place is read, from the start of its window.
  const std::uint16_t* get;
};

// Everything is owned by others; a vector of the layout has groups * side * 16 numbers.
template <class T>
struct Layers {
  std::ptrdiff_t n, depth, groups, side;
  // The permutation before a layer on the way forward, and the one after it on the way back; `stride` is from the tables
  // of one layer to those of the next, 0 where all share them.
  Route forward, backward;
  std::ptrdiff_t window, stride;
  // phi and its moments, which may be null.
  T *phi, *first, *second;
  // What the layers met when the last product was made, forward and back, and when learning, forward: [depth, places].
  T *met_forward, *met_back, *met_learning;
  // Room for a vector each.
  T *here, *there;
};

// One update of phi: Adam in the folded form, or, where there are no moments, gradient descent.
struct MetaStep {
  double weight, rate, keep_first, keep_second, epsilon;
};

// The constants of `novacula.optim.automatic`, by its names.
struct Rules {
  double scale_rate, first_boost, boosted_steps, overshoot_rate, forgetting, second_decay, epsilon, trust, averaged,
      shortest, floor;
};

// Everything is owned by others: vectors of n numbers, and single ones of the state.
template <class T>
struct Automatic {
  std::ptrdiff_t n;
  Rules rules;
  // The running means of the state; how far the iterate is from the mean of iterates.
  T *mean, *root, *lag;
  // The new gradient; F D^½; what T multiplies; what `learn` learns from; T v; the step before and
  // after it is scaled.
  T *gradient, *side, *v, *left, *product, *update, *whole;
  double *taken, *log_scale, *step_square, *learned, *cosine, *spread, *toward;
};

// Number of steps, decay of the mean of gradients, and the scheduler's factor of the last step.
struct Moment {
  double step, momentum, factor;
};

// ‖h‖² of the update, <left, T v> with the length of the gradient, and products of the unit vector `left` and v.
struct Judged {
  double meta_square, slope, left_v, left_square, v_square;
};

template <class T>
struct LayersTable {
  // out = T(phi) v; what the layers met is kept.
  void (*apply)(const Layers<T>& layers, const T* v, T* out);
  // Moves phi along -weight d<left, T(phi) v>/dphi, v being that of the last product; the squared norm of it.
  double (*learn)(const Layers<T>& layers, const T* left, const MetaStep& step);
  // The halves of a step of the automatic form; unless `ready`, the last product is made again first.
  Judged (*judge)(const Layers<T>& layers, const Automatic<T>& at, const Moment& now, MetaStep step, bool ready);
  double (*move)(const Layers<T>& layers, const Automatic<T>& at, const Moment& now);
  bool (*finite)(const Automatic<T>& at);
  void (*settle)(const Automatic<T>& at, double step, double rate);
};

}  // namespace novacula::optim
