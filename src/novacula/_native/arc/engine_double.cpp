// For comparisons in tests.
#define NOVACULA_SCALAR double
#include "engine_table.hpp"
