# The API alone: no image library, no inference runtime, no networks.
# Built from the repository's top folder: docker build -f deploy/api.Dockerfile .

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY . .
RUN --mount=type=cache,target=/root/.npm npm ci
RUN npx tsc -b apps/api
# Only what the API depends on, without the tools that built it.
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --workspace @facet/api --include-workspace-root=false
# npm links the workspaces in use into node_modules/@facet: these are the ones that go along.
# The scripts for `npm run keys`.
RUN mkdir /out && cp -a package.json node_modules scripts /out/ \
	&& for link in node_modules/@facet/*; do \
		cp -a --parents "$(realpath --relative-to=. "$link")" /out/; \
	done \
	&& rm -rf /out/apps/*/src /out/packages/*/src \
	&& find /out/apps /out/packages -name '*.test.*' -delete

FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title="Facet API" \
	org.opencontainers.image.description="Self-hosted face detection: the HTTP API" \
	org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /out ./
USER node
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
	CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.API_PORT || 8080}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "apps/api/dist/main.js"]
