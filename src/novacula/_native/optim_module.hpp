#pragma once

#include <nanobind/nanobind.h>

namespace novacula {

// Adds the kernels of the optim part; the constructors throw UnknownInstructionSet.
void bind_lodo_blocks(nanobind::module_& module);

}  // namespace novacula
