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
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build --chown=node:node /app/package.json ./
COPY --from=build --chown=node:node /app/node_modules ./node_modules
COPY --from=build --chown=node:node /app/dist ./dist
COPY --chown=node:node mapping.yaml mapping.schema.json ./
COPY --chown=node:node profiles ./profiles
USER node
# The process ends when a worker fails; that it is there is its health.
HEALTHCHECK --interval=30s --timeout=5s CMD ["node", "-e", "process.kill(1, 0)"]
CMD ["node", "dist/src/operator/cli/main.js", "start"]
