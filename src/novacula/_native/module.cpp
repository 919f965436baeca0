// The Python module novacula._native; ../_native.pyi documents it.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <memory>

#include "arc_module.hpp"
#include "dispatch.hpp"
#include "optim_module.hpp"

namespace nb = nanobind;

namespace {

using Vector = nb::ndarray<nb::numpy, float, nb::ndim<1>>;

Vector philox_normal(std::uint64_t seed, std::uint32_t stream, std::uint32_t step, std::size_t count) {
  if (count > std::size_t{1} << 34) throw nb::value_error("count is above 2^34, the length of one stream at one step");
  const novacula::Kernels& chosen = novacula::kernels();
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
  // An optimizer in a hook of its own parameter is never freed; its user can do nothing about a warning at the end.
  nb::set_leak_warnings(false);
  // A wrong environment variable is the user's error: reported as such, in one line.
  nb::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    try {
      std::rethrow_exception(thrown);
    } catch (const novacula::UnknownInstructionSet& error) {
      const nb::object input_error = nb::module_::import_("novacula.errors").attr("InputError");
      PyErr_SetObject(input_error.ptr(), input_error("NOVACULA_INSTRUCTION_SET", error.what()).ptr());
    }
  });
  novacula::bind_arc_engines(module);
  novacula::bind_lodo_blocks(module);
  module.def("instruction_set", [] { return novacula::kernels().instruction_set; });
  module.def("philox_normal", &philox_normal, nb::arg("seed"), nb::arg("stream"), nb::arg("step"), nb::arg("count"));
}
