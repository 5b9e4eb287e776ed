#!/usr/bin/env bash
# Installs what is needed, builds weir and serves; arguments go to `weir serve`. The work is in the
# Makefile; only make itself must be there first.
set -eu
cd "$(dirname "$0")"
command -v make >/dev/null || deploy/install_packages.sh make
exec make --no-print-directory run ARGS="$*"
