// Owns which tiles Winograd's convolutions are computed by: of the sides that choice.h allows, the one that
// costs less. So an image's results may differ, by what rounding does, with the number of images beside it.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/choice.h"
#include "kernels/winograd.h"

namespace cifar10::kernels {

// Multiplications a pair of channels, and as many as go by while the weights come from memory: `bench infer`
// gains by this rule from about eight images on, and loses nothing for one.
template <int kSide>
int64_t winograd_cost(int64_t tiles) {
  constexpr int64_t kTilesOfWeights = 12;
  return (tiles + kTilesOfWeights) * winograd::kProducts<kSide>;
}

template <class Work>
auto with_cheaper_side(int64_t tiles_of_2, int64_t tiles_of_4, const Work& work) {
  if (max_winograd_tile() >= 4 && winograd_cost<4>(tiles_of_4) < winograd_cost<2>(tiles_of_2))
    return work(std::integral_constant<int, 4>());
  return work(std::integral_constant<int, 2>());
}

// Calls work(std::integral_constant<int, kSide>) for a convolution whose input is `shape`; the second, for
// one of whose results max pooling needs whole squares only.
template <class Work>
auto with_side_for(const ConvShape& shape, const Work& work) {
  return with_cheaper_side(winograd::tile_count<2>(shape), winograd::tile_count<4>(shape), work);
}
template <class Work>
auto with_side_for_pooled(const ConvShape& shape, const Work& work) {
  return with_cheaper_side(winograd::pooled_tile_count<2>(shape), winograd::pooled_tile_count<4>(shape),
                           work);
}

}  // namespace cifar10::kernels
