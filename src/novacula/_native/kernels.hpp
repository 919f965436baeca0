// What every instruction set offers: one table of functions, compiled once per instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

namespace novacula {

struct Kernels {
  const char* instruction_set;
  // Writes `count` standard normals of one stream at one step; see philox.cpp.
  void (*philox_normal)(std::uint64_t seed, std::uint32_t stream, std::uint32_t step, std::size_t count, float* out);
};

namespace portable {
extern const Kernels kernels;
}
namespace avx2 {
extern const Kernels kernels;
}
namespace avx512 {
extern const Kernels kernels;
}

}  // namespace novacula
