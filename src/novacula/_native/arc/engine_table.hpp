// The functions of the engine in one scalar type, NOVACULA_SCALAR; included once for each.
#include "engine.hpp"

#include "table.hpp"

namespace novacula::NOVACULA_SET::arc {
namespace {

using T = NOVACULA_SCALAR;

Engine<T>& engine_of(void* engine) { return *static_cast<Engine<T>*>(engine); }

void* create(const Puzzle& puzzle, void* memory, std::size_t* bytes) {
  // Laying out an engine needs one; the first time round it lives on the stack.
  alignas(64) unsigned char counted[sizeof(Engine<T>)];
  Arena arena(memory);
  void* const place = arena.take<unsigned char>(sizeof(Engine<T>));
  Engine<T>* const engine = new (memory == nullptr ? counted : place) Engine<T>;
  engine->take(arena, puzzle);
  *bytes = arena.used();
  if (memory == nullptr) return nullptr;
  engine->fill(puzzle);
  return engine;
}

}  // namespace

#define NOVACULA_JOIN_OF(a, b) a##b
#define NOVACULA_JOIN(a, b) NOVACULA_JOIN_OF(a, b)

const novacula::arc::EngineTable<T> NOVACULA_JOIN(engine_, NOVACULA_SCALAR) = {
    create,
    [](void* engine, const T* parameters, const T* first, const T* second) {
      engine_of(engine).load(parameters, first, second);
    },
    [](const void* engine, T* parameters, T* first, T* second) {
      static_cast<const Engine<T>*>(engine)->state(parameters, first, second);
    },
    [](void* engine, std::uint64_t seed, std::int64_t step, const Pace& pace, const Report<T>& report) {
      engine_of(engine).step(seed, step, pace, report);
    },
    [](void* engine, const T* noise, std::int64_t step, const Report<T>& report, T* gradient) {
      engine_of(engine).gradients(noise, step, report, gradient);
    },
    [](void* engine, const Report<T>& report) { engine_of(engine).decode_means(report); },
    [](const void* engine, int block, int stage, int subset, T* out) {
      return static_cast<const Engine<T>*>(engine)->stream(block, stage, subset, out);
    },
};

}  // namespace novacula::NOVACULA_SET::arc
