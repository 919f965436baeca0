// The functions of the block layers, in two scalar types.
#include "automatic.hpp"
#include "table.hpp"

namespace novacula::NOVACULA_SET::optim {
namespace {

// The published side is compiled for itself.
template <class T>
constexpr novacula::optim::LayersTable<T> functions = {
    [](const Layers<T>& layers, const T* v, T* out) {
      return layers.side == 4 ? apply<T, 4>(layers, v, out) : apply<T, 0>(layers, v, out);
    },
    [](const Layers<T>& layers, const T* left, const MetaStep& step) {
      return layers.side == 4 ? learn<T, 4>(layers, left, step) : learn<T, 0>(layers, left, step);
    },
    judge<T>,
    move<T>,
    finite<T>,
    settle<T>,
};

}  // namespace

const novacula::optim::LayersTable<float> layers_float = functions<float>;
const novacula::optim::LayersTable<double> layers_double = functions<double>;

}  // namespace novacula::NOVACULA_SET::optim
