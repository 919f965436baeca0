// The class novacula._native.ArcEngine in two scalar types.
#include "arc_module.hpp"

#include <nanobind/ndarray.h>

#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#ifdef __linux__
#include <sys/mman.h>
#endif

#include "dispatch.hpp"

namespace nb = nanobind;

namespace novacula {
namespace {

template <class Number, int Dimensions>
using Array = nb::ndarray<const Number, nb::ndim<Dimensions>, nb::c_contig, nb::device::cpu>;

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

// Zeroed memory, of which no page is touched before it is used. Where the system can, it is in large pages: the step
// reads long arrays side by side, and looks up fewer addresses of pages that way.
void* zeroed(std::size_t bytes) {
  void* const memory = std::calloc(bytes, 1);
  if (memory == nullptr) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
  constexpr std::uintptr_t page = 4096;
  const std::uintptr_t start = (reinterpret_cast<std::uintptr_t>(memory) + page - 1) / page * page;
  const std::uintptr_t end = (reinterpret_cast<std::uintptr_t>(memory) + bytes) / page * page;
  if (end > start) madvise(reinterpret_cast<void*>(start), end - start, MADV_HUGEPAGE);
#endif
  return memory;
}

template <class T>
const arc::EngineTable<T>& table() {
  if constexpr (sizeof(T) == sizeof(float)) {
    return *kernels().arc;
  } else {
    return portable::arc::engine_double;
  }
}

template <class T>
nb::object owned(std::unique_ptr<T[]> values, std::vector<std::size_t> shape) {
  T* const data = values.release();
  nb::capsule owner(data, [](void* pointer) noexcept { delete[] static_cast<T*>(pointer); });
  return nb::cast(nb::ndarray<nb::numpy, T>(data, shape.size(), shape.data(), owner));
}

void require(bool holds, const char* rule) {
  if (!holds) throw nb::value_error(rule);
}

template <class T>
class ArcEngine {
 public:
  ArcEngine(Array<std::int32_t, 1> axes, Array<std::uint8_t, 3> union_mask, Array<std::uint8_t, 4> target,
            Array<std::int32_t, 2> extent, Array<std::int32_t, 2> grids, Array<std::int32_t, 3> direction_class,
            Array<double, 1> direction_strength, Array<std::int32_t, 2> softmax_owner, Array<std::int64_t, 1> offsets,
            std::int64_t parameters)
      : table_(table<T>()) {
    require(axes.shape(0) == 6, "axes are examples, colors, rows, columns, demonstrations, masked means");
    const std::int32_t* const a = axes.data();
    for (int i = 0; i < 4; ++i) require(a[i] >= 1, "axes are at least 1 long");
    require(a[2] <= 30 && a[3] <= 30, "rows and columns are at most 30");
    require(a[4] >= 0 && a[4] <= a[0], "demonstrations are examples");
    const std::size_t e = a[0], x = a[2], y = a[3];
    require(union_mask.shape(0) == e && union_mask.shape(1) == x && union_mask.shape(2) == y, "union_mask: [e, x, y]");
    require(target.shape(0) == e && target.shape(1) == x && target.shape(2) == y && target.shape(3) == 2,
            "target: [e, x, y, 2]");
    for (std::size_t i = 0; i < target.size(); ++i) require(target.data()[i] <= a[1], "targets are palette indices");
    require(extent.shape(0) == e && extent.shape(1) == 2, "extent: [e, 2]");
    require(grids.shape(1) == 5, "grids: example, mode, height, width, size known");
    require(direction_class.shape(0) == arc::subsets && direction_class.shape(1) == 8 && direction_class.shape(2) == 8,
            "direction_class: [18, 8, 8]");
    require(direction_strength.shape(0) == 8, "direction_strength: [8]");
    require(softmax_owner.shape(0) == arc::subsets && softmax_owner.shape(1) == arc::max_groups,
            "softmax_owner: [18, 15]");
    require(offsets.shape(0) * sizeof(std::int64_t) == sizeof(arc::Offsets), "offsets: one for each place of a weight");
    for (std::size_t i = 0; i < offsets.size(); ++i)
      require(offsets.data()[i] >= -1 && offsets.data()[i] < parameters, "offsets lie in the parameters");
    for (std::size_t i = 0; i < grids.shape(0); ++i) {
      const std::int32_t* const g = grids.data() + 5 * i;
      require(g[0] >= 0 && g[0] < a[0] && (g[1] == 0 || g[1] == 1), "grids: an example and a mode");
      require(g[2] >= 1 && g[2] <= extent.data()[2 * g[0]] && extent.data()[2 * g[0]] <= a[2] && g[3] >= 1 &&
                  g[3] <= extent.data()[2 * g[0] + 1] && extent.data()[2 * g[0] + 1] <= a[3],
              "grids lie in their example's extent");
    }
    const arc::Puzzle puzzle = {a[0],
                                a[1],
                                a[2],
                                a[3],
                                a[4],
                                static_cast<std::int32_t>(grids.shape(0)),
                                a[5],
                                union_mask.data(),
                                target.data(),
                                extent.data(),
                                reinterpret_cast<const arc::Grid*>(grids.data()),
                                direction_class.data(),
                                direction_strength.data(),
                                softmax_owner.data(),
                                reinterpret_cast<const arc::Offsets*>(offsets.data()),
                                parameters};
    axes_.assign(a, a + 6);
    parameters_ = static_cast<std::size_t>(parameters);
    table_.create(puzzle, nullptr, &bytes_);
    memory_.reset(zeroed(bytes_ + 64));
    const std::size_t skip = (64 - reinterpret_cast<std::uintptr_t>(memory_.get()) % 64) % 64;
    engine_ = table_.create(puzzle, static_cast<std::uint8_t*>(memory_.get()) + skip, &bytes_);
  }

  std::size_t bytes() const { return bytes_; }

  void load(Array<T, 1> parameters, Array<T, 1> first, Array<T, 1> second) {
    for (const auto* array : {&parameters, &first, &second})
      require(array->shape(0) == parameters_, "a state has as many numbers as there are parameters");
    table_.load(engine_, parameters.data(), first.data(), second.data());
  }

  nb::tuple state() const {
    std::unique_ptr<T[]> values[3];
    for (auto& v : values) v.reset(new T[parameters_]);
    table_.state(engine_, values[0].get(), values[1].get(), values[2].get());
    return nb::make_tuple(owned(std::move(values[0]), {parameters_}), owned(std::move(values[1]), {parameters_}),
                          owned(std::move(values[2]), {parameters_}));
  }

  nb::tuple run(std::uint64_t seed, std::int64_t first_step, Array<double, 2> paces) {
    require(first_step >= 0, "steps count from 0");
    require(paces.shape(1) == 2, "paces: rate and price of each step");
    const std::size_t count = paces.shape(0);
    Told told(*this, count);
    {
      nb::gil_scoped_release release;
      for (std::size_t i = 0; i < count; ++i)
        table_.step(engine_, seed, first_step + static_cast<std::int64_t>(i),
                    {paces.data()[2 * i], paces.data()[2 * i + 1]}, told.report(i));
    }
    return told.tuple();
  }

  nb::tuple gradients(Array<T, 2> noise, std::int64_t step) {
    require(step >= 0, "steps count from 0");
    require(noise.shape(0) == arc::latent_channels && noise.shape(1) == positions(), "noise: [4, positions]");
    Told told(*this, 1);
    std::unique_ptr<T[]> gradient(new T[parameters_]);
    table_.gradients(engine_, noise.data(), step, told.report(0), gradient.get());
    return nb::make_tuple(told.tuple(), owned(std::move(gradient), {parameters_}));
  }

  nb::tuple decode() {
    Told told(*this, 1);
    {
      nb::gil_scoped_release release;
      table_.decode(engine_, told.report(0));
    }
    return told.drawn();
  }

  nb::object stream(int block, int stage, int subset) const {
    require(block >= 0 && block < arc::blocks && stage >= 0 && stage < 5 && subset >= 0 && subset < arc::subsets,
            "blocks 0 to 3, stages 0 to 4, subsets 0 to 17");
    // No tensor is wider than 16 channels on all positions.
    std::unique_ptr<T[]> values(new T[16 * positions()]);
    if (!table_.stream(engine_, block, stage, subset, values.get())) return nb::none();
    return owned(std::move(values), {16 * positions()});
  }

 private:
  // Arrays for what some steps tell.
  struct Told {
    std::size_t steps, tests, colors, rows, columns;
    std::unique_ptr<double[]> kl, reconstruction;
    std::unique_ptr<T[]> color, row, column;

    Told(const ArcEngine& engine, std::size_t steps_) : steps(steps_) {
      const std::vector<std::int32_t>& a = engine.axes_;
      tests = static_cast<std::size_t>(a[0] - a[4]);
      colors = a[1];
      rows = a[2];
      columns = a[3];
      kl.reset(new double[steps * arc::subsets]);
      reconstruction.reset(new double[steps]);
      color.reset(new T[steps * tests * colors * rows * columns]);
      row.reset(new T[steps * tests * rows]);
      column.reset(new T[steps * tests * columns]);
    }

    arc::Report<T> report(std::size_t i) {
      return {kl.get() + i * arc::subsets, reconstruction.get() + i, color.get() + i * tests * colors * rows * columns,
              row.get() + i * tests * rows, column.get() + i * tests * columns};
    }

    nb::tuple tuple() {
      return nb::make_tuple(owned(std::move(kl), {steps, arc::subsets}), owned(std::move(reconstruction), {steps}),
                            owned(std::move(color), {steps, tests, colors, rows, columns}),
                            owned(std::move(row), {steps, tests, rows}),
                            owned(std::move(column), {steps, tests, columns}));
    }

    // The test outputs of the only step.
    nb::tuple drawn() {
      return nb::make_tuple(owned(std::move(color), {tests, colors, rows, columns}),
                            owned(std::move(row), {tests, rows}), owned(std::move(column), {tests, columns}));
    }
  };

  // Of all latent tensors together.
  std::size_t positions() const {
    const std::size_t e = axes_[0], c = axes_[1], x = axes_[2], y = axes_[3];
    const std::size_t colors = 1 + c, placed = x + y + x * y;
    return 9 * (c + e * c) + 8 * (1 + e) + 9 * e * colors * placed;
  }

  const arc::EngineTable<T>& table_;
  std::vector<std::int32_t> axes_;
  std::size_t parameters_ = 0, bytes_ = 0;
  std::unique_ptr<void, Free> memory_;
  void* engine_ = nullptr;
};

template <class T>
void bind(nb::module_& module, const char* name) {
  using Class = ArcEngine<T>;
  nb::class_<Class>(module, name)
      .def(nb::init<Array<std::int32_t, 1>, Array<std::uint8_t, 3>, Array<std::uint8_t, 4>, Array<std::int32_t, 2>,
                    Array<std::int32_t, 2>, Array<std::int32_t, 3>, Array<double, 1>, Array<std::int32_t, 2>,
                    Array<std::int64_t, 1>, std::int64_t>(),
           nb::arg("axes"), nb::arg("union_mask"), nb::arg("target"), nb::arg("extent"), nb::arg("grids"),
           nb::arg("direction_class"), nb::arg("direction_strength"), nb::arg("softmax_owner"), nb::arg("offsets"),
           nb::arg("parameters"))
      .def_prop_ro("bytes", &Class::bytes)
      .def("load", &Class::load, nb::arg("parameters"), nb::arg("first"), nb::arg("second"))
      .def("state", &Class::state)
      .def("run", &Class::run, nb::arg("seed"), nb::arg("first_step"), nb::arg("paces"))
      .def("gradients", &Class::gradients, nb::arg("noise"), nb::arg("step"))
      .def("decode", &Class::decode)
      .def("stream", &Class::stream, nb::arg("block"), nb::arg("stage"), nb::arg("subset"));
}

}  // namespace

void bind_arc_engines(nb::module_& module) {
  bind<float>(module, "ArcEngine");
  bind<double>(module, "ArcEngineDouble");
}

}  // namespace novacula
