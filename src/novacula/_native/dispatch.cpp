#include "dispatch.hpp"

#include <cstdlib>
#include <string>
#include <vector>

namespace novacula {
namespace {

// Best first.
std::vector<const Kernels*> runnable() {
  std::vector<const Kernels*> found;
#ifdef NOVACULA_HAS_avx512
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma"))
    found.push_back(&avx512::kernels);
#endif
#ifdef NOVACULA_HAS_avx2
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found.push_back(&avx2::kernels);
#endif
  found.push_back(&portable::kernels);
  return found;
}

const Kernels& choose() {
  const std::vector<const Kernels*> candidates = runnable();
  const char* const wanted = std::getenv("NOVACULA_INSTRUCTION_SET");
  if (wanted == nullptr || *wanted == '\0') return *candidates.front();
  std::string names;
  for (const Kernels* candidate : candidates) {
    if (std::string(wanted) == candidate->instruction_set) return *candidate;
    names += (names.empty() ? "" : ", ") + std::string(candidate->instruction_set);
  }
  throw UnknownInstructionSet("is " + std::string(wanted) + "; it must be one of those this machine runs: " + names);
}

}  // namespace

const Kernels& kernels() {
  static const Kernels& chosen = choose();
  return chosen;
}

}  // namespace novacula
