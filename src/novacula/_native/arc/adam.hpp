// Adam over one flat vector (Kingma and Ba 2015), with the settings of arXiv 2512.06104.
#pragma once

#include "functions.hpp"

namespace novacula::NOVACULA_SET::arc {

constexpr double first_decay = 0.5, second_decay = 0.9, adam_epsilon = 1e-8;

// `learning_rate` is that of this step. `step` counts from 1; `count` is a multiple of 8.
template <class T>
void adam(T* parameters, const T* gradient, T* first, T* second, Index count, std::int64_t step,
          double learning_rate) {
  const double n = static_cast<double>(step);
  const T rate = static_cast<T>(learning_rate / (1 - __builtin_pow(first_decay, n)));
  const T correction = static_cast<T>(1 / __builtin_sqrt(1 - __builtin_pow(second_decay, n)));
  const T keep = static_cast<T>(second_decay), take = static_cast<T>(1 - second_decay);
  for (Index i = 0; i < count; i += row) {
    const Vec<T> g = load<T>(gradient + i), old = load<T>(first + i);
    const Vec<T> m = old + (g - old) * static_cast<T>(1 - first_decay);
    const Vec<T> v = load<T>(second + i) * keep + g * g * take;
    store<T>(first + i, m);
    store<T>(second + i, v);
    const Vec<T> scale = square_roots<T>(v) * correction + static_cast<T>(adam_epsilon);
    store<T>(parameters + i, load<T>(parameters + i) - rate * m / scale);
  }
}

}  // namespace novacula::NOVACULA_SET::arc
