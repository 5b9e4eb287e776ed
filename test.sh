#!/usr/bin/env bash
# Installs what is missing, builds weir and runs all tests. The work is in the Makefile; only make
# itself must be there first.
set -eu
here=$(dirname "$(readlink -f "$0")")
command -v make >/dev/null || "$here/deploy/install_packages.sh" make
exec make -C "$here" --no-print-directory test
