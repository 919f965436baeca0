// The decoder: four blocks of layers, forward and backward, on the residual streams of all tensors.
//
// What the backward pass needs is kept: per block the streams that enter share-up, softmax, direction communication,
// the pointwise layer and share-down, and the softmax's exponentials and sums.
#pragma once

#include "communicate.hpp"
#include "directional.hpp"
#include "nonlinear.hpp"
#include "share.hpp"
#include "softmax.hpp"

namespace novacula::NOVACULA_SET::arc {

using novacula::arc::Weight;

template <class T>
struct Block {
  // Inputs of share-up, softmax, direction communication, the pointwise layer and share-down.
  Stream<T> entered, shared, softened, mixed, pointwise;
  ShareKept<T> kept_up, kept_down;
  T *running[2], *shifted[2];  // h of the two directional layers on the two tensors that have them
  SoftmaxKept<T> softmax[subsets];
  Norm<T> share_up[subsets], cummax[2], shift[2], direction[subsets], share_down[subsets], out[subsets];
};

template <class T>
class Network {
 public:
  Shapes shapes;

  void take(Arena& arena, const Puzzle& puzzle) {
    list_shapes(puzzle, shapes);
    offsets_ = arena.take<Offsets>(1);
    direction_class_ = arena.take<std::int32_t>(subsets * row * row);
    softmax_owner_ = arena.take<std::int32_t>(subsets * max_groups);
    averages_.take(arena, puzzle);
    // No two layers work at the same time, so these two share their memory.
    const std::size_t start = arena.used();
    share_.take(arena, shapes);
    const std::size_t end = arena.used();
    arena.rewind(start);
    softmax_.take(arena, shapes);
    if (arena.used() < end) arena.rewind(end);
    directional_.take(arena, puzzle);
    moving_[0] = shapes.named(true, false, true, true, true);
    moving_[1] = shapes.named(true, true, true, true, true);
    take_streams(arena);
  }

  void fill(const Puzzle& p) {
    std::memcpy(offsets_, p.offsets, sizeof(Offsets));
    std::memcpy(direction_class_, p.direction_class, sizeof(std::int32_t) * subsets * row * row);
    std::memcpy(softmax_owner_, p.softmax_owner, sizeof(std::int32_t) * subsets * max_groups);
    for (int receiver = 0; receiver < row; ++receiver)
      for (int sender = 0; sender < row; ++sender)
        strength_[receiver * row + sender] = static_cast<T>(p.direction_strength[(sender - receiver + row) % row]);
    averages_.fill(p);
    directional_.fill(p);
  }

  const Offsets& offsets() const { return *offsets_; }
  const Block<T>& block(int i) const { return block_[i]; }
  const Stream<T>& input() const { return block_[0].entered; }
  const Stream<T>& output() const { return output_; }

  void forward(const T* parameters) {
    for (int i = 0; i < blocks; ++i) {
      Block<T>& b = block_[i];
      const ShareWeights<T> up = share_weights(i, novacula::arc::share_up_down, parameters, nullptr);
      Share<T, false>(shapes, i, nullptr, up, share_, b.kept_up).forward(b.entered, b.shared, b.share_up, nullptr);
      for_live(i, [&](int s) { soften(i, s, parameters); });
      for (int m = 0; m < 2; ++m) {
        const Shape& s = shapes.of[moving_[m]];
        T* const v = b.softened[moving_[m]];
        RunningMoments<T> mixed(s, directed);
        const auto cummax = directional_weights(i, novacula::arc::cummax_down, moving_[m], parameters, nullptr);
        b.cummax[m] = Directional<T, CumulativeMaximum<T>>(s, directional_).forward(cummax, v, b.running[m],
                                                                                    [](Index, Index) {});
        const auto shift = directional_weights(i, novacula::arc::shift_down, moving_[m], parameters, nullptr);
        b.shift[m] = Directional<T, Shift<T>>(s, directional_).forward(
            shift, v, b.shifted[m], [&](Index t, Index tiles) { mixed.add(v + t * cell_size, tiles); });
        b.direction[moving_[m]] = mixed.norm();
      }
      for_live(i, [&](int s) {
        if (!shapes.of[s].has[direction]) return point(i, s, parameters);
        const T* const maps = parameters + at(i, novacula::arc::direction_maps, s);
        const Pointwise<T> layer = pointwise(i, s, parameters);
        if (s != moving_[0] && s != moving_[1]) b.direction[s] = norm_of(shapes.of[s], b.softened[s], directed);
        communicate(shapes.of[s], ties(s), maps, b.direction[s], b.softened[s], b.mixed[s],
                    [&](Index cell, Index cells) { layer(b.mixed[s], b.pointwise[s], cell, cells); });
      });
      const ShareWeights<T> down = share_weights(i, novacula::arc::share_down_down, parameters, nullptr);
      const Stream<T>& next = after(i);
      Share<T, true>(shapes, i, &averages_, down, share_, b.kept_down)
          .forward(b.pointwise, next, b.share_down, &b.out[moving_[1]]);
      for_received(i, [&](int s) {
        if (s != moving_[1]) b.out[s] = norm_of(shapes.of[s], next[s], shapes.of[s].width);
        normalize(shapes.of[s], next[s], shapes.of[s].width, b.out[s]);
      });
    }
  }

  // `g`: the gradient with respect to the output, zero where there is none; becomes that with respect to the input.
  void backward(const T* parameters, T* gradient, const Stream<T>& g) {
    for (int i = blocks - 1; i >= 0; --i) {
      Block<T>& b = block_[i];
      for_received(i, [&](int s) {
        normalize_backward(shapes.of[s], after(i)[s], shapes.of[s].width, b.out[s], g[s]);
      });
      const ShareWeights<T> down = share_weights(i, novacula::arc::share_down_down, parameters, gradient);
      Share<T, true>(shapes, i, &averages_, down, share_, b.kept_down).backward(b.pointwise, b.share_down, g);
      for_live(i, [&](int s) {
        if (!shapes.of[s].has[direction])
          return point_backward(i, s, parameters, gradient, g[s], [](Index, Index) {});
        DirectionSums<T> sums;
        point_backward(i, s, parameters, gradient, g[s], [&](Index cell, Index cells) {
          sums.add(g[s] + cell * cell_size, b.softened[s] + cell * cell_size, cells);
        });
        const Index maps = at(i, novacula::arc::direction_maps, s);
        communicate_backward(shapes.of[s], ties(s), parameters + maps, b.direction[s], sums, b.softened[s], g[s],
                             gradient + maps);
      });
      for (int m = 0; m < 2; ++m) {
        const int s = moving_[m];
        const auto shift = directional_weights(i, novacula::arc::shift_down, s, parameters, gradient);
        Directional<T, Shift<T>>(shapes.of[s], directional_)
            .backward(shift, b.shift[m], b.softened[s], b.shifted[m], g[s]);
        const auto cummax = directional_weights(i, novacula::arc::cummax_down, s, parameters, gradient);
        Directional<T, CumulativeMaximum<T>>(shapes.of[s], directional_)
            .backward(cummax, b.cummax[m], b.softened[s], b.running[m], g[s]);
      }
      for_live(i, [&](int s) { soften_backward(i, s, parameters, gradient, g[s]); });
      const ShareWeights<T> up = share_weights(i, novacula::arc::share_up_down, parameters, gradient);
      Share<T, false>(shapes, i, nullptr, up, share_, b.kept_up).backward(b.entered, b.share_up, g);
    }
  }

 private:
  const Stream<T>& after(int i) const { return i + 1 < blocks ? block_[i + 1].entered : output_; }
  Index at(int i, int weight, int s) const {
    return static_cast<Index>(offsets_->block[i][weight][shapes.of[s].twin]);
  }
  DirectionTies<T> ties(int s) const { return {direction_class_ + s * row * row, strength_}; }

  template <class Visit>
  void for_live(int i, const Visit& visit) const {
    for (int s = 0; s < subsets; ++s)
      if (live(shapes.of[s], i)) visit(s);
  }
  template <class Visit>
  void for_received(int i, const Visit& visit) const {
    for (int s = 0; s < subsets; ++s)
      if (receives(shapes.of[s], i)) visit(s);
  }

  void take_streams(Arena& arena) {
    for (int i = 0; i < blocks; ++i) {
      Block<T>& b = block_[i];
      for (int s = 0; s < subsets; ++s) {
        const Shape& shape = shapes.of[s];
        const bool alive = live(shape, i);
        b.entered[s] = arena.take<T>(shape.size());
        b.shared[s] = alive ? arena.take<T>(shape.size()) : nullptr;
        if (alive) b.softmax[s].take(arena, shape);
        b.softened[s] = alive ? arena.take<T>(shape.size()) : nullptr;
        b.mixed[s] = alive && shape.has[direction] ? arena.take<T>(shape.size()) : b.softened[s];
        b.pointwise[s] = alive ? arena.take<T>(shape.size()) : nullptr;
      }
      b.kept_up.take(arena, shapes, true);
      b.kept_down.take(arena, shapes, false);
      for (int m = 0; m < 2; ++m) {
        b.running[m] = arena.take<T>(shapes.of[moving_[m]].size(moved));
        b.shifted[m] = arena.take<T>(shapes.of[moving_[m]].size(moved));
      }
    }
    for (int s = 0; s < subsets; ++s)
      output_[s] = receives(shapes.of[s], blocks - 1) ? arena.take<T>(shapes.of[s].size()) : nullptr;
  }

  ShareWeights<T> share_weights(int i, int first, const T* parameters, T* gradient) const {
    ShareWeights<T> w;
    for (int s = 0; s < subsets; ++s) {
      const Index down = at(i, first, s), up = at(i, first + 1, s);
      w.down[s] = parameters + down;
      w.up[s] = up < 0 ? nullptr : parameters + up;
      w.d_down[s] = gradient == nullptr ? nullptr : gradient + down;
      w.d_up[s] = gradient == nullptr || up < 0 ? nullptr : gradient + up;
    }
    return w;
  }

  DirectionalWeights<T> directional_weights(int i, int first, int s, const T* parameters, T* gradient) const {
    const Index down = at(i, first, s), up = at(i, first + 1, s);
    if (gradient == nullptr) return {parameters + down, parameters + up, nullptr, nullptr};
    return {parameters + down, parameters + up, gradient + down, gradient + up};
  }

  Pointwise<T> pointwise(int i, int s, const T* parameters) const {
    return {shapes.of[s], parameters + at(i, novacula::arc::nonlinear_down, s),
            parameters + at(i, novacula::arc::nonlinear_up, s)};
  }
  void point(int i, int s, const T* parameters) const {
    const Pointwise<T> layer = pointwise(i, s, parameters);
    for_chunks(shapes.of[s].tiles, [&](Index t, Index tiles) {
      layer(block_[i].mixed[s], block_[i].pointwise[s], t, tiles);
    });
  }

  template <class After>
  void point_backward(int i, int s, const T* parameters, T* gradient, T* g, const After& after) {
    const Index a = at(i, novacula::arc::nonlinear_down, s), up = at(i, novacula::arc::nonlinear_up, s);
    nonlinear_backward(shapes.of[s], parameters + a, parameters + up, block_[i].mixed[s], g, gradient + a,
                       gradient + up, after);
  }

  // Columns of `up` for every group of a subset; groups may share theirs.
  int softmax_columns(int s, const T* up, T* every) const {
    const std::int32_t* const owner = softmax_owner_ + s * max_groups;
    const int groups = groups_of(shapes.of[s]).count, columns = owned_groups(s, groups) * softmax_width;
    for (int j = 0; j < shapes.of[s].width; ++j)
      for (int g = 0; g < groups; ++g)
        for (int k = 0; k < softmax_width; ++k)
          every[(j * groups + g) * softmax_width + k] = up[j * columns + owner[g] * softmax_width + k];
    return groups;
  }
  int owned_groups(int s, int groups) const {
    int most = 0;
    for (int g = 0; g < groups; ++g) {
      const int owner = softmax_owner_[s * max_groups + g];
      most = most > owner ? most : owner;
    }
    return most + 1;
  }

  void soften(int i, int s, const T* parameters) {
    const Shape& shape = shapes.of[s];
    T up[max_width * max_inputs];
    softmax_columns(s, parameters + at(i, novacula::arc::softmax_up, s), up);
    const T* const down = parameters + at(i, novacula::arc::softmax_down, s);
    T *const v = block_[i].shared[s], *const out = block_[i].softened[s];
    SoftmaxKept<T>& kept = block_[i].softmax[s];
    if (shape.has[direction])
      Softmax<T, softmax_width * row>(shape, softmax_, kept).forward(down, up, v, out);
    else
      Softmax<T, softmax_width>(shape, softmax_, kept).forward(down, up, v, out);
  }

  void soften_backward(int i, int s, const T* parameters, T* gradient, T* g) {
    const Shape& shape = shapes.of[s];
    T up[max_width * max_inputs], d_up[max_width * max_inputs] = {};
    const Index down = at(i, novacula::arc::softmax_down, s), up_at = at(i, novacula::arc::softmax_up, s);
    const int groups = softmax_columns(s, parameters + up_at, up);
    const T* const v = block_[i].shared[s];
    SoftmaxKept<T>& kept = block_[i].softmax[s];
    if (shape.has[direction])
      Softmax<T, softmax_width * row>(shape, softmax_, kept)
          .backward(parameters + down, up, v, g, gradient + down, d_up);
    else
      Softmax<T, softmax_width>(shape, softmax_, kept).backward(parameters + down, up, v, g, gradient + down, d_up);
    const int columns = owned_groups(s, groups) * softmax_width;
    for (int j = 0; j < shape.width; ++j)
      for (int c = 0; c < groups * softmax_width; ++c) {
        const int owner = softmax_owner_[s * max_groups + c / softmax_width];
        gradient[up_at + j * columns + owner * softmax_width + c % softmax_width] +=
            d_up[j * groups * softmax_width + c];
      }
  }

  Offsets* offsets_;
  std::int32_t *direction_class_, *softmax_owner_;
  T strength_[row * row];
  Averages<T> averages_;
  ShareScratch<T> share_;
  SoftmaxScratch<T> softmax_;
  DirectionalScratch<T> directional_;
  int moving_[2];  // the subsets of cumulative maximum and shift
  Block<T> block_[blocks];
  Stream<T> output_;
};

}  // namespace novacula::NOVACULA_SET::arc
