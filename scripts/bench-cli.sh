#!/usr/bin/env bash
# Measures how long the command line takes to answer, as a whole process, beside Node.js itself.
# Usage, after `npm run build:ts`: scripts/bench-cli.sh [runs]     Needs hyperfine (Debian: `apt install hyperfine`).
# Compare the ratios: absolute times depend on the machine.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-30}
cli=dist/bin/cifar10-torch.js
command -v hyperfine >/dev/null || { echo "bench-cli: hyperfine is missing (Debian: apt install hyperfine)" >&2; exit 1; }

echo "$(nproc) cores, $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs), Node.js $(node --version), $runs runs each"
hyperfine --shell=none --warmup 3 --runs "$runs" --style basic --export-json build/bench-cli.json \
  --command-name='node -e 0' 'node -e 0' \
  --command-name='--help' "node $cli --help" \
  --command-name='train --help' "node $cli train --help" \
  --command-name='config show' "node $cli config show" \
  --command-name='config show, overrides' "node $cli config show model=resnet20 training.optimizer.lr=0.05" \
  --command-name='--version' "node $cli --version" >/dev/null
node --input-type=module --eval '
  import { readFileSync } from "node:fs";
  const { results } = JSON.parse(readFileSync("build/bench-cli.json", "utf8"));
  const ms = (seconds) => `${Math.round(1000 * seconds)} ms`;
  for (const { command, median, min, max } of results)
    console.log(command.padEnd(24), ms(median).padStart(8), `${ms(min)} to ${ms(max)}`.padStart(20), `${(median / results[0].median).toFixed(2)} x node`.padStart(13));'
