// What training runs on.
#define NOVACULA_SCALAR float
#include "engine_table.hpp"
