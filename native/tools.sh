#!/usr/bin/env bash
# Makes sure that the programs for a purpose are there: native/tools.sh python|build|browser
# On Debian and Ubuntu root gets them installed; everybody else is shown the one command that does it.
# `python` also prints the interpreter to use: PYTHON if given, else the first that is new enough.
set -euo pipefail

purpose=${1:?python, build or browser}

say() { echo "$*" >&2; }

missing() { # package program...: prints the package when none of the programs is there
  local package=$1 program
  shift
  for program in "$@"; do ! command -v "$program" >/dev/null || return 0; done
  echo "$package"
}

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
  local candidate
  for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    ! new_enough "$candidate" || { echo "$candidate"; return; }
  done
}

python_packages() {
  local python
  command -v "${PYTHON:-python3}" >/dev/null || { echo python3 python3-venv; return; }
  python=$(find_python)
  if [ -z "$python" ]; then
    say "Meshbox needs Python 3.11 or newer; ${PYTHON:-python3} is $("${PYTHON:-python3}" -V 2>&1)."
    say "Debian 12, Ubuntu 24.04 and later have it. Name another one with 'make PYTHON=/path/to/python3.12', or use 'docker compose up'."
    exit 1
  fi
  "$python" -c 'import ensurepip' 2>/dev/null || echo python3-venv
}

build_packages() {
  missing g++ c++
  missing cmake cmake
  missing ninja-build ninja
  missing patch patch
  missing binutils strip
  missing util-linux setpriv
  missing ccache ccache
}

browser_packages() { missing chromium chromium chromium-browser google-chrome; }

install() {
  if ! command -v apt-get >/dev/null; then
    say "Meshbox needs what Debian calls: $*. Install it in your system's way, then run make again."
    exit 1
  fi
  if [ "$(id -u)" != 0 ]; then
    say "Meshbox needs a few packages. Install them, then run make again:"
    say "  sudo apt-get update && sudo apt-get install -y --no-install-recommends $*"
    exit 1
  fi
  say "installing: $*"
  export DEBIAN_FRONTEND=noninteractive
  local try
  for try in 1 2 3; do
    if apt-get -o Acquire::Retries=5 -qq update >&2 &&
      apt-get -o Acquire::Retries=5 -qq install -y --no-install-recommends "$@" >/dev/null; then
      return
    fi
    say "try $try failed"
    sleep $((try * 5))
  done
  say "The packages could not be installed; the lines above say why."
  exit 1
}

listed=$("${purpose}_packages")
read -r -d '' -a packages <<<"$listed" || true
[ ${#packages[@]} = 0 ] || install "${packages[@]}"
[ "$purpose" != python ] || find_python
