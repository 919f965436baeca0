// One register of numbers, in the compiler's own vector types.
//
// Compiled once per instruction set, each time into its own namespace; nothing here uses templates or inline functions of
// the standard library, of which the linker would keep one copy for all instruction sets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "layers.hpp"

namespace novacula::NOVACULA_SET::optim {

#define NOVACULA_OPTIM_INLINE inline __attribute__((always_inline))

using Index = std::ptrdiff_t;
using novacula::optim::group_lanes;

template <class T>
constexpr int width = static_cast<int>(NOVACULA_LANES * sizeof(float) / sizeof(T));

template <class T>
struct VectorOf {
  typedef T type __attribute__((vector_size(width<T> * sizeof(T))));
};
template <class T>
using Vec = typename VectorOf<T>::type;

template <class T>
NOVACULA_OPTIM_INLINE Vec<T> load(const T* from) {
  Vec<T> v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

template <class T>
NOVACULA_OPTIM_INLINE void store(T* to, Vec<T> v) {
  std::memcpy(to, &v, sizeof v);
}

// For what is not read again soon: past the caches, which then need not read what is overwritten. `to` is aligned.
template <class T>
NOVACULA_OPTIM_INLINE void stream(T* to, Vec<T> v) {
#if defined(__clang__)
  __builtin_nontemporal_store(v, reinterpret_cast<Vec<T>*>(to));
#elif defined(__AVX512F__)
  if constexpr (sizeof(T) == sizeof(float)) {
    __builtin_ia32_movntps512(reinterpret_cast<float*>(to), v);
  } else {
    __builtin_ia32_movntpd512(reinterpret_cast<double*>(to), v);
  }
#elif defined(__AVX__)
  if constexpr (sizeof(T) == sizeof(float)) {
    __builtin_ia32_movntps256(reinterpret_cast<float*>(to), v);
  } else {
    __builtin_ia32_movntpd256(reinterpret_cast<double*>(to), v);
  }
#else
  store<T>(to, v);
#endif
}

template <class T>
NOVACULA_OPTIM_INLINE Vec<T> gather(const T* from, const std::uint16_t* places) {
  Vec<T> v;
  for (int lane = 0; lane < width<T>; ++lane) v[lane] = from[places[lane]];
  return v;
}

template <class T>
NOVACULA_OPTIM_INLINE Vec<T> square_roots(Vec<T> v) {
  T roots[width<T>];
  store<T>(roots, v);
#pragma omp simd
  for (int lane = 0; lane < width<T>; ++lane) {
    if constexpr (sizeof(T) == sizeof(float)) {
      roots[lane] = __builtin_sqrtf(roots[lane]);
    } else {
      roots[lane] = __builtin_sqrt(roots[lane]);
    }
  }
  return load<T>(roots);
}

}  // namespace novacula::NOVACULA_SET::optim
