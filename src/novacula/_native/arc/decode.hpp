// Sampling the latents, what they cost, and the map into the residual stream.
//
// With a0 = 10^4, a1 = 1/2, and N the number of latent numbers of a tensor, for each channel
//   tau = 10 t,  gain G = 1 - exp(-2 (a0 e^tau + a1) / N),
// and for each number, with mean m, adjustment l and noise e,
//   nats k = (a0 exp(tau + l - mean(l)) + a1) / N,  power P = 1 - exp(-2 k) (exactly 1 if 2 k > 20),
//   y = norm(m),  z = G (sqrt(P) y + exp(-k) e),  KL = (P (y^2 - 1)) / 2 + k,  v = W z + b.
//
// Backward. Let g be the gradient with respect to v, dz = W^T g; dW and db are sums as in every map. Then
//   dy = dz G sqrt(P) + P y,
//   dP = (y^2 - 1) / 2 + dz G y / (2 sqrt(P)),
//   dk = 1 - dz G exp(-k) e + dP 2 (1 - P)         (the last term only if P is not saturated),
//   q = dk (k - a1 / N)                            (the gradient with respect to the exponent tau + l - mean(l)),
//   dl = q - mean(q),  dm from dy as in every normalization,
//   dG = sum of dz (sqrt(P) y + exp(-k) e),
//   dt = 10 (sum of q + dG (2 / N) (1 - G) a0 e^tau).
#pragma once

#include "functions.hpp"
#include "maps.hpp"
#include "normalize.hpp"

namespace novacula::NOVACULA_SET::arc {

constexpr double initial_capacity = 1e4, minimal_capacity = 0.5, target_speed = 10, saturation = 20;

// What a channel's numbers have in common.
template <class T>
struct LatentChannel {
  T offset;  // tau - mean(l)
  T gain, mean, scale;
};

template <class T>
struct Latents {
  const T *target, *mean, *adjustment, *noise;  // target: one number per channel, `target_stride` apart
  Index target_stride;
};

template <class T>
void latent_channels_of(const Shape& s, const Latents<T>& latents, LatentChannel<T>* channels) {
  const double n = static_cast<double>(s.positions()), size = n * latent_channels;
  const Norm<T> norm = norm_of(s, latents.mean, latent_channels);
  double adjustment[latent_channels] = {};
  add_channel_sums(latents.adjustment, latent_channels, s.tiles, adjustment);
  for (int k = 0; k < latent_channels; ++k) {
    const double tau = target_speed * latents.target[k * latents.target_stride];
    const double capacity = initial_capacity * __builtin_exp(tau) + minimal_capacity;
    channels[k] = {static_cast<T>(tau - adjustment[k] / n), static_cast<T>(-__builtin_expm1(-2 * capacity / size)),
                   norm.mean[k], norm.scale[k]};
  }
}

// Eight numbers of one channel.
template <class T>
struct LatentRow {
  Vec<T> nats, power, signal, deviation, standard;  // k, P, sqrt(P), exp(-k), y

  NOVACULA_INLINE LatentRow(const LatentChannel<T>& c, const T* mean, const T* adjustment, T per_size) {
    nats = (exponential<T>(load<T>(adjustment) + c.offset) * T(initial_capacity) + T(minimal_capacity)) * per_size;
    const Vec<T> less_one = exponential_less_one<T>(-nats);
    deviation = less_one + T(1);
    power = nats * T(2) > splat(T(saturation)) ? splat(T(1)) : -less_one * (less_one + T(2));
    signal = square_roots<T>(power);
    standard = (load<T>(mean) - c.mean) * c.scale;
  }
};

// Writes z of `tiles` tiles; returns their KL.
template <class T>
double sample(const LatentChannel<T>* channels, const Latents<T>& latents, Index first, Index tiles, int padding,
              T per_size, T* z) {
  Vec<T> kl = {};
  for (Index t = 0; t < tiles; ++t)
    for (int k = 0; k < latent_channels; ++k) {
      const Index at = ((first + t) * latent_channels + k) * row;
      const LatentRow<T> x(channels[k], latents.mean + at, latents.adjustment + at, per_size);
      const Vec<T> value =
          (x.signal * x.standard + x.deviation * load<T>(latents.noise + at)) * channels[k].gain;
      store<T>(z + (t * latent_channels + k) * row, value);
      Vec<T> price = x.power * (x.standard * x.standard - T(1)) * T(0.5) + x.nats;
      if (t == tiles - 1)
        for (int lane = row - padding; lane < row; ++lane) price[lane] = 0;
      kl += price;
    }
  return sum_of_lanes<T>(kl);
}

// Returns the tensor's KL and writes its residual stream.
template <class T>
double decode(const Shape& s, const T* weight, const T* bias, const Latents<T>& latents, T* v) {
  LatentChannel<T> channels[latent_channels];
  latent_channels_of(s, latents, channels);
  const T per_size = static_cast<T>(1.0 / (static_cast<double>(s.positions()) * latent_channels));
  double kl = 0;
  const Spread<T> map({weight, s.width, latent_channels, bias}, s.tiles);
  alignas(64) T z[chunk * latent_channels * row];
  for (Index t = 0; t < s.tiles; t += chunk) {
    const Index tiles = s.tiles - t < chunk ? s.tiles - t : chunk;
    kl += sample(channels, latents, t, tiles, t + tiles == s.tiles ? s.padding : 0, per_size, z);
    map(nullptr, z, v + t * s.width * row, tiles);
  }
  return kl;
}

// Where the gradients go. Those of the latents are written, the others added to.
template <class T>
struct LatentGradients {
  T *weight, *bias, *target, *mean, *adjustment;
};

// Sums over a channel's numbers, in the names above.
struct LatentSums {
  double q[latent_channels] = {}, gain[latent_channels] = {};
};

// From dz to dy and q of the same tiles, left in the gradients of m and l; writes their z once more.
template <class T>
void sample_backward(const LatentChannel<T>* channels, const Latents<T>& latents, Index first, Index tiles,
                     int padding, T per_size, T price, const T* dz, T* z, LatentGradients<T>& d,
                     LatentSums& sums) {
  const T floor = static_cast<T>(minimal_capacity) * per_size;
  for (int k = 0; k < latent_channels; ++k) {
    Vec<T> q_sum = {}, gain_sum = {};
    const T gain = channels[k].gain;
    for (Index t = 0; t < tiles; ++t) {
      const Index at = ((first + t) * latent_channels + k) * row;
      const LatentRow<T> x(channels[k], latents.mean + at, latents.adjustment + at, per_size);
      const Vec<T> dvalue = load<T>(dz + (t * latent_channels + k) * row), y = x.standard;
      const Vec<T> noise = x.deviation * load<T>(latents.noise + at), dscaled = dvalue * gain;
      Vec<T> dy = dscaled * x.signal + price * x.power * y;
      const Vec<T> dpower = (y * y - T(1)) * (price * T(0.5)) + dscaled * y / (x.signal * T(2));
      const Vec<T> saturated = x.power < splat(T(1)) ? dpower * (x.deviation * x.deviation) * T(2) : Vec<T>{};
      Vec<T> q = (price - dscaled * noise + saturated) * (x.nats - floor);
      if (t == tiles - 1)
        for (int lane = row - padding; lane < row; ++lane) dy[lane] = q[lane] = 0;
      q_sum += q;
      const Vec<T> value = x.signal * y + noise;
      gain_sum += dvalue * value;
      store<T>(z + (t * latent_channels + k) * row, value * gain);
      store<T>(d.mean + at, dy);
      store<T>(d.adjustment + at, q);
    }
    sums.q[k] += sum_of_lanes<T>(q_sum);
    sums.gain[k] += sum_of_lanes<T>(gain_sum);
  }
}

// `g`: the gradient with respect to the residual stream, zero in its padding. `price`: the weight of the KL.
template <class T>
void decode_backward(const Shape& s, const T* weight, const Latents<T>& latents, const T* g, T price,
                     LatentGradients<T> d, T* standard) {
  LatentChannel<T> channels[latent_channels];
  latent_channels_of(s, latents, channels);
  const double n = static_cast<double>(s.positions()), size = n * latent_channels;
  const T per_size = static_cast<T>(1.0 / size);
  T transposed[latent_channels * max_width];
  transpose_weights(weight, s.width, latent_channels, transposed);
  const Spread<T> back({transposed, latent_channels, s.width}, s.tiles);
  WeightGradient<T> dweight(s.width, latent_channels);
  double dbias[max_width] = {};
  LatentSums sums;
  alignas(64) T z[chunk * latent_channels * row], dz[chunk * latent_channels * row];
  for (Index t = 0; t < s.tiles; t += chunk) {
    const Index tiles = s.tiles - t < chunk ? s.tiles - t : chunk;
    const int padding = t + tiles == s.tiles ? s.padding : 0;
    const T* const here = g + t * s.width * row;
    back(nullptr, here, dz, tiles);
    sample_backward(channels, latents, t, tiles, padding, per_size, price, dz, z, d, sums);
    gradient(dweight, here, z, tiles);
    add_channel_sums(here, s.width, tiles, dbias);
  }
  dweight.add_to(d.weight);
  for (int j = 0; j < s.width; ++j) d.bias[j] += static_cast<T>(dbias[j]);

  Norm<T> norm;
  for (int k = 0; k < latent_channels; ++k) {
    const double tau = target_speed * latents.target[k * latents.target_stride], gain = channels[k].gain;
    const double dgain = sums.gain[k] * (2 / size) * (1 - gain) * initial_capacity * __builtin_exp(tau);
    d.target[k * latents.target_stride] += static_cast<T>(target_speed * (sums.q[k] + dgain));
    norm.mean[k] = channels[k].mean;
    norm.scale[k] = channels[k].scale;
  }
  std::memcpy(standard, latents.mean, sizeof(T) * s.size(latent_channels));
  normalize(s, standard, latent_channels, norm);
  normalize_backward(s, standard, latent_channels, norm, d.mean);
  T mean[latent_channels];
  for (int k = 0; k < latent_channels; ++k) mean[k] = static_cast<T>(sums.q[k] / n);
  for (Index t = 0; t < s.tiles; ++t)
    for (int k = 0; k < latent_channels; ++k) {
      T* const at = d.adjustment + (t * latent_channels + k) * row;
      store<T>(at, load<T>(at) - mean[k]);
    }
  if (s.padding > 0) clear_padding(s, latent_channels, d.adjustment);
}

}  // namespace novacula::NOVACULA_SET::arc
