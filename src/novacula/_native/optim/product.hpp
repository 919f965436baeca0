// T(phi) v = (H E)' (H E) v: through the layers and back.
//
//   forward   p = u[forward_i],  o_b = p_b W_b             for each block b
//   back      q_b = y_b W_b',    y of the layer before = q[backward_i]
//
// One pass over a layer gathers, multiplies and leaves what it met, so phi is read once each way. The gather on the way
// back is done where its values are used: by the layer before.
#pragma once

#include "vector.hpp"

namespace novacula::NOVACULA_SET::optim {

template <class T>
using Layers = novacula::optim::Layers<T>;

// The sides of blocks: known when compiled (Side > 0), which keeps a block's vectors in registers, or not (0).
template <int Side>
NOVACULA_OPTIM_INLINE Index side_of(Index side) {
  return Side > 0 ? Side : side;
}
template <int Side>
constexpr int room = Side > 0 ? Side : novacula::optim::largest_side;

using novacula::optim::Route;

// The routes of one layer.
NOVACULA_OPTIM_INLINE Route of_layer(const Route& route, Index offset) {
  return {route.put == nullptr ? nullptr : route.put + offset, route.get + offset};
}

// The window that holds a place.
template <class T>
NOVACULA_OPTIM_INLINE const T* window_of(const T* vector, Index place, Index window) {
  return vector + place / window * window;
}

// Writes the numbers of one group where their readers find them.
template <class T>
NOVACULA_OPTIM_INLINE void put(const T* values, T* to, const std::int32_t* places, Index count) {
#pragma GCC unroll 16
  for (Index i = 0; i < count; ++i) to[places[i]] = values[i];
}

// Whether what the layers meet leaves the caches before it is read.
template <class T>
bool is_much(const Layers<T>& layers) {
  return layers.depth * layers.groups * layers.side * group_lanes * Index{sizeof(T)} > Index{1} << 19;
}

template <class T>
NOVACULA_OPTIM_INLINE void keep(T* met, Vec<T> v, bool much) {
  if (much) {
    stream<T>(met, v);
  } else {
    store<T>(met, v);
  }
}

// Scalars to the layout: block b, scalar j to group b / 16, row j, lane b % 16; the rest is 0.
template <class T>
void enter(const Layers<T>& layers, const T* v, T* u) {
  const Index side = layers.side, places = layers.groups * side * group_lanes;
  const std::int32_t* const put = layers.forward.put;
  for (Index i = 0; i < places; ++i) u[i] = 0;
  for (Index scalar = 0, block = 0; scalar < layers.n; ++block) {
    const Index start = (block / group_lanes) * side * group_lanes + block % group_lanes;
    for (Index j = 0; j < side && scalar < layers.n; ++j) {
      const Index place = start + j * group_lanes;
      u[put == nullptr ? place : put[place]] = v[scalar++];
    }
  }
}

// From the layout, by the route that belongs to the first layer.
template <class T>
void leave(const Layers<T>& layers, const T* u, T* out) {
  const Index side = layers.side;
  for (Index scalar = 0, block = 0; scalar < layers.n; ++block) {
    const Index start = (block / group_lanes) * side * group_lanes + block % group_lanes;
    for (Index j = 0; j < side && scalar < layers.n; ++j) {
      const Index place = start + j * group_lanes;
      out[scalar++] = window_of(u, place, layers.window)[layers.backward.get[place]];
    }
  }
}

// One layer forward, from u to o; what it met goes to `met`. `get` is of this layer, `next` of the one after, or null.
template <class T, int Side>
void layer_forward(const T* weights, const std::uint16_t* get, const T* u, T* o, const std::int32_t* next, T* met,
                   Index groups, Index any, Index window, bool much) {
  const Index side = side_of<Side>(any), tile = side * group_lanes;
  for (Index group = 0; group < groups; ++group) {
    const T* const from = window_of(u, group * tile, window);
    T made[room<Side> * group_lanes];
    T* const out = next == nullptr ? o + group * tile : made;
    for (Index lane = 0; lane < group_lanes; lane += width<T>) {
      Vec<T> sum[room<Side>] = {};
      for (Index i = 0; i < side; ++i) {
        const Vec<T> p = gather<T>(from, get + i * group_lanes + lane);
        keep<T>(met + i * group_lanes + lane, p, much);
        const T* const row = weights + i * tile + lane;
        for (Index j = 0; j < side; ++j) sum[j] += p * load<T>(row + j * group_lanes);
      }
      for (Index j = 0; j < side; ++j) store<T>(out + j * group_lanes + lane, sum[j]);
    }
    if (next != nullptr) put<T>(made, o, next + group * tile, tile);
    weights += tile * side;
    get += tile;
    met += tile;
  }
}

// One layer back, from q to out. What enters it is read by the route of the layer after, the last layer's as it is; what
// it makes is written by its own.
template <class T, int Side>
void layer_back(const T* weights, const std::uint16_t* get, const T* q, T* o, const std::int32_t* own, T* met,
                Index groups, Index any, Index window, bool much) {
  const Index side = side_of<Side>(any), tile = side * group_lanes;
  for (Index group = 0; group < groups; ++group) {
    // The hardware's own prefetching falls behind here; measured.
    for (Index k = 0; k < tile * side; k += 64 / Index{sizeof(T)}) __builtin_prefetch(weights + 2 * tile * side + k);
    const T* const from = get == nullptr ? q + group * tile : window_of(q, group * tile, window);
    T made[room<Side> * group_lanes];
    T* const out = own == nullptr ? o + group * tile : made;
    for (Index lane = 0; lane < group_lanes; lane += width<T>) {
      Vec<T> y[room<Side>];
      for (Index j = 0; j < side; ++j) {
        const Index place = j * group_lanes + lane;
        y[j] = get == nullptr ? load<T>(from + place) : gather<T>(from, get + group * tile + place);
        keep<T>(met + place, y[j], much);
      }
      for (Index i = 0; i < side; ++i) {
        const T* const row = weights + i * tile + lane;
        Vec<T> sum = {};
        for (Index j = 0; j < side; ++j) sum += y[j] * load<T>(row + j * group_lanes);
        store<T>(out + i * group_lanes + lane, sum);
      }
    }
    if (own != nullptr) put<T>(made, o, own + group * tile, tile);
    weights += tile * side;
    met += tile;
  }
}

template <class T>
NOVACULA_OPTIM_INLINE void exchange(T*& a, T*& b) {
  T* const kept = a;
  a = b;
  b = kept;
}

// H E v; the result lies in the vector that is returned, the other one is free.
template <class T, int Side>
T* through(const Layers<T>& layers, const T* v, T* met, T*& spare) {
  const Index places = layers.groups * layers.side * group_lanes, weights = places * layers.side;
  T *u = layers.here, *o = layers.there;
  enter(layers, v, u);
  for (Index i = 0; i < layers.depth; ++i) {
    const Route route = of_layer(layers.forward, i * layers.stride);
    const std::int32_t* const next =
        i + 1 < layers.depth ? of_layer(layers.forward, (i + 1) * layers.stride).put : nullptr;
    layer_forward<T, Side>(layers.phi + i * weights, route.get, u, o, next, met + i * places, layers.groups,
                           layers.side, layers.window, is_much(layers));
    exchange(u, o);
  }
  spare = o;
  return u;
}

template <class T, int Side>
void apply(const Layers<T>& layers, const T* v, T* out) {
  const Index places = layers.groups * layers.side * group_lanes, weights = places * layers.side;
  T* o;
  T* q = through<T, Side>(layers, v, layers.met_forward, o);
  const std::uint16_t* get = nullptr;
  for (Index i = layers.depth - 1; i >= 0; --i) {
    const Route own = of_layer(layers.backward, i * layers.stride);
    layer_back<T, Side>(layers.phi + i * weights, get, q, o, own.put, layers.met_back + i * places, layers.groups,
                        layers.side, layers.window, is_much(layers));
    get = own.get;
    exchange(q, o);
  }
  leave(layers, q, out);
}

}  // namespace novacula::NOVACULA_SET::optim
