// The table of one instruction set, named by NOVACULA_SET.
#include "kernels.hpp"

#include "arc/table.hpp"
#include "optim/table.hpp"
#include "philox.hpp"

#define NOVACULA_TEXT_OF(name) #name
#define NOVACULA_TEXT(name) NOVACULA_TEXT_OF(name)

namespace novacula::NOVACULA_SET {

const Kernels kernels{NOVACULA_TEXT(NOVACULA_SET), philox_normal, &arc::engine_float, &optim::layers_float,
                      &optim::layers_double};

}  // namespace novacula::NOVACULA_SET
