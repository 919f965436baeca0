#pragma once

#include <nanobind/nanobind.h>

namespace novacula {

// Adds the engines of the ARC part; the constructors throw UnknownInstructionSet.
void bind_arc_engines(nanobind::module_& module);

}  // namespace novacula
