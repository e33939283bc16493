#!/bin/sh
# `uv run`, `poetry run` and `pdm run` where their project's environment is there already, so that nothing is
# left to install. Whatever else they are asked for is left to the tool itself.
set -eu
tool=${0##*/} own=${0%/*}

tool_itself() {
    PATH=$(printf '%s' "$PATH" | tr ':' '\n' | grep -vxF "$own" | paste -sd: -)
    if ! command -v "$tool" > /dev/null; then
        echo "$tool is not installed here: of it there is only \`$tool run COMMAND\`, and no \`$*\`" >&2
        exit 127
    fi
    UV_NO_SYNC=1 UV_PROJECT_ENVIRONMENT=${UV_PROJECT_ENVIRONMENT:-${VIRTUAL_ENV-}} exec "$tool" "$@"
}

case ${1-} in
run) shift ;;
sync | install) exit 0 ;;
*) tool_itself "$@" ;;
esac

while :; do
    case ${1-} in
    --extra | --group | --no-group | --only-group | --package | --python | -p) shift 2 ;;
    --frozen | --locked | --no-sync | --no-dev | --dev | --all-extras | --all-groups | --no-default-groups) shift ;;
    --quiet | -q | --verbose | -v | --no-cache | -n | --offline | --no-progress | --active) shift ;;
    --module | -m) shift && exec python -m "$@" ;;
    --) shift && break ;;
    -*) tool_itself run "$@" ;;
    *) break ;;
    esac
done

case ${1-} in
*.py) exec python "$@" ;;
esac
command -v "${1-}" > /dev/null || tool_itself run "$@"
exec "$@"
