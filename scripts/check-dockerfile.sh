#!/usr/bin/env bash
# Builds both images of the Dockerfile and uses them, where there is neither a Docker engine nor a registry of images: buildah reads
# the same file, and the base images are stand-ins, Debian made by debootstrap with Node.js and npm from the npm registry.
# They hold less than the real ones. Not shown: Docker's isolation, the times of the HEALTHCHECK, compose.yaml.
# Usage, as root on Debian with the packages buildah, curl and debootstrap: scripts/check-dockerfile.sh [folder]
# Needs some 10 GB in /var/tmp, or in the folder, which then keeps what is built for the next time. PIP_FIND_LINKS, if it is a
# folder, and npm's `cafile` hold inside as well.
set -euo pipefail
folder=$(realpath -- "${1:-$(mktemp -d /var/tmp/check-dockerfile.XXXXXX)}")
cd "$(dirname "$0")/.."
keeps=${1:+yes}
store=(--log-level error --root "$folder/store" --runroot "$folder/run")
alone=(--isolation chroot --network host)
server=
clean_up() {
  [ -z "$server" ] || kill -- "-$server" 2>/dev/null || true
  buildah "${store[@]}" rm --all >/dev/null 2>&1 || true
  [ -z "$keeps" ] || return 0
  buildah "${store[@]}" rmi --all --force >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap clean_up EXIT
say() { printf '── %s (%s s)\n' "$1" "$SECONDS"; }

mapfile -t bases < <(sed -n 's/^FROM \(node:[^ ]*\).*/\1/p' Dockerfile | sort -u)
release=$(sed -n 's/^FROM node:[0-9]*-\([a-z]*\).*/\1/p' Dockerfile | head -n 1)
major=$(sed -n 's/^FROM node:\([0-9]*\).*/\1/p' Dockerfile | head -n 1)

machine=() # what of this machine the build needs: volumes, and variables of the stand-ins
variables=(--env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
if [ -d "${PIP_FIND_LINKS:-}" ]; then
  machine+=(--volume "$PIP_FIND_LINKS:/wheels:ro")
  variables+=(--env PIP_FIND_LINKS=/wheels)
fi
authorities=$(npm config get cafile)
if [ -f "$authorities" ]; then
  machine+=(--volume "$authorities:/authorities.crt:ro")
  variables+=(--env NODE_EXTRA_CA_CERTS=/authorities.crt)
fi

install_from_npm() {
  mkdir -p "$2"
  npm pack --silent --pack-destination "$folder" "$1" | tail -n 1 | sed "s|^|$folder/|" | xargs tar -C "$2" --strip-components=1 -xzf
}
make_stand_ins() {
  root=$folder/debian
  debootstrap --variant=minbase "$release" "$root" >"$folder/debootstrap.log" || { tail "$folder/debootstrap.log" && exit 1; }
  install_from_npm "node-linux-$(node -p process.arch)@$major" "$root/usr/local"
  install_from_npm npm@10 "$root/usr/local/lib/node_modules/npm" # what Node.js 22 comes with
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  chroot "$root" useradd --uid 1000 --create-home node
  base=$(buildah "${store[@]}" from scratch)
  buildah "${store[@]}" copy --quiet "$base" "$root" / >/dev/null
  buildah "${store[@]}" config "${variables[@]}" "$base"
  for name in "${bases[@]}"; do buildah "${store[@]}" commit --quiet "$base" "docker.io/library/$name" >/dev/null; done
}
if ! buildah "${store[@]}" inspect --type image "docker.io/library/${bases[0]}" >/dev/null 2>&1; then
  say "stand-ins for ${bases[*]}"
  make_stand_ins
fi

for target in cli server; do
  say "the image $target"
  buildah "${store[@]}" build --layers "${alone[@]}" "${machine[@]}" --pull=never --format docker --target "$target" \
    --tag "check-$target" . >"$folder/$target.log" 2>&1 || { tail -n 40 "$folder/$target.log" && exit 1; }
done
buildah "${store[@]}" images --format '{{.Name}} {{.Size}}' | grep check-

# A container of the image with what volumes would hold; then a command in it, as the image's user.
start() { buildah "${store[@]}" from --pull=never "localhost/check-$1"; }
inside() {
  local container=$1
  shift
  setsid --wait buildah "${store[@]}" run --isolation chroot --volume "$folder/runs:/work/outputs" --env "PORT=$port" \
    "$container" -- "$@"
}
# One word a line, of ENTRYPOINT, CMD or HEALTHCHECK.
words() { buildah "${store[@]}" inspect --format "{{range .Docker.Config.$2}}{{println .}}{{end}}" "$1" | sed '/^$/d'; }

port=$(node -e 'const server = require("net").createServer().listen(0, () => { console.log(server.address().port); server.close(); })')
install -d -o 1000 -g 1000 "$folder/runs"
cli=$(start cli)
mapfile -t command < <(words "$cli" Entrypoint)

say 'user and contents'
[ "$(inside "$cli" id -u)" = 1000 ]
# shellcheck disable=SC2016
inside "$cli" sh -c 'for program in python3 cmake g++ make; do ! command -v $program || exit 1; done
  ! test -e /libtorch/include && ! touch /app/x 2>/dev/null && du -sh /libtorch /app'
say "${command[*]} doctor, train, runs"
inside "$cli" "${command[@]}" doctor
inside "$cli" "${command[@]}" train --json data_loading=sample model=cnn 'model.widths=[16,32]' training.epochs=1 >"$folder/train.json"
checkpoint=$(node -p "JSON.parse(require('fs').readFileSync(process.argv[1], 'utf8')).checkpoint" "$folder/train.json")
inside "$cli" "${command[@]}" runs

say 'the server: health, an image, what is no image, the end'
container=$(start server)
mapfile -t command < <(words "$container" Entrypoint)
mapfile -t health < <(words "$container" Healthcheck.Test)
[ "${health[0]}" = CMD ]
inside "$container" "${command[@]}" --port "$port" --checkpoint "$checkpoint" >"$folder/server.log" 2>&1 &
waiting=$!
# Its child, once it is there, leads a session of its own.
for _ in $(seq 50); do ! server=$(pgrep -P "$waiting") || break && sleep 0.1; done
[ -n "$server" ] || { cat "$folder/server.log" && exit 1; }
healthy() { inside "$container" "${health[@]:1}" 2>/dev/null; }
for _ in $(seq 60); do ! healthy || break && sleep 1; done
healthy || { cat "$folder/server.log" && exit 1; }
address=http://127.0.0.1:$port/v1/classify
curl --silent --show-error --fail --data-binary @docs/images/augmentation.png "$address"
echo
[ "$(curl --silent --output /dev/null --write-out '%{http_code}' --data-binary 'no image' "$address")" = 400 ]
pkill -TERM --session "$server" --exact node
wait "$waiting"
server=
if healthy; then exit 1; fi
say 'all is well'
