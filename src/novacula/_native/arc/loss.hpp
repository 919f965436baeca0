// The reconstruction error: minus the log-likelihood of the known grids, over all places where each may lie.
//
// For a grid of h x w cells on a canvas of X rows and Y columns, with row scores P, column scores Q and the colors'
// log-probabilities L, the evidence of offset (i, j) is
//   A(i, j) = 2 alpha sum P[i .. i+h) - Zx + 2 alpha sum Q[j .. j+w) - Zy + sum over cells of L[target](i + a, j + b),
// where Zx is the log-sum-exp of 2 alpha sum P over all runs of rows (over those of length h, if the size is known), Zy
// likewise: twice a run's sum differs from inside minus outside by the same number for all runs. The error is
//   R = - log-sum-exp(beta A) / beta,    alpha = 0.01^u, beta = 0.1^u, u = max(0, 1 - step / 100); both 1 if size known.
// A grid of known size stays within the larger of its example's two grids: beyond, every row costs e^-2000.
//
// Backward. With W = softmax(beta A), which sums to 1:  dA = -W. Then dL[target](i + a, j + b) -= W(i, j); a run of
// rows [i, i + h) gets -sum_j W(i, j) and, through Zx, every run gets + its share exp(2 alpha sum - Zx); a run's
// gradient goes to each of its cells, times 2 alpha; log-probabilities pass theirs on as
// dL - softmax(L) sum over colors of dL.
#pragma once

#include "arena.hpp"
#include "functions.hpp"
#include "heads.hpp"

namespace novacula::NOVACULA_SET::arc {

using novacula::arc::Grid;

constexpr double reconstruction_weight = 10, warm_up_steps = 100;
constexpr int max_side = 30;

// The runs of one line, rows or columns. Double throughout: scores out of range are -1000.
struct RunScores {
  double prefix[max_side + 1];
  double share[max_side + 1][max_side + 1];  // [start][end], of the runs that count
  double log_normalizer;
  int length, fixed;  // cells of the line; the run's length if known, else 0

  template <class T>
  RunScores(const T* scores, int length_, int fixed_, double alpha) : length(length_), fixed(fixed_) {
    prefix[0] = 0;
    for (int i = 0; i < length; ++i) prefix[i + 1] = prefix[i] + alpha * static_cast<double>(scores[i]);
    double most = -__builtin_huge_val(), sum = 0;
    for_each_run([&](int start, int end) { most = run(start, end) > most ? run(start, end) : most; });
    for_each_run([&](int start, int end) { sum += share[start][end] = __builtin_exp(run(start, end) - most); });
    log_normalizer = most + __builtin_log(sum);
    for_each_run([&](int start, int end) { share[start][end] /= sum; });
  }

  double run(int start, int end) const { return 2 * (prefix[end] - prefix[start]); }
  double log_probability(int start, int end) const { return run(start, end) - log_normalizer; }

  // `taken`: the weight of the run of the grid's own length that starts at each offset. Adds to the scores' gradient.
  template <class T>
  void backward(const double* taken, int offsets, int own, double factor, T* d_scores) const {
    double steps[max_side + 2] = {};  // the gradient is the sum of these
    for (int i = 0; i < offsets; ++i) {
      steps[i] -= taken[i];
      steps[i + own] += taken[i];
    }
    for_each_run([&](int start, int end) {
      steps[start] += share[start][end];
      steps[end] -= share[start][end];
    });
    double sum = 0;
    for (int i = 0; i < length; ++i) d_scores[i] += static_cast<T>(2 * factor * (sum += steps[i]));
  }

 private:
  template <class Visit>
  NOVACULA_INLINE void for_each_run(const Visit& visit) const {
    for (int start = 0; start < length; ++start)
      for (int end = fixed ? start + fixed : start + 1; end <= length; ++end) {
        visit(start, end);
        if (fixed) break;
      }
  }
};

// Outputs of the heads and their gradients: [mode][example][..].
template <class T>
struct Outputs {
  T *color, *row, *column;
};

template <class T>
class Reconstruction {
 public:
  void take(Arena& arena, const Puzzle& p) {
    cells_ = Index{p.rows} * p.columns;
    // Padded, so that vectors may run over the end.
    log_probability_ = arena.take<T>((p.colors + 1) * cells_ + row);
    gradient_ = arena.take<T>((p.colors + 1) * cells_ + row);
    evidence_ = arena.take<double>(cells_);
    target_ = arena.take<std::uint8_t>(Index{p.examples} * cells_ * modes);
    grids_ = arena.take<Grid>(p.grid_count);
    extent_ = arena.take<std::int32_t>(Index{p.examples} * 2);
    puzzle_ = p;
  }

  void fill(const Puzzle& p) {
    std::memcpy(target_, p.target, static_cast<std::size_t>(p.examples * cells_ * modes));
    std::memcpy(grids_, p.grids, sizeof(Grid) * static_cast<std::size_t>(p.grid_count));
    std::memcpy(extent_, p.extent, sizeof(std::int32_t) * static_cast<std::size_t>(p.examples) * 2);
  }

  // Lowers the scores of rows and columns beyond both grids of an example.
  void bar_out_of_range(const Outputs<T>& outputs) const {
    for (Index m = 0; m < modes; ++m)
      for (Index e = 0; e < puzzle_.examples; ++e) {
        const Index image = m * puzzle_.examples + e;
        for (Index i = extent_[2 * e]; i < puzzle_.rows; ++i) outputs.row[image * puzzle_.rows + i] += out_of_range;
        for (Index j = extent_[2 * e + 1]; j < puzzle_.columns; ++j)
          outputs.column[image * puzzle_.columns + j] += out_of_range;
      }
  }

  // Returns the error; adds its gradient times `reconstruction_weight`.
  double operator()(const Outputs<T>& outputs, std::int64_t step, const Outputs<T>& d) const {
    double error = 0;
    for (int i = 0; i < puzzle_.grid_count; ++i) error += grid_error(grids_[i], outputs, step, d);
    return error;
  }

 private:
  Index plane(const Grid& g) const { return Index{g.mode} * puzzle_.examples + g.example; }

  double grid_error(const Grid& g, const Outputs<T>& outputs, std::int64_t step, const Outputs<T>& d) const {
    const double ramp = g.size_known || step >= warm_up_steps ? 0 : 1 - static_cast<double>(step) / warm_up_steps;
    const double alpha = __builtin_pow(0.01, ramp), beta = __builtin_pow(0.1, ramp);
    const int room_rows = g.size_known ? extent_[2 * g.example] : puzzle_.rows;
    const int room_columns = g.size_known ? extent_[2 * g.example + 1] : puzzle_.columns;
    const int down = room_rows - g.height + 1, right = room_columns - g.width + 1;
    const RunScores rows(outputs.row + plane(g) * puzzle_.rows, puzzle_.rows, g.size_known ? g.height : 0, alpha);
    const RunScores columns(outputs.column + plane(g) * puzzle_.columns, puzzle_.columns,
                            g.size_known ? g.width : 0, alpha);
    const T* const logits = outputs.color + plane(g) * puzzle_.colors * cells_;
    take_log_softmax(logits);
    sum_colors(g, down, right);

    double most = -__builtin_huge_val(), sum = 0;
    for (int i = 0; i < down; ++i)
      for (int j = 0; j < right; ++j) {
        double& a = evidence_[i * right + j];
        a = beta * (a + rows.log_probability(i, i + g.height) + columns.log_probability(j, j + g.width));
        most = a > most ? a : most;
      }
    double row_weight[max_side + 1] = {}, column_weight[max_side + 1] = {};
    for (int i = 0; i < down * right; ++i) sum += evidence_[i] = __builtin_exp(evidence_[i] - most);
    for (int i = 0; i < down; ++i)
      for (int j = 0; j < right; ++j) {
        const double weight = evidence_[i * right + j] /= sum;
        row_weight[i] += weight;
        column_weight[j] += weight;
      }
    const double factor = reconstruction_weight * alpha;
    rows.backward(row_weight, down, g.height, factor, d.row + plane(g) * puzzle_.rows);
    columns.backward(column_weight, right, g.width, factor, d.column + plane(g) * puzzle_.columns);
    colors_backward(g, down, right, d.color + plane(g) * puzzle_.colors * cells_);
    return -(most + __builtin_log(sum)) / beta;
  }

  // log_probability_[color with black][cell].
  void take_log_softmax(const T* logits) const {
    const Index padded = (cells_ + row - 1) / row * row;
    for (Index c = 0; c < padded; c += row) {
      const Index here = cells_ - c < row ? cells_ - c : Index{row};
      Vec<T> most = {}, sum = {};
      for (int k = 0; k < puzzle_.colors; ++k) most = larger(most, some(logits + k * cells_ + c, here));
      sum = exponential<T>(-most);
      for (int k = 0; k < puzzle_.colors; ++k)
        sum += exponential<T>(some(logits + k * cells_ + c, here) - most);
      for (Index lane = 0; lane < here; ++lane) {
        const T log_sum = static_cast<T>(most[lane] + __builtin_log(static_cast<double>(sum[lane])));
        log_probability_[c + lane] = -log_sum;
        for (int k = 0; k < puzzle_.colors; ++k)
          log_probability_[(k + 1) * cells_ + c + lane] = logits[k * cells_ + c + lane] - log_sum;
      }
    }
  }

  static Vec<T> some(const T* from, Index count) {
    if (count == row) return load<T>(from);
    Vec<T> v = {};
    for (Index lane = 0; lane < count; ++lane) v[lane] = from[lane];
    return v;
  }

  int color_at(const Grid& g, int a, int b) const {
    return target_[((Index{g.example} * puzzle_.rows + a) * puzzle_.columns + b) * modes + g.mode];
  }

  // evidence_[offset] = sum of the grid's log-probabilities there.
  void sum_colors(const Grid& g, int down, int right) const {
    for (int i = 0; i < down * right; ++i) evidence_[i] = 0;
    for (int a = 0; a < g.height; ++a)
      for (int b = 0; b < g.width; ++b) {
        const T* const from = log_probability_ + color_at(g, a, b) * cells_ + a * puzzle_.columns + b;
        for (int i = 0; i < down; ++i)
          for (int j = 0; j < right; ++j) evidence_[i * right + j] += from[i * puzzle_.columns + j];
      }
  }

  void colors_backward(const Grid& g, int down, int right, T* d_logits) const {
    std::memset(gradient_, 0, sizeof(T) * static_cast<std::size_t>((puzzle_.colors + 1) * cells_));
    for (int a = 0; a < g.height; ++a)
      for (int b = 0; b < g.width; ++b) {
        T* const to = gradient_ + color_at(g, a, b) * cells_ + a * puzzle_.columns + b;
        for (int i = 0; i < down; ++i)
          for (int j = 0; j < right; ++j)
            to[i * puzzle_.columns + j] -= static_cast<T>(reconstruction_weight * evidence_[i * right + j]);
      }
    for (Index c = 0; c < cells_; ++c) {
      T total = 0;
      for (int k = 0; k <= puzzle_.colors; ++k) total += gradient_[k * cells_ + c];
      gradient_[c] = total;  // black's own is not needed any more
    }
    for (int k = 1; k <= puzzle_.colors; ++k)
      for (Index c = 0; c < cells_; c += row) {
        const Index here = cells_ - c < row ? cells_ - c : Index{row}, at = k * cells_ + c;
        const Vec<T> d = load<T>(gradient_ + at) -
                         exponential<T>(load<T>(log_probability_ + at)) * load<T>(gradient_ + c);
        for (Index lane = 0; lane < here; ++lane) d_logits[at - cells_ + lane] += d[lane];
      }
  }

  Puzzle puzzle_;
  Index cells_;
  T *log_probability_, *gradient_;
  double* evidence_;
  std::uint8_t* target_;
  Grid* grids_;
  std::int32_t* extent_;
};

}  // namespace novacula::NOVACULA_SET::arc
