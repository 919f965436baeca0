// What every instruction set offers: one table of functions, compiled once per instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

#include "arc/puzzle.hpp"
#include "optim/layers.hpp"

namespace novacula {

struct Kernels {
  const char* instruction_set;
  // Writes `count` standard normals of one stream at one step; see philox.cpp.
  void (*philox_normal)(std::uint64_t seed, std::uint32_t stream, std::uint32_t step, std::size_t count, float* out);
  // Training of the network of one ARC puzzle.
  const arc::EngineTable<float>* arc;
  // The block layers of LODO.
  const optim::LayersTable<float>* lodo_float;
  const optim::LayersTable<double>* lodo_double;
};

namespace portable {
extern const Kernels kernels;
namespace arc {
// In double, for tests; no other instruction set has it.
extern const novacula::arc::EngineTable<double> engine_double;
}
}
namespace avx2 {
extern const Kernels kernels;
}
namespace avx512 {
extern const Kernels kernels;
}

}  // namespace novacula
