#!/usr/bin/env bash
# Shell scripts, found by their first line, pass shellcheck.
set -eu
cd "$(dirname "$0")/../.."
git grep -lzE '^#!.*\b(ba)?sh$' -- ':!*.md' | xargs -0 -r shellcheck
