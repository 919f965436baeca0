// The class novacula._native.LodoBlocks in two scalar types.
#include "optim_module.hpp"

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>

#ifdef __linux__
#include <sys/mman.h>
#endif

#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <vector>

#include "dispatch.hpp"

namespace nb = nanobind;

namespace novacula {
namespace {

template <class Number, int Dimensions>
using Array = nb::ndarray<Number, nb::ndim<Dimensions>, nb::c_contig, nb::device::cpu>;

template <class T>
const optim::LayersTable<T>& table() {
  if constexpr (sizeof(T) == sizeof(float)) {
    return *kernels().lodo_float;
  } else {
    return *kernels().lodo_double;
  }
}

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

// Vectors are read at random places, so on small pages nearly every read would also look for its page.
void* allocate(std::size_t bytes) {
  constexpr std::size_t page = std::size_t{1} << 21;
  const bool large = bytes >= page;
  const std::size_t unit = large ? page : 64;
  void* const memory = std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit);
  if (memory == nullptr) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
  if (large) madvise(memory, (bytes + unit - 1) / unit * unit, MADV_HUGEPAGE);
#endif
  return memory;
}

void require(bool holds, const char* rule) {
  if (!holds) throw nb::value_error(rule);
}

// Holds on to the arrays that it reads and changes.
template <class T>
class LodoBlocks {
 public:
  using Phi = Array<T, 5>;
  using Put = Array<const std::int32_t, 2>;
  using Get = Array<const std::uint16_t, 2>;

  using Vector = Array<T, 1>;

  LodoBlocks(Phi phi, std::optional<Phi> first, std::optional<Phi> second, Put forward_put, Get forward_get,
             Put backward_put, Get backward_get, std::int64_t window, Vector v, Vector left, Vector product)
      : table_(table<T>()), v_(v), left_(left), product_(product), phi_(phi), first_(first), second_(second), puts_{forward_put, backward_put},
        gets_{forward_get, backward_get} {
    const std::size_t depth = phi.shape(0), groups = phi.shape(1), side = phi.shape(2);
    require(side >= 1 && side <= optim::largest_side, "blocks have sides of 1 to 16");
    require(phi.shape(3) == side && phi.shape(4) == optim::group_lanes, "phi: [depth, groups, side, side, 16]");
    require(first.has_value() == second.has_value(), "both moments or none");
    for (const auto* moment : {&first_, &second_})
      for (std::size_t i = 0; moment->has_value() && i < 5; ++i)
        require((*moment)->shape(i) == phi.shape(i), "moments have the shape of phi");
    places_ = groups * side * optim::group_lanes;
    const std::size_t n = v.shape(0);
    require(n <= places_ && left.shape(0) == n && product.shape(0) == n, "vectors: [n], with room in the layout");
    require(depth >= 1, "there is at least one layer");
    require(window >= 1 && window <= 65536 && window % static_cast<std::int64_t>(side * optim::group_lanes) == 0,
            "a window is of whole groups, at most 65,536 places");
    const std::size_t tables = forward_get.shape(0), near = static_cast<std::size_t>(window);
    require(tables == depth || tables == 1, "routes: [depth, places] or [1, places]");
    for (int way = 0; way < 2; ++way) {
      const Put& put = puts_[way];
      const Get& get = gets_[way];
      require(put.shape(0) == tables && get.shape(0) == tables && put.shape(1) == places_ && get.shape(1) == places_,
              "routes: [depth, places] or [1, places]");
      for (std::size_t i = 0; i < put.size(); ++i)
        require(put.data()[i] >= 0 && static_cast<std::size_t>(put.data()[i]) < places_, "routes stay in the layout");
      for (std::size_t i = 0; i < get.size(); ++i)
        require(get.data()[i] < near && i % places_ / near * near + get.data()[i] < places_, "routes stay in a window");
    }
    const bool whole = places_ <= near;
    memory_.reset(allocate((3 * depth + 2) * places_ * sizeof(T)));
    T* const memory = static_cast<T*>(memory_.get());
    layers_ = {static_cast<std::ptrdiff_t>(n),
               static_cast<std::ptrdiff_t>(depth),
               static_cast<std::ptrdiff_t>(groups),
               static_cast<std::ptrdiff_t>(side),
               {whole ? nullptr : forward_put.data(), forward_get.data()},
               {whole ? nullptr : backward_put.data(), backward_get.data()},
               static_cast<std::ptrdiff_t>(window),
               static_cast<std::ptrdiff_t>(tables == 1 ? 0 : places_),
               phi.data(),
               first ? first->data() : nullptr,
               second ? second->data() : nullptr,
               memory,
               memory + depth * places_,
               memory + 2 * depth * places_,
               memory + 3 * depth * places_,
               memory + (3 * depth + 1) * places_};
  }

  void apply() {
    nb::gil_scoped_release release;
    table_.apply(layers_, v_.data(), product_.data());
    traced_ = true;
  }

  nb::tuple learn(double weight, double rate, double keep_first, double keep_second, double epsilon) {
    require(traced_, "apply comes before learn");
    traced_ = false;
    double square, products[4] = {};  // left T v, left v, left left, v v
    {
      nb::gil_scoped_release release;
      for (std::size_t i = 0; i < v_.shape(0); ++i) {
        const double v = v_.data()[i], left = left_.data()[i], product = product_.data()[i];
        products[0] += left * product;
        products[1] += left * v;
        products[2] += left * left;
        products[3] += v * v;
      }
      square = table_.learn(layers_, left_.data(), {weight, rate, keep_first, keep_second, epsilon});
    }
    return nb::make_tuple(square, products[0], products[1], products[2], products[3]);
  }

  // The automatic form, for these layers.
  optim::Automatic<T> vectors() const {
    optim::Automatic<T> at = {};
    at.n = layers_.n, at.v = v_.data(), at.left = left_.data(), at.product = product_.data();
    return at;
  }
  optim::Judged judge(const optim::Automatic<T>& at, const optim::Moment& now, const optim::MetaStep& step, bool ready) {
    return table_.judge(layers_, at, now, step, ready);
  }
  double move(const optim::Automatic<T>& at, const optim::Moment& now) {
    traced_ = true;
    return table_.move(layers_, at, now);
  }

 private:
  const optim::LayersTable<T>& table_;
  Vector v_, left_, product_;
  Phi phi_;
  std::optional<Phi> first_, second_;
  Put puts_[2];
  Get gets_[2];
  std::size_t places_ = 0;
  bool traced_ = false;
  std::unique_ptr<void, Free> memory_;
  optim::Layers<T> layers_ = {};
};

// Holds on to the state, whose numbers it reads and changes.
template <class T>
class LodoAutomatic {
 public:
  using Vector = Array<T, 1>;
  using Single = nb::ndarray<double, nb::c_contig, nb::device::cpu>;

  LodoAutomatic(nb::object blocks, nb::dict state, nb::handle rules, Vector gradient, Vector side, Vector update, Vector whole)
      : blocks_(blocks), held_{gradient, side, update, whole}, at_(nb::cast<LodoBlocks<T>&>(blocks).vectors()) {
    const auto rule = [&](const char* name) { return nb::cast<double>(rules.attr(name)); };
    at_.rules = {rule("SCALE_RATE"), rule("FIRST_BOOST"), rule("BOOSTED_STEPS"), rule("OVERSHOOT_RATE"),
                 rule("FORGETTING"), rule("SECOND_DECAY"), rule("EPSILON"), rule("TRUST"), rule("AVERAGED"),
                 rule("SHORTEST"), rule("FLOOR")};
    const auto vector = [&](const char* name) { return held_.emplace_back(nb::cast<Vector>(state[name])).data(); };
    const auto single = [&](const char* name) {
      require(numbers_.emplace_back(nb::cast<Single>(state[name])).size() == 1, "a number of the state is one number");
      return numbers_.back().data();
    };
    at_.mean = vector("momentum"), at_.root = vector("root_square"), at_.lag = vector("lag");
    at_.gradient = gradient.data(), at_.side = side.data(), at_.update = update.data(), at_.whole = whole.data();
    for (const Vector& each : held_) require(static_cast<std::ptrdiff_t>(each.shape(0)) == at_.n, "vectors: [n]");
    at_.taken = single("taken"), at_.log_scale = single("log_scale"), at_.step_square = single("step_square");
    at_.learned = single("learned"), at_.cosine = single("cosine"), at_.spread = single("spread");
    at_.toward = single("toward");
  }

  nb::tuple judge(double step, double momentum, double factor, double rate, double keep_first, double keep_second,
                  double epsilon, bool ready) {
    const optim::Judged found = without_gil([&](LodoBlocks<T>& blocks) {
      return blocks.judge(at_, {step, momentum, factor}, {0, rate, keep_first, keep_second, epsilon}, ready);
    });
    return nb::make_tuple(found.meta_square, found.slope, found.left_v, found.left_square, found.v_square);
  }

  bool finite() const { return table<T>().finite(at_); }

  void settle(double step, double rate) const { table<T>().settle(at_, step, rate); }

  double move(double step, double momentum) {
    return without_gil([&](LodoBlocks<T>& blocks) { return blocks.move(at_, {step, momentum, 1}); });
  }

 private:
  template <class Work>
  auto without_gil(Work work) {
    LodoBlocks<T>& blocks = nb::cast<LodoBlocks<T>&>(blocks_);
    nb::gil_scoped_release release;
    return work(blocks);
  }

  nb::object blocks_;
  std::vector<Vector> held_;
  std::vector<Single> numbers_;
  optim::Automatic<T> at_;
};

template <class T>
void bind_automatic(nb::module_& module, const char* name) {
  using Class = LodoAutomatic<T>;
  using Vector = typename Class::Vector;
  nb::class_<Class>(module, name)
      .def(nb::init<nb::object, nb::dict, nb::handle, Vector, Vector, Vector, Vector>(), nb::arg("blocks"),
           nb::arg("state"), nb::arg("rules"), nb::arg("gradient"), nb::arg("side"), nb::arg("update"),
           nb::arg("whole"))
      .def("judge", &Class::judge, nb::arg("step"), nb::arg("momentum"), nb::arg("factor"), nb::arg("rate"),
           nb::arg("keep_first"), nb::arg("keep_second"), nb::arg("epsilon"), nb::arg("ready"))
      .def("finite", &Class::finite)
      .def("move", &Class::move, nb::arg("step"), nb::arg("momentum"))
      .def("settle", &Class::settle, nb::arg("step"), nb::arg("rate"));
}

template <class T>
void bind(nb::module_& module, const char* name) {
  using Class = LodoBlocks<T>;
  nb::class_<Class>(module, name)
      .def(nb::init<typename Class::Phi, std::optional<typename Class::Phi>, std::optional<typename Class::Phi>,
                    typename Class::Put, typename Class::Get, typename Class::Put, typename Class::Get, std::int64_t,
                    typename Class::Vector, typename Class::Vector, typename Class::Vector>(),
           nb::arg("phi"), nb::arg("first").none(), nb::arg("second").none(), nb::arg("forward_put"),
           nb::arg("forward_get"), nb::arg("backward_put"), nb::arg("backward_get"), nb::arg("window"), nb::arg("v"),
           nb::arg("left"), nb::arg("product"))
      .def("apply", &Class::apply)
      .def("learn", &Class::learn, nb::arg("weight"), nb::arg("rate"), nb::arg("keep_first"),
           nb::arg("keep_second"), nb::arg("epsilon"));
}

}  // namespace

void bind_lodo_blocks(nb::module_& module) {
  bind<float>(module, "LodoBlocks");
  bind<double>(module, "LodoBlocksDouble");
  bind_automatic<float>(module, "LodoAutomatic");
  bind_automatic<double>(module, "LodoAutomaticDouble");
}

}  // namespace novacula
