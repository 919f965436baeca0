// The two halves of a step of the automatic form, but for the parameters themselves. `novacula.optim.automatic` derives
// them; its torch form is the judge. Numbers are stored as T and computed as double.
#pragma once

#include "learn.hpp"

namespace novacula::NOVACULA_SET::optim {

using novacula::optim::Automatic;
using novacula::optim::Judged;
using novacula::optim::Moment;

NOVACULA_OPTIM_INLINE double at_most(double value, double bound) { return value > bound ? bound : value; }

template <class T>
double dot(const T* a, const T* b, Index n) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (Index i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

template <class T>
void multiply(const Layers<T>& layers, const Automatic<T>& at) {
  layers.side == 4 ? apply<T, 4>(layers, at.v, at.product) : apply<T, 0>(layers, at.v, at.product);
}

// side = F D^½ u^½, v = side m̂ / u, update = (I - F²) D m̂, all from the running means.
template <class T>
void frame(const Automatic<T>& at, const Moment& now) {
  const double bias = __builtin_sqrt(1 - __builtin_pow(at.rules.second_decay, now.step));
  const double size = __builtin_sqrt(dot(at.root, at.root, at.n) / at.n) / bias, unit = size > 0 ? size : 1;
  const double whole = bias * unit, start = (1 - __builtin_pow(now.momentum, now.step)) * unit;
  const double floor = at.rules.floor, epsilon = at.rules.epsilon;
#pragma omp simd
  for (Index i = 0; i < at.n; ++i) {
    const double relative = at.root[i] / whole, share = relative / floor, f = share > 1 ? 1 : share;
    const double d = 1 / (relative + epsilon), mean = at.mean[i] / start;
    const double side = f * __builtin_sqrt(d);
    at.side[i] = static_cast<T>(side);
    at.v[i] = static_cast<T>(side * mean);
    at.update[i] = static_cast<T>(d * (1 - f * f) * mean);
  }
}

// Moves phi and the scale along the gradient of the loss with respect to the last step.
template <class T>
Judged judge(const Layers<T>& layers, const Automatic<T>& at, const Moment& now, MetaStep meta, bool ready) {
  if (!ready) {
    frame(at, now);
    multiply(layers, at);
  }
  for (Index i = 0; i < at.n; ++i) at.left[i] = at.side[i] * at.gradient[i];
  const double size = __builtin_sqrt(dot(at.left, at.left, at.n)), slope = dot(at.left, at.product, at.n);
  const double length = __builtin_sqrt(dot(at.product, at.product, at.n)), one = size > 0 ? size : 1;
  for (Index i = 0; i < at.n; ++i) at.left[i] = static_cast<T>(at.left[i] / one);
  const double c = size > 0 && length > 0 ? slope / size / length : 0;
  const double moved = *at.taken / __builtin_exp(*at.log_scale), share = at_most(c > 0 ? moved : now.factor, 1);
  const double beyond = at_most(c + __builtin_sqrt(*at.spread), 0), over = beyond * beyond;
  const double change = *at.cosine == *at.cosine ? c - *at.cosine : 0;
  *at.spread += (1 - at.rules.second_decay) * share * (change * change / 2 - *at.spread);
  if (share > 0) *at.cosine = c;
  const double boost = at.rules.first_boost * __builtin_exp(-*at.learned / at.rules.boosted_steps);
  *at.log_scale += share * (at.rules.scale_rate * (1 + boost) * c - at.rules.overshoot_rate * over);
  *at.learned += share;
  if (over > 0) {
    const double kept = 1 - at.rules.forgetting * over;
    for (Index i = 0; i < at.n; ++i) at.mean[i] = static_cast<T>(kept > 0 ? at.mean[i] * kept : 0);
  }
  meta.weight = length > at.rules.shortest ? at.n / length : 0;
  meta.rate *= share;
  const double left_v = dot(at.left, at.v, at.n), left_square = dot(at.left, at.left, at.n), v_square = dot(at.v, at.v, at.n);
  return {layers.side == 4 ? learn<T, 4>(layers, at.left, meta) : learn<T, 0>(layers, at.left, meta), slope, left_v,
          left_square, v_square};
}

// Adds the gradient to the running means; the update before it is scaled, and its scale for the factor 1.
template <class T>
double move(const Layers<T>& layers, const Automatic<T>& at, const Moment& now) {
  const double steps = now.step - 1, newest = at_most(at.rules.averaged / (steps > 1 ? steps : 1), 1);
  const double lengths = __builtin_sqrt(dot(at.gradient, at.gradient, at.n)) * __builtin_sqrt(dot(at.lag, at.lag, at.n));
  *at.toward += newest * ((lengths > 0 ? dot(at.gradient, at.lag, at.n) / lengths : 0) - *at.toward);
  const double decay = at.rules.second_decay, old = __builtin_sqrt(decay), fresh = __builtin_sqrt(1 - decay);
#pragma omp simd
  for (Index i = 0; i < at.n; ++i) {
    const double gradient = at.gradient[i], a = old * at.root[i], b = fresh * __builtin_fabs(gradient);
    const double most = a > b ? a : b, least = a > b ? b : a, ratio = most > 0 ? least / most : 0;
    at.mean[i] = static_cast<T>(now.momentum * at.mean[i] + (1 - now.momentum) * gradient);
    at.root[i] = static_cast<T>(most * __builtin_sqrt(1 + ratio * ratio));
  }
  frame(at, now);
  multiply(layers, at);
#pragma omp simd
  for (Index i = 0; i < at.n; ++i) at.update[i] += at.side[i] * at.product[i];
  const double scale = __builtin_exp(*at.log_scale), size = scale * __builtin_sqrt(dot(at.product, at.product, at.n));
  const double usual = steps > 0 ? __builtin_sqrt(*at.step_square / (1 - __builtin_pow(decay, steps))) : 0;
  const double part = usual > 0 && size > 0 ? at_most(at.rules.trust * usual / size, 1) : 1;
  *at.step_square += (1 - decay) * (size * part * size * part - *at.step_square);
  return scale * part;
}

// Whether all numbers of the gradient are finite: any other times 0 is not a number.
template <class T>
bool finite(const Automatic<T>& at) {
  T sum = 0;
#pragma omp simd reduction(+ : sum)
  for (Index i = 0; i < at.n; ++i) sum += at.gradient[i] * 0;
  return sum == 0;
}

// Scales the update to the step, and moves the mean of the iterates.
template <class T>
void settle(const Automatic<T>& at, double step, double rate) {
  const T scale = static_cast<T>(rate), kept = static_cast<T>(1 - at_most(at.rules.averaged / step, 1));
#pragma omp simd
  for (Index i = 0; i < at.n; ++i) {
    at.whole[i] = scale * at.update[i];
    at.lag[i] = kept * (at.lag[i] - at.whole[i]);
  }
  *at.taken = rate;
}

}  // namespace novacula::NOVACULA_SET::optim
