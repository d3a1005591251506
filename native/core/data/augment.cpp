#include "data/augment.h"

#include "data/dataset.h"
#include "torch_api.h"

namespace cifar10 {
namespace {

// A position outside 0…31 mirrored back in, the edge pixel not repeated, as torch.nn.ReflectionPad2d does.
at::Tensor reflect(const at::Tensor& position) {
  const int64_t last = kImageSize - 1;
  return last - (last - position.abs()).abs();
}

at::Tensor channel_tensor(const std::array<double, 3>& values, at::Device device) {
  return torch::tensor({values[0], values[1], values[2]}, torch::kFloat32).view({1, 3, 1, 1}).to(device);
}

}  // namespace

// One gather reads every output pixel from where padding, crop and flip place it in the original: no padded
// copy.
at::Tensor crop_and_flip(const at::Tensor& images, const Placement& placement, int64_t translate,
                         Padding padding) {
  const auto pixel = torch::arange(kImageSize, placement.index.options());         // [32]
  const auto mirrored = kImageSize - 1 - pixel;                                    // [32]
  const auto column = torch::where(placement.flip.unsqueeze(1), mirrored, pixel);  // [B,32]
  const auto y = pixel + placement.dy.unsqueeze(1) - translate;  // [B,32], may lie outside 0…31
  const auto x = column + placement.dx.unsqueeze(1) - translate;
  const bool reflects = padding == Padding::kReflect;
  const auto rows = (reflects ? reflect(y) : y.clamp(0, kImageSize - 1)).unsqueeze(2);     // [B,32,1]
  const auto columns = (reflects ? reflect(x) : x.clamp(0, kImageSize - 1)).unsqueeze(1);  // [B,1,32]
  const auto index = placement.index.view({-1, 1, 1});
  auto pixels = images.permute({0, 2, 3, 1}).index({index, rows, columns});  // [B,32,32,3]
  if (!reflects && translate > 0) {
    const auto inside_y = y.ge(0).logical_and(y.lt(kImageSize)).unsqueeze(2);
    const auto inside_x = x.ge(0).logical_and(x.lt(kImageSize)).unsqueeze(1);
    pixels = pixels * inside_y.logical_and(inside_x).unsqueeze(3);
  }
  return pixels.permute({0, 3, 1, 2});
}

at::Tensor scale_pixels(const at::Tensor& images) { return images.to(torch::kFloat32).div_(255); }

at::Tensor standardize(at::Tensor images, const NormalizationOptions& options, at::ScalarType dtype) {
  const auto mean = channel_tensor(options.mean, images.device());
  const auto std = channel_tensor(options.std, images.device());
  return images.sub_(mean).div_(std).to(dtype);
}

at::Tensor denormalize(const at::Tensor& images, const NormalizationOptions& options) {
  const auto mean = channel_tensor(options.mean, images.device());
  const auto std = channel_tensor(options.std, images.device());
  const auto pixels = images.to(torch::kFloat32).mul(std).add_(mean).mul_(255);
  return pixels.round_().clamp_(0, 255).to(torch::kUInt8);
}

at::Tensor normalize(const at::Tensor& images, const NormalizationOptions& options, at::ScalarType dtype) {
  return standardize(scale_pixels(images), options, dtype);
}

}  // namespace cifar10
