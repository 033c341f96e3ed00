FROM node:26.13.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
COPY packages/zendesk-sandbox/package.json packages/zendesk-sandbox/
COPY packages/pms-sandbox/package.json packages/pms-sandbox/
COPY packages/testkit/package.json packages/testkit/
RUN npm ci --include=dev --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts ./scripts
COPY src ./src
COPY packages ./packages
COPY apps ./apps
RUN npm run build && npm prune --omit=dev

FROM node:26.13.0-bookworm-slim
ENV NODE_ENV=production METRICS_PORT=9464
# The service can write to its working folder; the program's files belong to root and cannot be changed by the service.
WORKDIR /app
RUN chown node:node /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY mapping.yaml mapping.schema.json ./
COPY profiles ./profiles
USER node
# Unhealthy if Temporal or MongoDB does not answer, or the disk is full; the body has the verdict of "status".
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.METRICS_PORT}/healthz`).then((a) => process.exit(a.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/src/operator/cli/main.js", "start"]
