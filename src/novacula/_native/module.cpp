// The Python module novacula._native; ../_native.pyi documents it.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <memory>

#include "dispatch.hpp"

namespace nb = nanobind;

namespace {

using Vector = nb::ndarray<nb::numpy, float, nb::ndim<1>>;

// A wrong environment variable is the user's error: reported as such, in one line.
const novacula::Kernels& kernels() {
  try {
    return novacula::kernels();
  } catch (const novacula::UnknownInstructionSet& error) {
    const nb::object input_error = nb::module_::import_("novacula.errors").attr("InputError");
    PyErr_SetObject(input_error.ptr(), input_error("NOVACULA_INSTRUCTION_SET", error.what()).ptr());
    throw nb::python_error();
  }
}

Vector philox_normal(std::uint64_t seed, std::uint32_t stream, std::uint32_t step, std::size_t count) {
  if (count > std::size_t{1} << 34) throw nb::value_error("count is above 2^34, the length of one stream at one step");
  const novacula::Kernels& chosen = kernels();
  std::unique_ptr<float[]> values(new float[count]);
  {
    nb::gil_scoped_release release;
    chosen.philox_normal(seed, stream, step, count, values.get());
  }
  float* const data = values.get();
  nb::capsule owner(values.release(), [](void* pointer) noexcept { delete[] static_cast<float*>(pointer); });
  return Vector(data, {count}, owner);
}

}  // namespace

NB_MODULE(_native, module) {
  module.def("instruction_set", [] { return kernels().instruction_set; });
  module.def("philox_normal", &philox_normal, nb::arg("seed"), nb::arg("stream"), nb::arg("step"), nb::arg("count"));
}
