// Memory handed out from one block, once.
#pragma once

#include <cstddef>
#include <cstdint>

namespace novacula::NOVACULA_SET::arc {

// With a null base it only counts, so that the same code first tells how much it needs and then takes it.
class Arena {
 public:
  explicit Arena(void* base) : base_(static_cast<std::uint8_t*>(base)) {}

  template <class T>
  T* take(std::ptrdiff_t count) {
    T* const result = reinterpret_cast<T*>(base_ + used_);
    used_ += (static_cast<std::size_t>(count) * sizeof(T) + 63) / 64 * 64;
    return base_ == nullptr ? nullptr : result;
  }

  std::size_t used() const { return used_; }
  // Hands out again what was taken since `used` was so much, or skips up to there.
  void rewind(std::size_t used) { used_ = used; }

 private:
  std::uint8_t* base_;
  std::size_t used_ = 0;
};

}  // namespace novacula::NOVACULA_SET::arc
