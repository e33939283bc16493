#!/bin/sh
# Does the API gateway reach the backend? Warns, never blocks: the exit code is 0.
# BACKEND_URL and GATEWAY_URL override the addresses, which are those inside the stack's network.
set -u

BACKEND_URL="${BACKEND_URL:-http://backend:8000}"
GATEWAY_URL="${GATEWAY_URL:-http://api-gateway:8080}"
warnings=0

# check WHAT URL
check() {
    status=$(curl -s -o /dev/null -w '%{http_code}' --max-time 10 "$2" 2>/dev/null)
    case "$status" in
        200) echo "✅ $1: HTTP 200" ; return ;;
        404) echo "⚠️  $1: there is no such endpoint (HTTP 404), skipped" ;;
        502 | 503 | 504) echo "⚠️  $1: something behind it does not answer (HTTP $status)" ;;
        000 | "") echo "⚠️  $1: no server answers at $2" ;;
        *) echo "⚠️  $1: unexpected HTTP $status" ;;
    esac
    warnings=$((warnings + 1))
}

echo "=== Testing Service Connectivity ==="
echo ""
echo "Testing API Gateway → Backend connectivity..."
check "Backend" "${BACKEND_URL%/}/health/"
check "API Gateway" "${GATEWAY_URL%/}/health"
check "API Gateway → its dependencies" "${GATEWAY_URL%/}/health/ready"
check "API Gateway → Backend → catalogue" "${GATEWAY_URL%/}/api/v1/products?limit=1"
echo ""
if [ "$warnings" -eq 0 ]; then
    echo "🎉 All services reach each other!"
else
    echo "⚠️  Finished with $warnings warning(s) (non-blocking)."
fi
exit 0
