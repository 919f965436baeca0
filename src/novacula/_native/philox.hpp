#pragma once

#include <cstddef>
#include <cstdint>

namespace novacula::NOVACULA_SET {

void philox_normal(std::uint64_t seed, std::uint32_t stream, std::uint32_t step, std::size_t count, float* out);
void philox_normal_from(std::uint64_t seed, std::uint32_t stream, std::uint32_t step, std::uint32_t block,
                        std::size_t count, float* out);

}  // namespace novacula::NOVACULA_SET
