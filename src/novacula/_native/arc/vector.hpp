// Vectors of 8 numbers in the compiler's own vector types, which it splits where registers are narrower; and of 16 for
// sums of products where registers are that wide.
//
// Compiled once per instruction set, each time into its own namespace. Nothing here or in the files that build on it
// uses templates or inline functions of the standard library: the linker would keep one copy of them for all
// instruction sets, possibly one that the running machine cannot execute.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#ifdef __AVX512F__
#include <immintrin.h>
#endif

#define NOVACULA_INLINE inline __attribute__((always_inline))
#define NOVACULA_LAMBDA_INLINE __attribute__((always_inline))

namespace novacula::NOVACULA_SET::arc {

// Tensors are stored in rows of 8 numbers: the 8 directions of one channel of one cell, or one channel of 8 cells.
constexpr int row = 8;
// 32 vector registers hold 16 sums and what is added to them; 16 registers hold 8. Where there are 32, each also holds
// two rows, which sums of products use: twice as many multiply-adds in the same time.
#if defined(__AVX512VL__) && defined(__AVX512DQ__)
#define NOVACULA_WIDE_REGISTERS
constexpr bool many_registers = true;
constexpr int widest = 2 * row;
#else
constexpr bool many_registers = false;
constexpr int widest = row;
#endif

using Index = std::ptrdiff_t;

template <class T, int N>
struct VectorOf {
  typedef T type __attribute__((vector_size(N * sizeof(T))));
};
template <class T, int N = row>
using Vec = typename VectorOf<T, N>::type;

template <class T, int N = row>
NOVACULA_INLINE Vec<T, N> load(const T* from) {
  Vec<T, N> v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

template <class T, int N = row>
NOVACULA_INLINE void store(T* to, Vec<T, N> v) {
  std::memcpy(to, &v, sizeof v);
}

// x - 0 is x for every x, so this costs one broadcast; x + 0 would not be.
template <class T, int N = row>
NOVACULA_INLINE Vec<T, N> splat(T x) {
  return x - Vec<T, N>{};
}

// A row, or the same row twice.
template <class T, int N>
NOVACULA_INLINE Vec<T, N> repeated(const T* from) {
  if constexpr (N == row) {
    return load<T>(from);
  } else {
#ifdef NOVACULA_WIDE_REGISTERS
    return reinterpret_cast<Vec<T, N>>(_mm512_broadcast_f32x8(_mm256_loadu_ps(from)));
#endif
  }
}

// A row as it is; of a vector of two, their sum.
template <class T, int N>
NOVACULA_INLINE Vec<T> sum_of_both(Vec<T, N> v) {
  if constexpr (N == row) {
    return v;
  } else {
    return __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
           __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
  }
}

// The second where one is not a number. The compiler would make two instructions of each.
template <class V>
NOVACULA_INLINE V larger(V a, V b) {
#ifdef NOVACULA_WIDE_REGISTERS
  if constexpr (sizeof(V) == sizeof(__m512)) return reinterpret_cast<V>(_mm512_max_ps((__m512)a, (__m512)b));
  if constexpr (sizeof(V) == sizeof(__m256)) return reinterpret_cast<V>(_mm256_max_ps((__m256)a, (__m256)b));
#endif
  return a > b ? a : b;
}
template <class V>
NOVACULA_INLINE V smaller(V a, V b) {
#ifdef NOVACULA_WIDE_REGISTERS
  if constexpr (sizeof(V) == sizeof(__m512)) return reinterpret_cast<V>(_mm512_min_ps((__m512)a, (__m512)b));
  if constexpr (sizeof(V) == sizeof(__m256)) return reinterpret_cast<V>(_mm256_min_ps((__m256)a, (__m256)b));
#endif
  return a < b ? a : b;
}

// The sum of the lanes, in every lane.
template <class T>
NOVACULA_INLINE Vec<T> sum_in_lanes(Vec<T> v) {
  v += __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3);
  v += __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5);
  return v + __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6);
}
template <class T>
NOVACULA_INLINE T sum_of_lanes(Vec<T> v) {
  return sum_in_lanes<T>(v)[0];
}

// Rows become columns.
template <class T>
NOVACULA_INLINE void transpose(Vec<T> (&r)[row]) {
  Vec<T> a[row], b[row];
  for (int i = 0; i < row; i += 2) {
    a[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    a[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
  for (int i = 0; i < row; i += 4) {
    for (int j = 0; j < 2; ++j) {
      b[i + 2 * j] = __builtin_shufflevector(a[i + j], a[i + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      b[i + 2 * j + 1] = __builtin_shufflevector(a[i + j], a[i + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  }
  for (int i = 0; i < 4; ++i) {
    r[i] = __builtin_shufflevector(b[i], b[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    r[i + 4] = __builtin_shufflevector(b[i], b[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

// The sum of the lanes of each of eight rows: halves, quarters and eighths of two rows at a time.
template <class T>
NOVACULA_INLINE Vec<T> lane_sums(const Vec<T> (&r)[row]) {
  Vec<T> halves[4], quarters[2];
  for (int i = 0; i < 4; ++i)
    halves[i] = __builtin_shufflevector(r[i], r[i + 4], 0, 1, 2, 3, 8, 9, 10, 11) +
                __builtin_shufflevector(r[i], r[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  for (int i = 0; i < 2; ++i)
    quarters[i] = __builtin_shufflevector(halves[2 * i], halves[2 * i + 1], 0, 1, 8, 9, 4, 5, 12, 13) +
                  __builtin_shufflevector(halves[2 * i], halves[2 * i + 1], 2, 3, 10, 11, 6, 7, 14, 15);
  return __builtin_shufflevector(quarters[0], quarters[1], 0, 2, 8, 10, 4, 6, 12, 14) +
         __builtin_shufflevector(quarters[0], quarters[1], 1, 3, 9, 11, 5, 7, 13, 15);
}

// The sum of each of eight rows.
template <class T>
NOVACULA_INLINE Vec<T> sums_of_rows(const T* rows) {
  Vec<T> r[row];
  for (int i = 0; i < row; ++i) r[i] = load<T>(rows + i * row);
  return lane_sums<T>(r);
}

}  // namespace novacula::NOVACULA_SET::arc
