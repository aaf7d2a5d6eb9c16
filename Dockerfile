# One image for every role: `run` (the default), `worker`, and all other commands.
#   docker build -t batuta . && docker run --rm batuta --help

FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.mjs scripts/
COPY src src
COPY actors actors
COPY web web
RUN npm run build

FROM node:22-bookworm-slim AS runtime
ENV NODE_ENV=production
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force
COPY --from=build /app/dist dist
COPY bin bin
# The embedded nats-server of a `run` without BATUTA_NATS_URL keeps its data here.
RUN mkdir /data && chown node:node /data
ENV BATUTA_DATA_DIR=/data
USER node
EXPOSE 3000
# For the orchestrator. A worker has no HTTP: docker-compose.yml gives it another check.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.BATUTA_HTTP_PORT || 3000}/livez`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/bin/batuta.js"]
CMD ["run"]
