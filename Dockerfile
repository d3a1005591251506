# Trains and classifies in a container, on the CPU:
#   docker build -t cifar10-torch .
#   docker run --rm --init -v runs:/work/outputs -v cache:/cache cifar10-torch train data_loading=sample
#   docker build -t cifar10-torch-server --target server .
# scripts/check-dockerfile.sh builds both images without a Docker engine and uses them.

# Compiler, CMake, pip and the headers of LibTorch stay in this stage. cmake alone brings no make.
FROM node:22-bookworm AS build
RUN apt-get update \
  && apt-get install -y --no-install-recommends cmake g++ make python3-pip \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY package.json package-lock.json .npmrc ./
# Nothing that is built here needs an install script.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY bin bin
COPY conf conf
COPY lib lib
COPY scripts scripts
# For CUDA: `--variant cu130`, and `docker run --gpus all`; the image is then 4 GB larger and brings all but the host's driver. Not tested.
ENV CIFAR10_TORCH_CACHE=/cache
RUN npm run --silent build:ts && node dist/bin/cifar10-torch.js install-runtime --variant cpu
COPY CMakeLists.txt ./
COPY native native
RUN npm run --silent prebuilds
COPY README.md LICENSE CHANGELOG.md ./
RUN mkdir /package && npm pack --ignore-scripts --pack-destination /package
# Only a compiler reads the headers.
RUN mv /cache/libtorch-* /libtorch && rm -r /libtorch/include

# As a user installs it.
FROM node:22-bookworm-slim AS package
WORKDIR /app
COPY --from=build /package /package
RUN npm install --omit=dev --ignore-scripts --no-audit --no-fund /package/*.tgz

# What both images hold. LibTorch lies outside the cache, so that a volume there holds the dataset alone.
FROM node:22-bookworm-slim AS runtime
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="cifar10-torch" \
  org.opencontainers.image.description="Train, evaluate and run CIFAR-10 image classifiers on LibTorch" \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.version="$VERSION" \
  org.opencontainers.image.revision="$REVISION"
COPY --from=build /libtorch /libtorch
COPY --from=package /app /app
ENV LIBTORCH=/libtorch CIFAR10_TORCH_CACHE=/cache PATH=/app/node_modules/.bin:$PATH NODE_ENV=production
# A new volume takes the owner of the folder that it is mounted on.
RUN mkdir -p /work/outputs /cache && chown node:node /work /work/outputs /cache
WORKDIR /work
USER node

# Classifies over HTTP, with the page at /. Ready only when the model is loaded: the HEALTHCHECK asks that. A token comes as the variable
# CIFAR10_TORCH_TOKEN. With another `--port`, PORT is to say the same.
FROM runtime AS server
ENV PORT=8080
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/v2/health/ready`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["cifar10-torch", "serve", "--host", "0.0.0.0"]
CMD ["--checkpoint", "outputs/checkpoint.safetensors"]

# The command line; the last stage is what `docker build` makes. Nothing answers a HEALTHCHECK here: a command ends, and its exit code
# says how.
FROM runtime AS cli
ENTRYPOINT ["cifar10-torch"]
CMD ["--help"]
