#!/usr/bin/env bash
# Builds the addon with AddressSanitizer and UndefinedBehaviorSanitizer in a folder of its own and runs tests of what native code
# is given: hostile and good checkpoints, kernels of odd shapes, images, resumption. LibTorch and Node.js stay as they are.
# Usage, after `npm run build`: scripts/check-sanitizers.sh [vitest's files…]; ends with vitest's exit code.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
tar --exclude=./build --exclude=./node_modules --exclude=./.git --exclude=./outputs -cf - . | tar -xf - -C "$folder"
ln -s "$PWD/node_modules" "$folder/node_modules"
cd "$folder"

CXXFLAGS='-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g1' \
  node scripts/build-native.mjs

files=("$@")
[ ${#files[@]} -gt 0 ] || files=(test/native/hostile-checkpoints.test.ts test/native/kernels.test.ts test/native/predict.test.ts
  test/native/resume.test.ts test/native/loader.test.ts test/native/augmentation.test.ts)
# Node.js itself leaks what it does not free at its end; the addon's own containers pass through LibTorch, which is not instrumented.
export ASAN_OPTIONS=detect_leaks=0:detect_container_overflow=0:handle_segv=0
export UBSAN_OPTIONS=print_stacktrace=1
LD_PRELOAD="$(c++ -print-file-name=libasan.so) $(c++ -print-file-name=libubsan.so)" \
  node node_modules/vitest/vitest.mjs run "${files[@]}"
