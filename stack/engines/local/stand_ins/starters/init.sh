# shellcheck shell=sh
# `tini` and `dumb-init`: the guardian hands signals on to the whole service and
# ends what its program leaves behind, so that their command is all that is left to do.
set -eu

while :; do
    case ${1-} in
    --) shift && break ;;
    -p | -e | -r | --rewrite) shift 2 ;;
    -*) shift ;;
    *) break ;;
    esac
done

if [ $# = 0 ]; then
    echo "${0##*/}: no command" >&2
    exit 1
fi
exec "$@"
