#!/usr/bin/env bash
# Installs what is needed, builds weir and runs all tests. The work is in the Makefile.
set -eu
cd "$(dirname "$0")"
command -v make >/dev/null || deploy/install_packages.sh make
exec make --no-print-directory test
