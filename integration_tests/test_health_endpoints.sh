#!/bin/sh
# Are both services alive? Stops at the first that is not, with exit code 1.
# Where no server listens yet, as just after `up -d`, it waits up to WAIT_S seconds (15).
# BACKEND_URL and GATEWAY_URL override the addresses, which are those inside the stack's network.
set -eu

BACKEND_URL="${BACKEND_URL:-http://backend:8000}"
GATEWAY_URL="${GATEWAY_URL:-http://api-gateway:8080}"
WAIT_S="${WAIT_S:-15}"

if ! command -v curl >/dev/null 2>&1; then
    echo "curl is not installed here; run this script where it is." >&2
    exit 127
fi

# ask URL: curl writes 000 where no server answers.
ask() {
    curl -s -o /dev/null -w '%{http_code}' --max-time 10 "$1" || true
}

# check NAME URL: a service that is still starting gets its time, an answer that is wrong gets none.
check() {
    tries=$((WAIT_S * 2))
    status=$(ask "$2")
    while [ "$status" = "000" ] && [ "$tries" -gt 0 ]; do
        tries=$((tries - 1))
        sleep 0.5
        status=$(ask "$2")
    done
    if [ "$status" != "200" ]; then
        echo "❌ $1 health check failed! HTTP $status"
        exit 1
    fi
    echo "✅ $1 health endpoint returned HTTP 200"
}

echo "=== Testing Health Endpoints ==="
echo ""
echo "Testing backend health endpoint..."
check "Backend" "${BACKEND_URL%/}/health/"
echo "Testing API Gateway health endpoint..."
check "API Gateway" "${GATEWAY_URL%/}/health"
echo ""
echo "🎉 All health endpoints are responding correctly!"
