#!/usr/bin/env bash
# Installs what is missing, builds weir and starts it; arguments go to weir, `serve` is its default.
# The work is in the Makefile; only make itself must be there first.
set -eu
here=$(dirname "$(readlink -f "$0")")
command -v make >/dev/null || "$here/deploy/install_packages.sh" make
make -C "$here" --no-print-directory build_dependencies build_connector
# Not `make run`: arguments survive here as they are, spaces and dollar signs included.
exec "$here/build/Release/weir" "$@"
