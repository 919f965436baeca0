// One puzzle's training: noise, forward pass, loss, backward pass, Adam.
//
// Weights lie as in the shared layout; latents, which follow them, as tiles: first all means, then all adjustments.
#pragma once

#include "adam.hpp"
#include "decode.hpp"
#include "latents.hpp"
#include "loss.hpp"
#include "network.hpp"

namespace novacula::NOVACULA_SET::arc {

template <class T>
class Engine {
 public:
  static void* operator new(std::size_t, void* at) { return at; }
  static void operator delete(void*, void*) {}

  void take(Arena& arena, const Puzzle& p) {
    network_.take(arena, p);
    reconstruction_.take(arena, p);
    const Shapes& shapes = network_.shapes;
    weights_ = static_cast<Index>(p.offsets->mean);
    Index size = (weights_ + 15) / 16 * 16, most = 0;
    positions_ = 0;
    for (int part = 0; part < 2; ++part)
      for (int s = 0; s < subsets; ++s) {
        (part == 0 ? mean_ : adjustment_)[s] = size;
        size += shapes.of[s].size(latent_channels);
      }
    size_ = size;
    T** const vectors[] = {&parameters_, &gradient_, &first_, &second_};
    for (T** vector : vectors) *vector = arena.take<T>(size);
    for (int s = 0; s < subsets; ++s) {
      const Shape& shape = shapes.of[s];
      most = most > shape.size(latent_channels) ? most : shape.size(latent_channels);
      positions_ += shape.positions();
      noise_[s] = arena.take<T>(shape.size(latent_channels));
      g_[s] = arena.take<T>(shape.size());
    }
    standard_ = arena.take<T>(most);
    examples_ = p.examples;
    demonstrations_ = p.demonstrations;
    const Index images = Index{modes} * p.examples;
    color_size_ = images * p.colors * p.rows * p.columns;
    row_size_ = images * p.rows;
    column_size_ = images * p.columns;
    Outputs<T>* const both[] = {&outputs_, &d_outputs_};
    for (Outputs<T>* o : both)
      *o = {arena.take<T>(color_size_ + row), arena.take<T>(row_size_), arena.take<T>(column_size_)};
  }

  // Everything is zero before.
  void fill(const Puzzle& p) {
    network_.fill(p);
    reconstruction_.fill(p);
  }

  void load(const T* parameters, const T* first, const T* second) {
    from_shared(parameters, parameters_);
    from_shared(first, first_);
    from_shared(second, second_);
  }
  void state(T* parameters, T* first, T* second) const {
    to_shared(parameters_, parameters);
    to_shared(first_, first);
    to_shared(second_, second);
  }

  void step(std::uint64_t seed, std::int64_t step, const Pace& pace, const Report<T>& report) {
    for (int s = 0; s < subsets; ++s)
      draw_noise(shape(s), seed, static_cast<std::uint32_t>(s), static_cast<std::uint32_t>(step), noise_[s]);
    forward_and_backward(step, pace.price, report);
    adam(parameters_, gradient_, first_, second_, size_, step + 1, pace.rate);
  }

  // The latents at their posterior means; no parameter changes, and the next step draws its own noise.
  void decode_means(const Report<T>& report) {
    for (int s = 0; s < subsets; ++s)
      std::memset(noise_[s], 0, sizeof(T) * static_cast<std::size_t>(shape(s).size(latent_channels)));
    forward(report);
  }

  void gradients(const T* noise, std::int64_t step, const Report<T>& report, T* gradient) {
    Index position = 0;
    for (int s = 0; s < subsets; position += shape(s).positions(), ++s)
      tiles_from_shared(shape(s), latent_channels, noise + position, positions_, noise_[s]);
    forward_and_backward(step, 1, report);
    to_shared(gradient_, gradient);
  }

  bool stream(int block, int stage, int s, T* out) const {
    const Block<T>& b = network_.block(block);
    const Stream<T>* const streams[] = {&b.shared, &b.softened, &b.mixed, &b.pointwise};
    const T* const values = stage == 4 ? (block + 1 < blocks ? network_.block(block + 1).entered : network_.output())[s]
                                       : (*streams[stage])[s];
    if (values == nullptr) return false;
    shared_from_tiles(shape(s), shape(s).width, values, shape(s).positions(), out);
    return true;
  }

 private:
  const Shape& shape(int s) const { return network_.shapes.of[s]; }
  const Offsets& offsets() const { return network_.offsets(); }

  void from_shared(const T* shared, T* own) {
    std::memcpy(own, shared, sizeof(T) * static_cast<std::size_t>(weights_));
    Index position = 0;
    for (int s = 0; s < subsets; position += shape(s).positions(), ++s) {
      tiles_from_shared(shape(s), latent_channels, shared + offsets().mean + position, positions_, own + mean_[s]);
      tiles_from_shared(shape(s), latent_channels, shared + offsets().adjustment + position, positions_,
                        own + adjustment_[s]);
    }
  }
  void to_shared(const T* own, T* shared) const {
    std::memcpy(shared, own, sizeof(T) * static_cast<std::size_t>(weights_));
    Index position = 0;
    for (int s = 0; s < subsets; position += shape(s).positions(), ++s) {
      shared_from_tiles(shape(s), latent_channels, own + mean_[s], positions_, shared + offsets().mean + position);
      shared_from_tiles(shape(s), latent_channels, own + adjustment_[s], positions_,
                        shared + offsets().adjustment + position);
    }
  }

  Latents<T> latents(int s) const {
    return {parameters_ + offsets().target + s, parameters_ + mean_[s], parameters_ + adjustment_[s], noise_[s],
            subsets};
  }
  Index decode_weight(int s) const { return static_cast<Index>(offsets().decode_weight[shape(s).twin]); }
  Index decode_bias(int s) const { return static_cast<Index>(offsets().decode_bias[shape(s).twin]); }
  Head<T> head(std::int64_t weight, std::int64_t bias, double speed) const {
    return {parameters_ + weight, parameters_ + bias, gradient_ + weight, gradient_ + bias, static_cast<T>(speed)};
  }

  // The three heads in turn: (tensor, head, outputs, gradient of the outputs).
  template <class Visit>
  void for_each_head(const Visit& visit) const {
    const Head<T> color_head = head(offsets().color_weight, offsets().color_bias, color_bias_speed);
    const Head<T> size_head = head(offsets().size_weight, offsets().size_bias, 1);
    const Shapes& shapes = network_.shapes;
    visit(shapes.named(true, true, false, true, true), color_head, outputs_.color, d_outputs_.color);
    visit(shapes.named(true, false, false, true, false), size_head, outputs_.row, d_outputs_.row);
    visit(shapes.named(true, false, false, false, true), size_head, outputs_.column, d_outputs_.column);
  }

  // With the noise that stands in noise_; tells all but the reconstruction error.
  void forward(const Report<T>& report) {
    for (int s = 0; s < subsets; ++s)
      report.kl[s] = decode(shape(s), parameters_ + decode_weight(s), parameters_ + decode_bias(s), latents(s),
                            network_.input()[s]);
    network_.forward(parameters_);
    for_each_head([&](int s, const Head<T>& h, T* out, T*) { read_head(shape(s), h, network_.output()[s], out); });
    reconstruction_.bar_out_of_range(outputs_);
    tell(report);
  }

  void forward_and_backward(std::int64_t step, double price, const Report<T>& report) {
    forward(report);
    std::memset(gradient_, 0, sizeof(T) * static_cast<std::size_t>(weights_));
    std::memset(d_outputs_.color, 0, sizeof(T) * static_cast<std::size_t>(color_size_));
    std::memset(d_outputs_.row, 0, sizeof(T) * static_cast<std::size_t>(row_size_));
    std::memset(d_outputs_.column, 0, sizeof(T) * static_cast<std::size_t>(column_size_));
    *report.reconstruction = reconstruction_(outputs_, step, d_outputs_);
    for (int s = 0; s < subsets; ++s) std::memset(g_[s], 0, sizeof(T) * static_cast<std::size_t>(shape(s).size()));
    for_each_head([&](int s, const Head<T>& h, T*, T* d) {
      read_head_backward(shape(s), h, network_.output()[s], d, g_[s]);
    });
    network_.backward(parameters_, gradient_, g_);
    for (int s = 0; s < subsets; ++s)
      decode_backward(shape(s), parameters_ + decode_weight(s), latents(s), g_[s],
                      static_cast<T>(price),
                      {gradient_ + decode_weight(s), gradient_ + decode_bias(s), gradient_ + offsets().target + s,
                       gradient_ + mean_[s], gradient_ + adjustment_[s]},
                      standard_);
  }

  // What the test examples' outputs look like.
  void tell(const Report<T>& report) const {
    const Index first = examples_ + demonstrations_, images = Index{modes} * examples_, tests = images - first;
    const auto copy = [&](const T* from, Index size, T* to) {
      std::memcpy(to, from + first * (size / images), sizeof(T) * static_cast<std::size_t>(tests * (size / images)));
    };
    copy(outputs_.color, color_size_, report.color);
    copy(outputs_.row, row_size_, report.row);
    copy(outputs_.column, column_size_, report.column);
  }

  Network<T> network_;
  Reconstruction<T> reconstruction_;
  Index weights_, size_, positions_;  // numbers before the latents; all of ours; positions of all tensors
  Index mean_[subsets], adjustment_[subsets];
  T *parameters_, *gradient_, *first_, *second_, *noise_[subsets], *standard_;
  Stream<T> g_;
  Index examples_, demonstrations_, color_size_, row_size_, column_size_;
  Outputs<T> outputs_, d_outputs_;
};

}  // namespace novacula::NOVACULA_SET::arc
