// Latents and noise between the shared layout and the engine's own.
//
// The shared layout is [channel][position]; a tensor's positions run over direction, example, color, x and y, direction
// slowest. Here a tensor's latents are tiles of 4 channels.
#pragma once

#include "../philox.hpp"
#include "shapes.hpp"

namespace novacula::NOVACULA_SET::arc {

// Visits (position, where channel 0 lies in tiles of so many channels); the next channel lies 8 numbers on.
template <class Visit>
NOVACULA_INLINE void for_each_position(const Shape& s, int channels, const Visit& visit) {
  const Index positions = s.positions();
  for (Index p = 0; p < positions; ++p) {
    const Index cell = p % s.cells, lane = s.has[direction] ? p / s.cells : cell % row;
    visit(p, (s.has[direction] ? cell : cell / row) * channels * row + lane);
  }
}

// `shared` points at the tensor's first position; its channels are `stride` numbers apart.
template <class T>
void tiles_from_shared(const Shape& s, int channels, const T* shared, Index stride, T* tiles) {
  for_each_position(s, channels, [&](Index p, Index at) {
    for (int k = 0; k < channels; ++k) tiles[at + k * row] = shared[k * stride + p];
  });
  if (s.padding > 0) clear_padding(s, channels, tiles);
}

template <class T>
void shared_from_tiles(const Shape& s, int channels, const T* tiles, Index stride, T* shared) {
  for_each_position(s, channels, [&](Index p, Index at) {
    for (int k = 0; k < channels; ++k) shared[k * stride + p] = tiles[at + k * row];
  });
}

// Noise of one tensor: block p of stream `stream` gives the four channels of position p.
template <class T>
void draw_noise(const Shape& s, std::uint64_t seed, std::uint32_t stream, std::uint32_t step, T* tiles) {
  constexpr Index cells_at_once = 64;
  const int sources = s.has[direction] ? row : 1;
  alignas(64) float drawn[row * cells_at_once * latent_channels];
  alignas(64) T values[row][cells_at_once * latent_channels];
  for (Index c = 0; c < s.cells; c += cells_at_once) {
    const Index cells = s.cells - c < cells_at_once ? s.cells - c : cells_at_once, count = cells * latent_channels;
    for (int d = 0; d < sources; ++d) {
      philox_normal_from(seed, stream, step, static_cast<std::uint32_t>(d * s.cells + c),
                         static_cast<std::size_t>(count), drawn);
      for (Index i = 0; i < count; ++i) values[d][i] = drawn[i];
    }
    T* const out = tiles + c * latent_channels * (s.has[direction] ? row : 1);
    if (!s.has[direction]) {
      tiles_from_cells(values[0], latent_channels, cells, out);
      continue;
    }
    for (Index i = 0; i < count; i += latent_channels)
      for (int k = 0; k < latent_channels; ++k)
        for (int d = 0; d < row; ++d) out[(i + k) * row + d] = values[d][i + k];
  }
}

}  // namespace novacula::NOVACULA_SET::arc
