// Checks of the kernels: small ones against loops, the whole step against finite differences.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "arc/engine.hpp"

namespace {

using namespace novacula::checked::arc;
using T = double;

std::mt19937_64 generator(1);

T draw() { return std::normal_distribution<T>()(generator); }

std::vector<T> draw(Index count, T scale = 1) {
  std::vector<T> values(static_cast<std::size_t>(count));
  for (T& v : values) v = scale * draw();
  return values;
}

void check(bool holds, const char* what) {
  if (holds) return;
  std::printf("failed: %s\n", what);
  std::exit(1);
}

bool close(T a, T b, T tolerance = 1e-10) { return std::abs(a - b) <= tolerance * (1 + std::abs(a) + std::abs(b)); }

void maps_are_sums_over_channels() {
  for (const int outputs : {2, 4, 6, 8, 14, 16, 30})
    for (const int inputs : {2, 4, 8, 16})
      for (Index tiles = 1; tiles < 8; ++tiles) {
        const auto w = draw(outputs * inputs), bias = draw(outputs), in = draw(tiles * inputs * row),
                   base = draw(tiles * outputs * row);
        std::vector<T> out(base.size());
        apply<T>({w.data(), outputs, inputs, bias.data()}, base.data(), in.data(), out.data(), tiles);
        WeightGradient<T> gradients(outputs, inputs);
        gradient(gradients, base.data(), in.data(), tiles);
        std::vector<T> dw(w.size());
        gradients.add_to(dw.data());
        for (int o = 0; o < outputs; ++o) {
          for (Index at = 0; at < tiles * row; ++at) {
            const Index place = (at / row * outputs + o) * row + at % row;
            T sum = base[place] + bias[o];
            for (int i = 0; i < inputs; ++i) sum += w[o * inputs + i] * in[(at / row * inputs + i) * row + at % row];
            check(close(out[place], sum), "apply");
          }
          for (int i = 0; i < inputs; ++i) {
            T sum = 0;
            for (Index at = 0; at < tiles * row; ++at)
              sum += base[(at / row * outputs + o) * row + at % row] * in[(at / row * inputs + i) * row + at % row];
            check(close(dw[o * inputs + i], sum), "gradient");
          }
        }
      }
}

void tiles_and_cells_are_each_other_s_inverse() {
  for (const int channels : {2, 8, 14, 16})
    for (Index cells = 1; cells < 20; ++cells) {
      const auto values = draw(cells * channels);
      std::vector<T> tiles((cells + row - 1) / row * channels * row, T(7)), back(values.size());
      tiles_from_cells(values.data(), channels, cells, tiles.data());
      cells_from_tiles(tiles.data(), channels, cells, back.data());
      check(back == values, "cells and tiles");
    }
}

void float_functions_are_accurate() {
  for (float x = -87; x < 88; x += 0.0137f) {
    const Vec<float> value = exponential<float>(splat<float>(x));
    check(std::abs(value[3] / std::exp(static_cast<double>(x)) - 1) < 2.5e-7, "exponential");
    if (x > 0) continue;
    const double expected = std::expm1(static_cast<double>(x));
    check(std::abs(exponential_less_one<float>(splat<float>(x))[1] / expected - 1) < 2.5e-7, "exponential less one");
  }
  for (float x = 1e-8f; x < 1; x *= 1.1f)
    check(std::abs(exponential_less_one<float>(splat<float>(-x))[0] / std::expm1(-static_cast<double>(x)) - 1) < 2.5e-7,
          "exponential less one near zero");
  check(exponential<float>(splat<float>(-200))[0] == 0, "exponential far below");
  check(logistic<float>(splat<float>(-200))[0] >= 0 && logistic<float>(splat<float>(200))[0] == 1, "logistic far out");
}

// The directions' steps, as in arc/network/multitensor.py.
constexpr int step_x[row] = {1, 1, 0, -1, -1, -1, 0, 1}, step_y[row] = {0, 1, 1, 1, 0, -1, -1, -1};

struct MovePlane {
  Plane plane;
  std::vector<T> natural, turned, running, moved_plane, lines[6], mask;
  MoveScratch<T> scratch;

  MovePlane(Index rows, Index columns) : plane{rows, columns} {
    for (auto* v : {&natural, &turned, &running, &moved_plane}) v->resize(rows * columns * moved_cell);
    scratch = {natural.data(), turned.data(), running.data(), moved_plane.data(), {}};
    for (int i = 0; i < 6; ++i) {
      lines[i].resize(Lines<T>::size(plane));
      scratch.lines[i] = lines[i].data();
    }
    mask.assign(rows * columns * row, 1);
  }
  T& at(std::vector<T>& v, Index x, Index y, int k) { return v[(x * plane.columns + y) * moved_cell + k]; }
};

// Lane k moves along direction k; with ties, gradients of running maxima go to the last cell that attains them and
// those of a line's extremes are shared.
void running_maxima_and_their_gradients(bool ties) {
  MovePlane p(4, 6);
  for (T& v : p.natural) v = ties ? std::floor(2 * draw()) : draw();
  const auto weight = draw(static_cast<Index>(p.natural.size()));
  flip(p.plane, p.natural.data(), p.turned.data());
  CumulativeMaximum<T>::forward(p.plane, p.mask.data(), p.scratch);
  std::vector<T> out(p.natural.size()), expected_gradient(p.natural.size());
  flip(p.plane, p.moved_plane.data(), out.data());
  const auto inside = [&](Index x, Index y) { return x >= 0 && x < 4 && y >= 0 && y < 6; };
  for (int k = 0; k < moved_cell; ++k)
    for (Index x = 0; x < 4; ++x)
      for (Index y = 0; y < 6; ++y) {
        const int dx = step_x[k % row], dy = step_y[k % row];
        Index sx = x, sy = y;
        while (inside(sx - dx, sy - dy)) sx -= dx, sy -= dy;
        T run = -1e9, high = -1e9, low = 1e9;
        Index at_run[2] = {};
        std::vector<T*> highs, lows;
        bool behind = true;
        for (; inside(sx, sy); sx += dx, sy += dy) {
          const T v = p.at(p.natural, sx, sy, k);
          if (behind && v >= run) run = v, at_run[0] = sx, at_run[1] = sy;
          if (sx == x && sy == y) behind = false;
          T* const place = &p.at(expected_gradient, sx, sy, k);
          if (v > high) highs.clear(), high = v;
          if (v == high) highs.push_back(place);
          if (v < low) lows.clear(), low = v;
          if (v == low) lows.push_back(place);
        }
        const bool diagonal = dx != 0 && dy != 0;
        const T m = diagonal ? 0 : 1e-3, n = run - low + m, d = high - low + 2 * m + (diagonal ? 1e-5 : 0);
        check(close(p.at(out, x, y, k), 2 * n / d - 1), "running maximum");
        const T e = 2 * p.at(const_cast<std::vector<T>&>(weight), x, y, k) / d, dhigh = -e * n / d, dlow = -e - dhigh;
        p.at(expected_gradient, at_run[0], at_run[1], k) += e;
        for (T* place : highs) *place += dhigh / static_cast<T>(highs.size());
        for (T* place : lows) *place += dlow / static_cast<T>(lows.size());
      }
  flip(p.plane, weight.data(), p.moved_plane.data());
  CumulativeMaximum<T>::backward(p.plane, p.mask.data(), p.scratch);
  flip(p.plane, p.turned.data(), out.data());
  for (std::size_t i = 0; i < out.size(); ++i)
    check(std::abs(out[i] - expected_gradient[i]) < 1e-7 * (1 + std::abs(expected_gradient[i])) + 1e-6,
          "gradient of the running maximum");
}

// A puzzle, its arrays, and an engine in memory of exactly its size.
struct Case {
  std::vector<std::uint8_t> mask, target;
  std::vector<std::int32_t> extent, classes, owners;
  std::vector<Grid> grids;
  std::vector<double> strength = {1.0, 0.2, 0.4, 0.2, 1.0, 0.2, 0.4, 0.2};
  Offsets offsets;
  Puzzle puzzle;
  std::vector<double> kl = std::vector<double>(subsets);
  double reconstruction;
  std::vector<T> color, rows, columns;
  void* memory;
  Engine<T>* engine;

  Case(int e, int c, int x, int y, bool known) {
    mask.resize(e * x * y);
    target.resize(e * x * y * modes);
    for (auto& t : target) t = static_cast<std::uint8_t>(generator() % (c + 1));
    for (int i = 0; i < e; ++i) {
      const int height = i == 0 ? x : 1 + static_cast<int>(generator() % x), width = i == 0 ? y : (y + 1) / 2;
      extent.insert(extent.end(), {height, width});
      for (int a = 0; a < height; ++a)
        for (int b = 0; b < width; ++b) mask[(i * x + a) * y + b] = 1;
      for (int mode = 0; mode < (i + 1 < e ? 2 : 1); ++mode)
        grids.push_back({i, mode, height, mode == 0 ? width : (width + 1) / 2, known});
    }
    classes.resize(subsets * row * row);
    for (auto& k : classes) k = static_cast<std::int32_t>(generator() % 10);
    owners.resize(subsets * max_groups);
    for (int i = 0; i < subsets * max_groups; ++i) owners[i] = i % max_groups;
    puzzle = {e, c, x, y, e - 1, static_cast<std::int32_t>(grids.size()), known, mask.data(), target.data(),
              extent.data(), grids.data(), classes.data(), strength.data(), owners.data(), &offsets, 0};
    place_weights();
    color.resize(c * x * y);
    rows.resize(x);
    columns.resize(y);
    std::size_t bytes = 0;
    Engine<T> counting;
    Arena counter(nullptr);
    counting.take(counter, puzzle);
    bytes = counter.used();
    memory = std::aligned_alloc(64, bytes);
    std::memset(memory, 0, bytes);
    Arena arena(memory);
    engine = new (::operator new(sizeof(Engine<T>))) Engine<T>;
    engine->take(arena, puzzle);
    engine->fill(puzzle);
  }
  ~Case() {
    std::free(memory);
    ::operator delete(engine);
  }

  void place_weights() {
    Shapes shapes;
    list_shapes(puzzle, shapes);
    std::int64_t used = 0, positions = 0;
    const auto place = [&](std::int64_t& at, std::int64_t count) {
      at = used;
      used += count;
    };
    for (int s = 0; s < subsets; ++s) {
      const Shape& shape = shapes.of[s];
      const int w = shape.width, groups = groups_of(shape).count;
      positions += shape.positions();
      place(offsets.decode_weight[s], w * latent_channels);
      place(offsets.decode_bias[s], w);
      const int sizes[] = {16 * w, 16 * w, 2 * w,   2 * w * groups, 4 * w, 4 * w, 4 * w,
                           4 * w,  64 * 10, 16 * w, 16 * w,         8 * w, 8 * w};
      for (auto& block : offsets.block)
        for (int i = 0; i < novacula::arc::weights_of_block; ++i) place(block[i][s], sizes[i]);
    }
    place(offsets.color_weight, 32);
    place(offsets.color_bias, 2);
    place(offsets.size_weight, 32);
    place(offsets.size_bias, 2);
    place(offsets.target, latent_channels * subsets);
    place(offsets.mean, latent_channels * positions);
    place(offsets.adjustment, latent_channels * positions);
    puzzle.parameters = used;
    positions_ = positions;
  }

  T loss(const std::vector<T>& parameters, const std::vector<T>& noise, std::vector<T>& gradient) {
    const std::vector<T> zeros(parameters.size());
    engine->load(parameters.data(), zeros.data(), zeros.data());
    gradient.resize(parameters.size());
    engine->gradients(noise.data(), 40, report(), gradient.data());
    T sum = reconstruction_weight * reconstruction;
    for (const double nats : kl) sum += nats;
    return sum;
  }
  Report<T> report() { return {kl.data(), &reconstruction, color.data(), rows.data(), columns.data()}; }

  std::int64_t positions_;
};

void gradients_are_those_of_the_loss(int e, int c, int x, int y, bool known) {
  Case p(e, c, x, y, known);
  auto parameters = draw(p.puzzle.parameters, 0.3);
  for (Index i = 0; i < latent_channels * subsets; ++i) parameters[p.offsets.target + i] -= 0.3;
  const auto noise = draw(latent_channels * p.positions_);
  std::vector<T> gradient, unused;
  p.loss(parameters, noise, gradient);
  for (int trial = 0; trial < 2; ++trial) {
    const auto way = draw(p.puzzle.parameters);
    T slope = 0, losses[2];
    for (std::size_t i = 0; i < way.size(); ++i) slope += way[i] * gradient[i];
    for (int side = 0; side < 2; ++side) {
      auto moved_parameters = parameters;
      for (std::size_t i = 0; i < way.size(); ++i) moved_parameters[i] += (side == 0 ? 1e-7 : -1e-7) * way[i];
      losses[side] = p.loss(moved_parameters, noise, unused);
    }
    const T found = (losses[0] - losses[1]) / 2e-7;
    if (std::abs(found - slope) > 2e-3 * std::abs(slope) + 0.05) std::printf("%g against %g\n", found, slope);
    check(std::abs(found - slope) <= 2e-3 * std::abs(slope) + 0.05, "gradient of the loss");
  }
}

void steps_repeat_and_continue_from_their_state() {
  Case whole(2, 3, 4, 3, false);
  const auto parameters = draw(whole.puzzle.parameters, 0.1);
  const std::vector<T> zeros(parameters.size());
  std::vector<T> state[3] = {zeros, zeros, zeros}, again[3] = {zeros, zeros, zeros};
  whole.engine->load(parameters.data(), zeros.data(), zeros.data());
  for (int step = 0; step < 4; ++step) whole.engine->step(5, step, {0.01, 1}, whole.report());
  whole.engine->state(state[0].data(), state[1].data(), state[2].data());
  whole.engine->load(parameters.data(), zeros.data(), zeros.data());
  for (int step = 0; step < 4; ++step) {
    whole.engine->step(5, step, {0.01, 1}, whole.report());
    whole.engine->state(again[0].data(), again[1].data(), again[2].data());
    whole.engine->load(again[0].data(), again[1].data(), again[2].data());
  }
  for (int i = 0; i < 3; ++i) check(state[i] == again[i], "steps through saved states");
  check(state[0] != parameters, "steps change the parameters");
}

}  // namespace

int main() {
  maps_are_sums_over_channels();
  tiles_and_cells_are_each_other_s_inverse();
  float_functions_are_accurate();
  running_maxima_and_their_gradients(false);
  running_maxima_and_their_gradients(true);
  gradients_are_those_of_the_loss(2, 2, 3, 4, true);
  gradients_are_those_of_the_loss(3, 1, 5, 2, false);
  gradients_are_those_of_the_loss(2, 4, 1, 1, true);
  steps_repeat_and_continue_from_their_state();
  std::printf("all checks passed\n");
}
