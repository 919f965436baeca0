#pragma once

#include <stdexcept>

#include "kernels.hpp"

namespace novacula {

// NOVACULA_INSTRUCTION_SET names nothing that this machine has.
struct UnknownInstructionSet : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The best kernels that this machine can run, or those that the environment variable NOVACULA_INSTRUCTION_SET names.
// The choice is made once, by the first call that succeeds.
const Kernels& kernels();

}  // namespace novacula
