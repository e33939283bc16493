# shellcheck shell=sh
# `gosu USER COMMAND` and `su-exec USER COMMAND`: a service is no root and cannot become another user, so that
# its command is all that is left to do.
set -eu

if [ $# -lt 2 ]; then
    echo "${0##*/}: here there is only \`${0##*/} USER COMMAND\`" >&2
    exit 1
fi
shift
exec "$@"
