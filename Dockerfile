# Every Originscope command in one image: docker build -t originscope .
# There is nothing to compile: Node runs the TypeScript sources and strips their types itself.

# The version that the tests run on. By digest: --build-arg NODE_IMAGE=node:…@sha256:…
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /originscope
COPY package.json package-lock.json ./
# What talks to a ClickHouse server needs no embedded engine (0.5 GB), and the workspaces bring only what
# developers need. `npm ci` cannot leave out one optional dependency and keep the others (lz4 has its binary
# in one), so both are deleted from package.json; every version is still that of the lock file.
RUN npm pkg delete optionalDependencies workspaces && npm install --omit=dev --ignore-scripts

# The example services and their browsers, with the frameworks that they are written for (optional dependencies).
FROM ${NODE_IMAGE} AS examples
WORKDIR /originscope
COPY package.json package-lock.json ./
RUN npm pkg delete optionalDependencies.chdb workspaces && npm install --omit=dev --ignore-scripts
COPY . .
USER 1000
CMD ["node", "examples/shop.ts"]

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
WORKDIR /originscope
COPY --from=dependencies /originscope/node_modules node_modules
COPY . .
# A number, so that Kubernetes can tell that it is not root.
USER 1000
EXPOSE 4318 9464
# Whatever runs here, a receiver or a consumer, answers on one of its two ports. docker-compose.yml asks more often
# at the start: Podman 4 rejects images that say so.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s CMD ["node", "-e", "Promise.any([4318, 9464].map((port) => fetch(`http://127.0.0.1:${port}/readyz`))).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "cli/bin.ts"]
CMD ["--help"]
