#!/usr/bin/env bash
# fuzz.sh FUZZER CORPUS: runs one libFuzzer target for $FUZZ_SECONDS. What it finds stays beside the
# fuzzer: libFuzzer writes into the first folder that is named, and the corpus is the project's.
set -eu
fuzzer=$1
corpus=$2
finds=$fuzzer.finds
mkdir -p "$finds" "$corpus"
exec "$fuzzer" -max_total_time="${FUZZ_SECONDS:-10}" -timeout=10 -rss_limit_mb=4096 -verbosity=0 \
    -artifact_prefix="$finds/" "$finds" "$corpus"
