// Owns how random numbers are drawn: every use has a generator of its own, made from the run's seed, the
// purpose and a counter. No global generator is touched, so two runs in one process cannot disturb each
// other, and the state of a run is the pair (seed, counter).
#pragma once

#include <ATen/CPUGeneratorImpl.h>

#include <cstdint>

namespace cifar10 {

enum class RandomStream : uint64_t {
  kInit = 1,
  kEpoch = 2,
  kFlip = 3,
  kSplit = 4,
  kDropout = 10,
  kPolicy = 16,
  kColor = 17,
  kCutout = 18,
  kErasing = 19,
  kMix = 20,
};

// splitmix64's finalizer (Steele et al. 2014): neighbouring seeds give unrelated generators.
inline uint64_t mix_bits(uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// The seed of the generator for one use.
inline uint64_t stream_seed(uint64_t seed, RandomStream stream, uint64_t counter) {
  return mix_bits(mix_bits(mix_bits(seed) ^ static_cast<uint64_t>(stream)) ^ counter);
}

inline at::Generator make_generator(uint64_t seed, RandomStream stream, uint64_t counter) {
  return at::make_generator<at::CPUGeneratorImpl>(stream_seed(seed, stream, counter));
}

}  // namespace cifar10
