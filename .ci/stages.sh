# shellcheck shell=bash
# What .ci/run and the scripts of .ci/*-stages share; they `source` it.

set -euo pipefail
: "${work:?the scratch folder of this run}" "${times:?the file that collects seconds by stage}"
readonly stage_limit_s=2400
stage_group= # the process group of the stage that runs
trap 'exit 130' INT
trap 'exit 143' TERM
trap end_stage EXIT

say() { printf '\n== %s\n' "$*"; }
die() { printf '%s: %s\n' "$0" "$*" >&2; exit 1; }

# stage NAME COMMAND...: run it with a deadline, say how long it took. It has a process group of its own and is waited
# for: a signal ends it at once, where bash would let a command in the foreground finish first.
stage() {
  local name=$1 began=$SECONDS code=0
  shift
  say "$name: ${*@Q}"
  set -m
  timeout --kill-after=30 "$stage_limit_s" "$@" </dev/null &
  stage_group=$!
  set +m
  wait "$stage_group" || code=$?
  stage_group=
  [ "$code" -ne 124 ] || die "'$name' did not end within $stage_limit_s s."
  [ "$code" -eq 0 ] || die "'$name' failed with exit code $code."
  printf '%5d s  %s\n' "$((SECONDS - began))" "$name" | tee -a "$times"
}

# end_stage: end the stage that runs, if one does, and wait for its end.
end_stage() {
  [ -n "$stage_group" ] || return 0
  kill -TERM -- "-$stage_group" 2>/dev/null || true
  wait "$stage_group" || true
}

# install_package PACKAGE WHY: from Debian, without starting a service of it.
install_package() {
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    die "$2 Install $1."
  fi
  apt-get -qq update && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$1" >/dev/null
}

# make_environment PYTHON FOLDER: Debian keeps the part of Python that makes environments in a package of its own.
make_environment() {
  "$1" -m venv "$2" >/dev/null 2>&1 && return
  install_package python3-venv "'$1 -m venv' does not work here."
  rm -rf "$2"
  "$1" -m venv "$2"
}

# copy_tree FOLDER: the files that Git knows, as they are in the work tree.
copy_tree() {
  mkdir -p "$1"
  git ls-files -z | tar --null --files-from=- --create | tar --extract --directory="$1"
}

# use_folders FOLDER: an environment with this tree's commands, a home and a cache, which nobody has used yet. pytest's
# folder is there, too: in /tmp each pytest that starts would close it to the servers of the tests that run beside it.
use_folders() {
  export STACK_HOME=$1/home STACK_CACHE=$1/cache PYTEST_DEBUG_TEMPROOT=$1
  mkdir -p "$STACK_HOME" "$STACK_CACHE"
  make_environment python3 "$1/venv"
  export PATH=$1/venv/bin:$PATH
}

# clone_tree FOLDER: go into a clone of this tree, with what is not committed, and use folders of its own.
clone_tree() {
  use_folders "$1"
  git clone --quiet . "$1/clone"
  copy_tree "$1/clone"
  cd "$1/clone"
}
