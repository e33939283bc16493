#!/bin/sh
# What the official image's entrypoint promises: options alone go to redis-server, root becomes redis.
set -e

case "$1" in
  -* | *.conf) set -- redis-server "$@" ;;
esac

if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
  find . ! -user redis -exec chown redis {} +
  exec setpriv --reuid=redis --regid=redis --clear-groups "$0" "$@"
fi

# The official server is built without protected mode; what a file or an option says still wins.
if [ "$1" = redis-server ]; then
  shift
  case "${1:-}" in
    -v | --version | -h | --help | --test-memory | --check-system) ;;
    '' | -*) set -- --protected-mode no "$@" ;;
    *)
      file=$1
      shift
      grep -qi '^[[:space:]]*protected-mode' "$file" 2>/dev/null || set -- --protected-mode no "$@"
      set -- "$file" "$@"
      ;;
  esac
  set -- redis-server "$@"
fi

[ "$(umask)" != 0022 ] || umask 0077
exec "$@"
