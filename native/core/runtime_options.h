// Owns the plain struct that says where and in which arithmetic a model runs. No defaults: conf/ has them,
// lib/config has checked their ranges, and the binding fills every field.
#pragma once

#include <cstdint>

#include "kernels/choice.h"

namespace cifar10 {

enum class Precision { kBf16, kFp32 };
enum class DeviceChoice { kAuto, kCpu, kCuda };

// Where and in which arithmetic a model runs.
struct RuntimeOptions {
  DeviceChoice device;
  Precision precision;
  int64_t threads;  // of one operation on the CPU
  Kernels kernels;
  int64_t max_winograd_tile;  // side of own convolutions' largest tiles, 2 or 4
};

}  // namespace cifar10
