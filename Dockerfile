FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /keyward
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional
COPY src ./src
COPY views ./views
COPY config ./config
USER node
EXPOSE 9000
# Asks this port without TLS; with listen.port or listen.tls of your own, give docker run another --health-cmd.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["node", "-e", "fetch('http://127.0.0.1:9000/livez').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "src/main.ts", "--config", "/etc/keyward/keyward.yaml"]
