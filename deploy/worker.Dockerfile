# A worker: ffmpeg, image library, inference runtime and the embedded networks.
# Built from the repository's top folder: docker build -f deploy/worker.Dockerfile .

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY . .
RUN --mount=type=cache,target=/root/.npm npm ci
RUN npx tsc -b apps/worker
RUN --mount=type=cache,target=/root/.npm node scripts/models.mjs
# Only what the worker depends on, without the tools that built it.
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --workspace @facet/worker --include-workspace-root=false
# onnxruntime-node brings the libraries of every system, a quarter of a gigabyte; one of them is ours.
RUN find node_modules/onnxruntime-node/bin/napi-v* -mindepth 2 -maxdepth 2 \
		-not -path "*/linux/$(node -p process.arch)" -exec rm -rf {} +
# npm links the workspaces in use into node_modules/@facet: these are the ones that go along.
RUN mkdir /out && cp -a package.json node_modules models /out/ \
	&& for link in node_modules/@facet/*; do \
		cp -a --parents "$(realpath --relative-to=. "$link")" /out/; \
	done \
	&& rm -rf /out/apps/*/src /out/packages/*/src \
	&& find /out/apps /out/packages -name '*.test.*' -delete

FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title="Facet worker" \
	org.opencontainers.image.description="Self-hosted face detection: a worker of the queue" \
	org.opencontainers.image.licenses="MIT"
# jemalloc: libvips' many short-lived buffers fragment glibc's heap until the process has several times what it uses.
RUN apt-get update \
	&& apt-get install -y --no-install-recommends ffmpeg libjemalloc2 \
	&& rm -rf /var/lib/apt/lists/* \
	&& install -d -o node -g node /scratch
# Downloads go to TMPDIR: mount a volume on it where the root file system is read-only.
# The official builds of ONNX Runtime report to Microsoft since 1.29 unless they are told not to.
ENV NODE_ENV=production \
	ORT_DISABLE_TELEMETRY=1 \
	LD_PRELOAD=libjemalloc.so.2 \
	TMPDIR=/scratch
WORKDIR /app
COPY --from=build /out ./
USER node
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
	CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.WORKER_PORT || 8081}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# The cores are for the networks: V8 has no other threads of its own collect beside them (docs/performance.md).
CMD ["node", "--single-threaded-gc", "apps/worker/dist/main.js"]
