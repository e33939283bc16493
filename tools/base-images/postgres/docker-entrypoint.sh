#!/usr/bin/env bash
# What the official image's entrypoint promises, for the server that Debian packages:
# POSTGRES_{USER,PASSWORD,DB,INITDB_ARGS} and their _FILE forms, POSTGRES_HOST_AUTH_METHOD,
# POSTGRES_INITDB_WALDIR, PGDATA, and the scripts in /docker-entrypoint-initdb.d.
# https://github.com/docker-library/docs/tree/master/postgres
set -Eeo pipefail

# from_file NAME [DEFAULT]: NAME, or the content of the file that NAME_FILE names, or DEFAULT.
from_file() {
  local name=$1 file="$1_FILE" value=${2:-}
  if [ -n "${!name:-}" ] && [ -n "${!file:-}" ]; then
    printf >&2 'error: both %s and %s are set (but are exclusive)\n' "$name" "$file"
    exit 1
  fi
  [ -z "${!name:-}" ] || value=${!name}
  [ -z "${!file:-}" ] || value=$(<"${!file}")
  export "$name=$value"
  unset "$file"
}

read_environment() {
  from_file POSTGRES_PASSWORD
  from_file POSTGRES_USER postgres
  from_file POSTGRES_DB "$POSTGRES_USER"
  from_file POSTGRES_INITDB_ARGS
  : "${POSTGRES_HOST_AUTH_METHOD:=}"
}

create_folders() {
  mkdir -p "$PGDATA"
  chmod 00700 "$PGDATA" || :
  mkdir -p /var/run/postgresql || :
  chmod 03775 /var/run/postgresql 2>/dev/null || :
  if [ -n "${POSTGRES_INITDB_WALDIR:-}" ]; then
    mkdir -p "$POSTGRES_INITDB_WALDIR"
    chmod 700 "$POSTGRES_INITDB_WALDIR"
  fi
  [ "$(id -u)" = 0 ] || return 0
  find "$PGDATA" ${POSTGRES_INITDB_WALDIR:+"$POSTGRES_INITDB_WALDIR"} ! -user postgres -exec chown postgres {} +
  find /var/run/postgresql ! -user postgres -exec chown postgres {} + || :
}

require_password() {
  if [ -z "$POSTGRES_PASSWORD" ] && [ "$POSTGRES_HOST_AUTH_METHOD" != trust ]; then
    cat >&2 <<'EOE'
Error: Database is uninitialized and superuser password is not specified.
       You must specify POSTGRES_PASSWORD to a non-empty value for the
       superuser. For example, "-e POSTGRES_PASSWORD=password" on "docker run".

       You may also use "POSTGRES_HOST_AUTH_METHOD=trust" to allow all
       connections without a password. This is *not* recommended.

       See PostgreSQL documentation about "trust":
       https://www.postgresql.org/docs/current/auth-trust.html
EOE
    exit 1
  fi
  [ "$POSTGRES_HOST_AUTH_METHOD" != trust ] ||
    echo >&2 'WARNING: POSTGRES_HOST_AUTH_METHOD is "trust": anyone who reaches this port is the superuser.'
}

init_cluster() {
  set -- --username="$POSTGRES_USER"
  [ -z "${POSTGRES_INITDB_WALDIR:-}" ] || set -- "$@" --waldir "$POSTGRES_INITDB_WALDIR"
  # The arguments are shell words, quotes included, as in the official image.
  eval 'initdb --pwfile=<(printf "%s\n" "$POSTGRES_PASSWORD") "$@" '"$POSTGRES_INITDB_ARGS"
}

let_the_network_in() {
  local method=$POSTGRES_HOST_AUTH_METHOD
  [ "${1:-}" != postgres ] || shift
  [ -n "$method" ] || method=$(postgres -C password_encryption "$@")
  printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"
}

# While it is being set up the server answers on its socket alone.
temporary_server() {
  local verb=$1
  shift
  [ "${1:-}" != postgres ] || shift
  case "$verb" in
    start) set -- -o "$(printf '%q ' "$@" -c listen_addresses='' -p "${PGPORT:-5432}")" ;;
    stop) set -- -m fast ;;
  esac
  NOTIFY_SOCKET='' PGUSER="${PGUSER:-$POSTGRES_USER}" pg_ctl -D "$PGDATA" -w "$@" "$verb"
}

# The official name: scripts that are sourced may call it. The last --dbname given wins.
docker_process_sql() {
  local database=()
  [ -z "${POSTGRES_DB:-}" ] || database=(--dbname "$POSTGRES_DB")
  PGHOST='' PGHOSTADDR='' psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --no-password --no-psqlrc \
    "${database[@]}" "$@"
}

create_database() {
  local there
  there=$(docker_process_sql --dbname postgres --set db="$POSTGRES_DB" --tuples-only \
    <<<"SELECT 1 FROM pg_database WHERE datname = :'db';")
  [ -n "$there" ] || docker_process_sql --dbname postgres --set db="$POSTGRES_DB" <<<'CREATE DATABASE :"db";'
}

run_init_files() {
  local file
  for file; do
    case "$file" in
      *.sh)
        if [ -x "$file" ]; then echo "$0: running $file"; "$file"
        else
          echo "$0: sourcing $file"
          # shellcheck source=/dev/null
          . "$file"
        fi
        ;;
      *.sql) echo "$0: running $file"; docker_process_sql -f "$file" ;;
      *.sql.gz) echo "$0: running $file"; gunzip -c "$file" | docker_process_sql ;;
      *.sql.xz) echo "$0: running $file"; xzcat "$file" | docker_process_sql ;;
      *) echo "$0: ignoring $file" ;;
    esac
    echo
  done
}

set_up() {
  require_password
  init_cluster
  let_the_network_in "$@"
  export PGPASSWORD="${PGPASSWORD:-$POSTGRES_PASSWORD}"
  temporary_server start "$@"
  create_database
  shopt -s nullglob
  run_init_files /docker-entrypoint-initdb.d/*
  shopt -u nullglob
  temporary_server stop
  unset PGPASSWORD
  printf '\nPostgreSQL init process complete; ready for start up.\n\n'
}

only_asks() {
  local word
  for word; do
    case "$word" in -'?' | --help | --describe-config | -V | --version) return 0 ;; esac
  done
  return 1
}

main() {
  [ "${1:0:1}" != - ] || set -- postgres "$@"
  if [ "$1" = postgres ] && ! only_asks "$@"; then
    read_environment
    create_folders
    [ "$(id -u)" != 0 ] || exec setpriv --reuid=postgres --regid=postgres --init-groups "${BASH_SOURCE[0]}" "$@"
    if [ -s "$PGDATA/PG_VERSION" ]; then
      printf '\nPostgreSQL Database directory appears to contain a database; Skipping initialization\n\n'
    else
      set_up "$@"
    fi
  fi
  exec "$@"
}

main "$@"
