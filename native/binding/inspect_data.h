// Owns the exports that show what the data loading makes of images: for previews and tests. All of them work
// on the calling thread, on the CPU.
#pragma once

#include <napi.h>

// trainBatch({ files, dataLoading, seed, epoch, index }): { images: Float32Array of [B,3,32,32], labels:
// number[], targets: Float32Array of [B,10], or null without mixup and CutMix }
Napi::Value train_batch(const Napi::CallbackInfo& info);
// splitRows({ labels: number[], fraction, seed }): { train: number[], val: number[] }
Napi::Value split_rows(const Napi::CallbackInfo& info);
// previewEpochs({ files, dataLoading, seed, images, epochs }): { pixels: Uint8Array of
// [images,1 + epochs,32,32,3], labels: number[] }: the first images of the files, each as it is and then as
// it would be in the first epochs of a training on these images alone, as one batch.
Napi::Value preview_epochs(const Napi::CallbackInfo& info);
// applyAugmentation({ operation, images: Uint8Array of [N,32,32,3], … }): Float32Array of [N,3,32,32]; the
// operations and what they need are listed in lib/native-addon.ts.
Napi::Value apply_augmentation(const Napi::CallbackInfo& info);
// policyMagnitudes('rand_augment' | 'trivial_augment'): Float32Array of [operations,31]
Napi::Value policy_magnitudes(const Napi::CallbackInfo& info);
