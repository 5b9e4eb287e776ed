#!/usr/bin/env bash
# Words are spelt as codespell knows them. Corpora and golden files are data, not prose.
set -eu
cd "$(dirname "$0")/../.."
git ls-files -z ':!tests/fuzz/corpus' ':!tests/golden' ':!*.png' |
    xargs -0 -r codespell --ignore-words tests/lint/spelling.txt
