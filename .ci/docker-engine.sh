#!/usr/bin/env bash
# Make sure that a Docker Engine answers here, or stop the one that this script started.
#
#   .ci/docker-engine.sh start   an Engine >= 25 with `docker compose` and `docker buildx` answers, or it fails
#   .ci/docker-engine.sh stop    ends the daemon only if `start` began it
#
# Where the Engine is missing it comes from Debian's packages, through the mirror that this machine's
# own apt sources name; those sources are read, never changed.
set -euo pipefail

readonly oldest=25 # the first Engine with a health check's start_interval (API 1.44)
readonly suite=trixie # the first Debian release whose Engine is new enough
readonly engine=(docker.io docker-cli containerd) plugins=(docker-compose docker-buildx)
readonly state_dir=${DOCKER_ENGINE_STATE:-/run/ecommerce-docker-engine}
readonly pid_file=$state_dir/dockerd.pid
readonly log_file=$state_dir/dockerd.log
readonly start_deadline_s=60
readonly stop_deadline_s=30

say() { printf 'docker-engine: %s\n' "$*"; }
die() { printf 'docker-engine: %s\n' "$*" >&2; exit 1; }

as_root() {
  [ "$(id -u)" -eq 0 ] && return
  sudo -n true 2>/dev/null ||
    die "no Docker Engine answers for $(id -un), and starting or installing one needs root: run '$0 $1' as root, or allow sudo without a password."
  exec sudo -n DOCKER_ENGINE_STATE="$state_dir" -- "$0" "$1"
}

server_version() { timeout 10 docker version --format '{{.Server.Version}}' 2>/dev/null; }
plugins_answer() { docker compose version >/dev/null 2>&1 && docker buildx version >/dev/null 2>&1; }

refuse_old() {
  local version=$1
  [ "${version%%.*}" -ge "$oldest" ] ||
    die "the Docker Engine that answers is $version; a health check's start_interval needs >= $oldest. Upgrade it, or stop it and run '$0 start' again."
}

describe() {
  say "Engine $(server_version), compose $(docker compose version --short), $(docker buildx version | awk '{print "buildx " $2}')"
}

# The mirror of the Debian archive that this machine's own sources name.
# shellcheck disable=SC2016 # the dollars are apt-get's own format
debian_mirror() {
  apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    awk -v codename="$1" '$1 == "Debian" && $2 == codename { print $3; exit }'
}

require_debian() {
  command -v apt-get >/dev/null ||
    die "there is no Docker Engine here, and this is no Debian to install one on. Install Docker Engine >= $oldest with the compose and buildx plugins."
}

# apt with sources, preferences and lists of its own: what the machine has configured stays as it is.
private_apt() {
  local home=$1
  shift
  DEBIAN_FRONTEND=noninteractive apt-get -qq \
    -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$home/sources" \
    -o Dir::Etc::preferencesparts="$home/preferences" -o Dir::State::lists="$home/lists" \
    -o Acquire::Languages=none -o Dpkg::Use-Pty=0 "$@"
}

write_private_apt() {
  local home=$1 mirror=$2 codename=$3 release
  local keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  [ -r "$keyring" ] || die "the Debian archive's keyring is missing: install debian-archive-keyring."
  mkdir -p "$home/sources" "$home/preferences" "$home/lists/partial"
  for release in "$codename" "$suite"; do
    echo "deb [signed-by=$keyring] $mirror $release main"
  done | sort -u >"$home/sources/debian.list"
  # Only what is asked for by name may come from the newer release: runc and libraries stay the machine's.
  [ "$codename" = "$suite" ] || printf 'Package: *\nPin: release n=%s\nPin-Priority: 50\n' "$suite" \
    >"$home/preferences/$suite"
}

# A daemon that is there and new enough, whoever packaged it, is kept.
installed_is_new_enough() {
  local version
  version=$(dockerd --version 2>/dev/null | sed -En 's/^Docker version ([0-9]+).*/\1/p')
  [ "${version:-0}" -ge "$oldest" ]
}

missing_packages() {
  installed_is_new_enough || printf '%s\n' "${engine[@]}"
  plugins_answer || printf '%s\n' "${plugins[@]}"
}

install_packages() {
  local codename mirror home packages
  mapfile -t packages < <(missing_packages)
  require_debian
  # shellcheck source=/dev/null
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  mirror=$(debian_mirror "$codename")
  if [ -z "$mirror" ]; then
    apt-get update -qq || say "apt-get update reported an error; going on with what it fetched"
    mirror=$(debian_mirror "$codename")
  fi
  [ -n "$mirror" ] || die "this machine's apt sources name no Debian archive for '$codename'. Install Docker Engine >= $oldest by hand."
  say "installing ${packages[*]} of Debian $suite"
  home=$(mktemp -d)
  write_private_apt "$home" "$mirror" "$codename"
  install_from "$home" "${packages[@]}" >"$home/log" 2>&1 || {
    tail -n 20 "$home/log" >&2
    rm -rf "$home"
    die "Debian's packages of the Docker Engine could not be installed (above: apt's last words)."
  }
  rm -rf "$home"
}

install_from() {
  local home=$1
  shift
  private_apt "$home" update && forbid_service_start &&
    private_apt "$home" install -y --no-install-recommends --no-remove "${@/%//$suite}" iptables ca-certificates
}

# The package would start a daemon of its own; the one we start is the one we can stop.
forbid_service_start() {
  [ ! -e /usr/sbin/policy-rc.d ] || return 0
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod +x /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
}

started_at() { awk '{print $22}' "/proc/$1/stat" 2>/dev/null; }

# Pid and start time together name one process for ever; a pid alone may be reused later.
ours() {
  local pid born
  [ -r "$pid_file" ] && read -r pid born <"$pid_file" && [ "$(started_at "$pid")" = "$born" ] && echo "$pid"
}

start_daemon() {
  mkdir -p "$state_dir"
  say "starting dockerd; its output goes to $log_file"
  (
    for fd in /proc/self/fd/*; do
      fd=${fd##*/}
      [ "$fd" -le 2 ] || eval "exec $fd>&-"
    done
    exec setsid dockerd --host unix:///var/run/docker.sock </dev/null >"$log_file" 2>&1
  ) </dev/null >/dev/null 2>&1 &
  echo "$! $(started_at $!)" >"$pid_file"
  wait_until_it_answers "$!"
  [ -z "${SUDO_UID:-}" ] || chown "$SUDO_UID" /var/run/docker.sock
}

give_up() {
  tail -n 20 "$log_file" >&2
  stop >&2
  die "$1"
}

wait_until_it_answers() {
  local deadline=$((SECONDS + start_deadline_s))
  until server_version >/dev/null; do
    kill -0 "$1" 2>/dev/null || give_up "dockerd ended while starting (above: its last words)."
    [ "$SECONDS" -lt "$deadline" ] || give_up "dockerd did not answer within $start_deadline_s s (above: its last words)."
    sleep 0.1
  done
}

start() {
  local version
  if version=$(server_version); then
    refuse_old "$version"
    plugins_answer && { say "already there"; describe; return; }
  elif [ -n "${DOCKER_HOST:-}" ]; then
    die "DOCKER_HOST is set, and no Engine answers there. Unset it to have one started here."
  fi
  as_root start
  { installed_is_new_enough && plugins_answer; } || install_packages
  plugins_answer || die "the docker client at $(command -v docker) finds no compose or buildx plugin, though Debian's packages are installed."
  server_version >/dev/null || start_daemon
  refuse_old "$(server_version)"
  describe
}

stop() {
  local pid deadline=$((SECONDS + stop_deadline_s))
  if ! [ -e "$pid_file" ]; then say "no daemon was started here; nothing to stop"; return; fi
  as_root stop
  if ! pid=$(ours); then rm -f "$pid_file"; say "the daemon that was started here has already ended"; return; fi
  kill -TERM "$pid"
  while [ "$(ours)" = "$pid" ]; do
    [ "$SECONDS" -lt "$deadline" ] || { say "dockerd ignored TERM for $stop_deadline_s s: killing it"; kill -KILL "$pid"; break; }
    sleep 0.1
  done
  rm -f "$pid_file"
  say "stopped"
}

case "${1:-}" in
  start) start ;;
  stop) stop ;;
  *) die "usage: $0 start|stop" ;;
esac
