// The block layers of one instruction set.
#pragma once

#include "layers.hpp"

namespace novacula::NOVACULA_SET::optim {

extern const novacula::optim::LayersTable<float> layers_float;
extern const novacula::optim::LayersTable<double> layers_double;

}  // namespace novacula::NOVACULA_SET::optim
