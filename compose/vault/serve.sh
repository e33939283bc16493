#!/bin/sh
# A Vault-compatible server for development: in memory, unsealed, with the backend's secrets in it. Its root
# token is VAULT_TOKEN. READY_FILE appears once the secrets are there.
set -eu
export BAO_ADDR="http://127.0.0.1:${PORT:-8200}" BAO_TOKEN="${VAULT_TOKEN:?needs a token: inv makes one}"
export BAO_DEV_ROOT_TOKEN_ID="$VAULT_TOKEN"
random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }

bao server -dev -dev-no-store-token -dev-listen-address="${HOST:-0.0.0.0}:${PORT:-8200}" &
server=$!
trap 'kill "$server"' INT TERM
until bao status >/dev/null 2>&1; do
  kill -0 "$server"  # it has ended: so does this
  sleep 0.1
done
# Secrets go through a pipe: arguments can be read by everybody.
printf '{"SECRET_KEY": "%s", "PAYMENT_WEBHOOK_SECRET": "%s", "DATABASE_URL": "%s"}' \
  "$(random)" "$(random)" "$DATABASE_URL" | bao kv put secret/shop/backend - >/dev/null
touch "$READY_FILE"
wait "$server"
