#!/usr/bin/env bash
# Every C file looks as .clang-format says. Version 14, since others format differently.
set -eu
cd "$(dirname "$0")/../.."
git ls-files -z '*.c' '*.h' | xargs -0 -r clang-format-14 --dry-run -Werror
