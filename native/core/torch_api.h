// Owns the choice of what is included of LibTorch: tensors with gradients, modules, CUDA's presence.
// torch/torch.h has all of it, templates included that every file would instantiate again.
#pragma once

#include <ATen/ATen.h>
#include <torch/cuda.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>
#include <torch/utils.h>
