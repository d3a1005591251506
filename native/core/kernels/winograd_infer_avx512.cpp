// Convolutions in evaluation mode, with the norm, residual sum and activation behind them. Compiled for
// AVX-512 with bfloat16, and only called where the processor has it. Nothing of the standard library but
// integer types is used here: a template instantiated in this file could be the one that the linker keeps for
// all.
#include "kernels/activation_avx512.h"
#include "kernels/winograd_convolve_avx512.h"

namespace cifar10::kernels::winograd {
namespace {

template <class Value, Activation kActivation>
struct NormAct {
  const float* scale;
  const float* offset;
  const Value* residual;

  template <class Lanes>
  CIFAR10_METHOD __m512 operator()(__m512 result, int64_t at, int64_t channel, Lanes lanes) const {
    auto u = _mm512_fmadd_ps(result, load(scale + channel, lanes), load(offset + channel, lanes));
    if (residual != nullptr) u += load(residual + at, lanes);
    return activate<kActivation>(u);
  }
};

template <int kSide, Activation kActivation, class Value>
void infer_as(const ConvShape& shape, const Value* x, const Folded<Value>& layer, Value* y, bool pools,
              void* scratch, const Part& part) {
  const NormAct<Value, kActivation> finish{layer.scale, layer.offset, layer.residual};
  const PlainInput input(x, shape, shape.in);
  if (pools)
    convolve_tiles<kSide>(pooled_grid_of<kSide>(shape), shape.in, shape.out, input, layer.packed,
                          MaxPoolOutput(y, nullptr, shape, finish), scratch, part);
  else
    convolve_tiles<kSide>(grid_of<kSide>(shape), shape.in, shape.out, input, layer.packed,
                          PlainOutput(y, shape, shape.out, finish), scratch, part);
}

}  // namespace

template <int kSide, class Value>
void infer(const ConvShape& shape, const Value* x, const Folded<Value>& layer, Value* y, bool pools,
           void* scratch, const Part& part) {
  switch (layer.activation) {
    case Activation::kNone:
      return infer_as<kSide, Activation::kNone>(shape, x, layer, y, pools, scratch, part);
    case Activation::kRelu:
      return infer_as<kSide, Activation::kRelu>(shape, x, layer, y, pools, scratch, part);
    case Activation::kGelu:
      return infer_as<kSide, Activation::kGelu>(shape, x, layer, y, pools, scratch, part);
  }
}
template void infer<2>(const ConvShape&, const bf16*, const Folded<bf16>&, bf16*, bool, void*, const Part&);
template void infer<2>(const ConvShape&, const float*, const Folded<float>&, float*, bool, void*,
                       const Part&);
template void infer<4>(const ConvShape&, const bf16*, const Folded<bf16>&, bf16*, bool, void*, const Part&);
template void infer<4>(const ConvShape&, const float*, const Folded<float>&, float*, bool, void*,
                       const Part&);

}  // namespace cifar10::kernels::winograd
