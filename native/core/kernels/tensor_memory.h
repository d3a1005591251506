// Owns how kernels take a tensor: channels-last, and as a pointer to its memory, where uint16_t stands for
// the bits of an at::BFloat16.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <type_traits>

namespace cifar10::kernels {

inline constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;

// Null where the tensor is undefined.
template <class Value>
const Value* read(const at::Tensor& tensor) {
  if (!tensor.defined()) return nullptr;
  if constexpr (std::is_same_v<Value, uint16_t>)
    return reinterpret_cast<const uint16_t*>(tensor.const_data_ptr<at::BFloat16>());
  else
    return tensor.const_data_ptr<Value>();
}

template <class Value>
Value* write(const at::Tensor& tensor) {
  if (!tensor.defined()) return nullptr;
  if constexpr (std::is_same_v<Value, uint16_t>)
    return reinterpret_cast<uint16_t*>(tensor.mutable_data_ptr<at::BFloat16>());
  else
    return tensor.mutable_data_ptr<Value>();
}

}  // namespace cifar10::kernels
