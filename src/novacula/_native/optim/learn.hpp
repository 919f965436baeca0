// The meta-gradient and the update of phi, fused into the way back of `left`.
//
// With A, B what a layer met when v was multiplied, forward and back, and C, D the same for left,
//
//   d<left, T v>/dW = C' B + A' D        for each block,
//
// because <H left, H v> is symmetric in both and the adjoint of H v is H left. C is left by a pass forward; D is what
// enters the layer on the way back, so when the way back comes to a layer everything is there: its gradient is formed in
// registers, the moments and the weights are updated, and the way goes on with the weights as they were before. phi and
// its moments are read and written once.
//
//   h = -weight (C' B + A' D);  M = b1 M + (1 - b1) h;  V = b2 V + (1 - b2) h h;  W -= rate M / (sqrt(V) + epsilon)
#pragma once

#include "product.hpp"

namespace novacula::NOVACULA_SET::optim {

using novacula::optim::MetaStep;

// The step in the scalar type.
template <class T>
struct Constants {
  T weight, rate, keep_first, take_first, keep_second, take_second, epsilon;

  explicit Constants(const MetaStep& step)
      : weight(static_cast<T>(-step.weight)),
        rate(static_cast<T>(step.rate)),
        keep_first(static_cast<T>(step.keep_first)),
        take_first(static_cast<T>(1 - step.keep_first)),
        keep_second(static_cast<T>(step.keep_second)),
        take_second(static_cast<T>(1 - step.keep_second)),
        epsilon(static_cast<T>(step.epsilon)) {}
};

// Where one layer reads and writes.
template <class T>
struct LearningLayer {
  T *phi, *first, *second;
  const T *a, *b, *c;
  const std::uint16_t* get;
  const T* q;
  T* o;
  const std::int32_t* own;
};

template <class T, int Side, bool Adam>
double learn_layer(LearningLayer<T> at, const Constants<T>& k, Index groups, Index any,
                   Index window) {
  const Index side = side_of<Side>(any), tile = side * group_lanes;
  double squares = 0;
  for (Index group = 0; group < groups; ++group) {
    const T* const from = at.get == nullptr ? at.q + group * tile : window_of(at.q, group * tile, window);
    T made[room<Side> * group_lanes];
    T* const out = at.own == nullptr ? at.o + group * tile : made;
    Vec<T> norm = {};
    for (Index lane = 0; lane < group_lanes; lane += width<T>) {
      Vec<T> d[room<Side>], b[room<Side>];
      for (Index j = 0; j < side; ++j) {
        const Index place = j * group_lanes + lane;
        d[j] = at.get == nullptr ? load<T>(from + place) : gather<T>(from, at.get + group * tile + place);
        b[j] = load<T>(at.b + place);
      }
      for (Index i = 0; i < side; ++i) {
        const Vec<T> a = k.weight * load<T>(at.a + i * group_lanes + lane);
        const Vec<T> c = k.weight * load<T>(at.c + i * group_lanes + lane);
        Vec<T> sum = {};
        for (Index j = 0; j < side; ++j) {
          const Index place = i * tile + j * group_lanes + lane;
          const Vec<T> w = load<T>(at.phi + place), h = c * b[j] + a * d[j];
          sum += d[j] * w;
          norm += h * h;
          if constexpr (Adam) {
            const Vec<T> m = k.keep_first * load<T>(at.first + place) + k.take_first * h;
            const Vec<T> v = k.keep_second * load<T>(at.second + place) + k.take_second * h * h;
            store<T>(at.first + place, m);
            store<T>(at.second + place, v);
            store<T>(at.phi + place, w - k.rate * m / (square_roots<T>(v) + k.epsilon));
          } else {
            store<T>(at.phi + place, w - k.rate * h);
          }
        }
        store<T>(out + i * group_lanes + lane, sum);
      }
    }
    if (at.own != nullptr) put<T>(made, at.o, at.own + group * tile, tile);
    for (int lane = 0; lane < width<T>; ++lane) squares += norm[lane];
    at.phi += tile * side;
    if constexpr (Adam) {
      at.first += tile * side;
      at.second += tile * side;
    }
    at.a += tile;
    at.b += tile;
    at.c += tile;
  }
  return squares;
}

template <class T, int Side>
double learn(const Layers<T>& layers, const T* left, const MetaStep& step) {
  const Index places = layers.groups * layers.side * group_lanes, weights = places * layers.side;
  const Constants<T> constants(step);
  const bool adam = layers.first != nullptr;
  T* o;
  T* q = through<T, Side>(layers, left, layers.met_learning, o);
  const std::uint16_t* get = nullptr;
  double squares = 0;
  for (Index i = layers.depth - 1; i >= 0; --i) {
    const Route own = of_layer(layers.backward, i * layers.stride);
    const LearningLayer<T> at = {layers.phi + i * weights,
                                 adam ? layers.first + i * weights : nullptr,
                                 adam ? layers.second + i * weights : nullptr,
                                 layers.met_forward + i * places,
                                 layers.met_back + i * places,
                                 layers.met_learning + i * places,
                                 get,
                                 q,
                                 o,
                                 own.put};
    squares += adam ? learn_layer<T, Side, true>(at, constants, layers.groups, layers.side, layers.window)
                    : learn_layer<T, Side, false>(at, constants, layers.groups, layers.side, layers.window);
    get = own.get;
    exchange(q, o);
  }
  return squares;
}

}  // namespace novacula::NOVACULA_SET::optim
