// Standard normals as a pure function of (seed, stream, step, index): Philox4x32-10 and the Box-Muller transform.
//
// Sources: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"; Box and Muller 1958.
//
// Every operation is an integer operation or one that IEEE 754 rounds correctly (+ - * / sqrt), in a fixed order, so
// all instruction sets give the same bits. The logarithm and the circular functions are series on ranges so short that
// the first omitted term is below half a unit in the last place.
//
// Compiled for several instruction sets: no templates or inline functions from the standard library in here, since the
// linker would keep one copy of them, possibly one that the running machine cannot execute.
#include "philox.hpp"

#include <cstring>

namespace novacula::NOVACULA_SET {
namespace {

constexpr int width = NOVACULA_LANES;  // counters handled side by side, one in each lane of a vector register

struct Words {
  std::uint32_t word[4][width];
};

// Ten rounds on the counters (first_block + lane, stream, step, 0).
inline void random_words(std::uint64_t seed, std::uint32_t first_block, std::uint32_t stream, std::uint32_t step,
                         Words& out) {
#pragma omp simd
  for (int lane = 0; lane < width; ++lane) {
    std::uint32_t c0 = first_block + static_cast<std::uint32_t>(lane), c1 = stream, c2 = step, c3 = 0;
    std::uint32_t key0 = static_cast<std::uint32_t>(seed), key1 = static_cast<std::uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
      const std::uint64_t product0 = std::uint64_t{0xD2511F53} * c0;
      const std::uint64_t product1 = std::uint64_t{0xCD9E8D57} * c2;
      c0 = static_cast<std::uint32_t>(product1 >> 32) ^ c1 ^ key0;
      c1 = static_cast<std::uint32_t>(product1);
      c2 = static_cast<std::uint32_t>(product0 >> 32) ^ c3 ^ key1;
      c3 = static_cast<std::uint32_t>(product0);
      key0 += 0x9E3779B9;
      key1 += 0xBB67AE85;
    }
    out.word[0][lane] = c0;
    out.word[1][lane] = c1;
    out.word[2][lane] = c2;
    out.word[3][lane] = c3;
  }
}

inline float bits_to_float(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline std::uint32_t float_to_bits(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

// Natural logarithm of a positive normal number: x = m 2^e with m in [sqrt(1/2), sqrt(2)),
// ln m = 2 artanh(s) with s = (m - 1) / (m + 1), |s| < 0.172. The subtraction m - 1 is exact.
inline float logarithm(float x) {
  constexpr std::uint32_t sqrt_half = 0x3F3504F3, mantissa = 0x007FFFFF;
  const std::uint32_t shifted = float_to_bits(x) + (0x3F800000 - sqrt_half);
  const float exponent = static_cast<float>(static_cast<std::int32_t>(shifted >> 23) - 127);
  const float m = bits_to_float((shifted & mantissa) + sqrt_half);
  const float s = (m - 1.0f) / (m + 1.0f), s2 = s * s;
  const float series = s2 * (1.0f / 3 + s2 * (1.0f / 5 + s2 * (1.0f / 7 + s2 * (1.0f / 9))));
  return exponent * 0.693147182f + (2.0f * s + 2.0f * s * series);
}

// Cosine and sine of 2 pi k 2^-23 for k < 2^23. The nearest quarter turn is taken off in integers, which leaves an
// angle of at most pi / 4 for the series.
inline void circle_point(std::uint32_t k, float& cosine, float& sine) {
  const std::uint32_t quarter = (k + (1u << 20)) >> 21;
  const std::int32_t rest = static_cast<std::int32_t>(k) - static_cast<std::int32_t>(quarter << 21);
  const float a = static_cast<float>(rest) * 7.49014577e-7f;  // 2 pi 2^-23
  const float a2 = a * a;
  const float s = a + a * a2 * (-1.0f / 6 + a2 * (1.0f / 120 + a2 * (-1.0f / 5040 + a2 * (1.0f / 362880))));
  const float c =
      1.0f + a2 * (-0.5f + a2 * (1.0f / 24 + a2 * (-1.0f / 720 + a2 * (1.0f / 40320 + a2 * (-1.0f / 3628800)))));
  // A quarter turn maps (c, s) to (-s, c), so odd quarters exchange the two; the sign bits follow from the quarter.
  const std::uint32_t odd = 0u - (quarter & 1u);
  const std::uint32_t exchange = (float_to_bits(c) ^ float_to_bits(s)) & odd;
  cosine = bits_to_float((float_to_bits(c) ^ exchange) ^ (((quarter + 1u) & 2u) << 30));
  sine = bits_to_float((float_to_bits(s) ^ exchange) ^ ((quarter & 2u) << 30));
}

// Box-Muller: the radius from one word and the angle from the other. Both uniforms keep 23 bits of their word, and the
// radius's takes the middle of its interval, so that it is neither 0 nor 1; all of them are exact in float.
inline void two_normals(const std::uint32_t* radius_words, const std::uint32_t* angle_words, float* first,
                        float* second) {
#pragma omp simd
  for (int lane = 0; lane < width; ++lane) {
    const float uniform =
        (static_cast<float>(static_cast<std::int32_t>(radius_words[lane] >> 9)) + 0.5f) * 0x1p-23f;
    const float radius = __builtin_sqrtf(-2.0f * logarithm(uniform));
    float cosine, sine;
    circle_point(angle_words[lane] >> 9, cosine, sine);
    first[lane] = radius * cosine;
    second[lane] = radius * sine;
  }
}

// 4 * width normals, in the order of their index.
inline void normals(std::uint64_t seed, std::uint32_t first_block, std::uint32_t stream, std::uint32_t step,
                    float* out) {
  Words words;
  random_words(seed, first_block, stream, step, words);
  float normal[4][width];
  two_normals(words.word[0], words.word[1], normal[0], normal[1]);
  two_normals(words.word[2], words.word[3], normal[2], normal[3]);
#pragma omp simd
  for (int lane = 0; lane < width; ++lane)
    for (int j = 0; j < 4; ++j) out[4 * lane + j] = normal[j][lane];
}

}  // namespace

// Element 4 b + j is number j of the block with counter words (b, stream, step, 0); the key words are the low and the
// high half of the seed. Writes `count` elements, at most 2^34, from the first of `block` on.
void philox_normal_from(std::uint64_t seed, std::uint32_t stream, std::uint32_t step, std::uint32_t block,
                        std::size_t count, float* out) {
  constexpr std::size_t tile = 4 * width;
  std::size_t done = 0;
  for (; done + tile <= count; done += tile)
    normals(seed, block + static_cast<std::uint32_t>(done / 4), stream, step, out + done);
  if (done < count) {
    float last[tile];
    normals(seed, block + static_cast<std::uint32_t>(done / 4), stream, step, last);
    std::memcpy(out + done, last, (count - done) * sizeof(float));
  }
}

void philox_normal(std::uint64_t seed, std::uint32_t stream, std::uint32_t step, std::size_t count, float* out) {
  philox_normal_from(seed, stream, step, 0, count, out);
}

}  // namespace novacula::NOVACULA_SET
