#!/usr/bin/env bash
# Trains and evaluates on an emulated processor of 2009, which has no AVX: what the addon asks for beyond x86-64-v2
# must be chosen at run time. Usage, after `npm run build`, with Debian's package qemu-user: scripts/check-x86-64-v2.sh
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cli=(qemu-x86_64 -cpu Nehalem "$(command -v node)" dist/bin/cifar10-torch.js)

"${cli[@]}" train --json data_loading=sample data_loading.batch_size=100 model=cnn 'model.widths=[8]' \
  training=standard training.epochs=1 "output_dir=$folder" > "$folder/train.json"
checkpoint=$(node -p "JSON.parse(require('fs').readFileSync(process.argv[1], 'utf8')).checkpoint" "$folder/train.json")
grep -q ' fp32, cpu, ' "$(dirname "$checkpoint")/train.log" # by `precision: auto`
"${cli[@]}" evaluate --json --source sample --checkpoint "$checkpoint" > "$folder/evaluation.json"
node -p "'trained without AVX to an accuracy of ' + JSON.parse(require('fs').readFileSync(process.argv[1], 'utf8')).accuracy" \
  "$folder/evaluation.json"
