// The engines of one instruction set.
#pragma once

#include "puzzle.hpp"

namespace novacula::NOVACULA_SET::arc {

extern const novacula::arc::EngineTable<float> engine_float;
extern const novacula::arc::EngineTable<double> engine_double;  // of the portable set only

}  // namespace novacula::NOVACULA_SET::arc
