#include "models/wide_resnet.h"

#include <cmath>

namespace cifar10 {
namespace {

constexpr int64_t kStem = 16;

}  // namespace

WideResNet::WideResNet(const WideResNetOptions& options, at::Generator& generator)
    : PreActNet({.stages = {.stem = kStem,
                            .widths = doubling_widths(std::llround(kStem * options.widen_factor), 3),
                            .blocks = std::vector<int64_t>(3, (options.depth - 4) / 6),
                            .expansion = 1,
                            .prefix = "block",
                            .infix = "layer"},
                 .shortcut_key = "convShortcut",
                 .dropout = options.dropout,
                 .norm_name = "bn1",
                 .head_name = "fc",
                 .batch_norm = options.batch_norm},
                generator) {}

}  // namespace cifar10
