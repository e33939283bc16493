#!/bin/sh
# Are both services alive? Stops at the first that is not, with exit code 1.
# BACKEND_URL and GATEWAY_URL override the addresses, which are those inside the stack's network.
set -eu

BACKEND_URL="${BACKEND_URL:-http://backend:8000}"
GATEWAY_URL="${GATEWAY_URL:-http://api-gateway:8080}"

if ! command -v curl >/dev/null 2>&1; then
    echo "curl is not installed here; run this script where it is." >&2
    exit 127
fi

# check NAME URL: curl writes 000 where nobody answers.
check() {
    status=$(curl -s -o /dev/null -w '%{http_code}' --max-time 10 "$2") || true
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
