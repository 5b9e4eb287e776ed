#!/usr/bin/env bash
# Python files have no unused names, no undefined ones, no unused imports.
set -eu
cd "$(dirname "$0")/../.."
git ls-files -z '*.py' | xargs -0 -r pyflakes3
