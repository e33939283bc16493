#!/bin/sh
# Redis Commander as a process: the official image's entry point does the same with REDIS_HOSTS.
# Who may open it, by which password or token, says its environment (HTTP_USER, SSO_JWT_SECRET).
set -eu
exec redis-commander --noload --nosave --address "$HOST" --port "$PORT" \
  --redis-label redis --redis-host "${REDIS_ADDRESS%:*}" --redis-port "${REDIS_ADDRESS##*:}"
