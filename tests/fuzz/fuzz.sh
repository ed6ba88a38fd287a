#!/usr/bin/env bash
# libFuzzer on every reader, one after another, from the committed seeds and the small golden files.
# Usage: tests/fuzz/fuzz.sh SECONDS [FORMAT..]   SECONDS for each format: gguf, safetensors, index, tokenizer_json, ..
# Builds with clang into build-fuzz (RESJAC_FUZZ_BUILD names another folder); what it learns stays in build-fuzz/corpus.
# A crash is left as build-fuzz/crash-..: fix it, then commit the file as tests/fuzz/seeds/<format>/crash-<what>.
# Exit code 0, or 1 when an input crashed, leaked, hung or grew beyond 2 GB.
set -euo pipefail
seconds=${1:?usage: tests/fuzz/fuzz.sh SECONDS [FORMAT..]}
shift
cd "$(dirname "$0")/../.."
build=${RESJAC_FUZZ_BUILD:-build-fuzz}
formats=("$@")
[ $# -gt 0 ] || for folder in tests/fuzz/seeds/*/; do formats+=("$(basename "$folder")"); done

cmake -S . -B "$build" -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS=-O1 -DRESJAC_FUZZ=ON \
    --log-level=WARNING
cmake --build "$build" --target fuzz_targets -j "$(nproc)" >"$build/fuzz-build.log" || { cat "$build/fuzz-build.log"; exit 1; }
TMPDIR=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) # files in memory: many times as many executions
export TMPDIR ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1
trap 'rm -rf "$TMPDIR"' EXIT

# Files of a format in tests/golden, as a first corpus beside the seeds.
golden() {
    case $1 in
        gguf | tokenizer_gguf | config) find tests/golden -name '*.gguf' -size -100k ;;
        safetensors) find tests/golden -name '*.safetensors' -size -100k ;;
        tokenizer_json) find tests/golden -name tokenizer.json ;;
        deck) find input tests/cli -name '*.yaml' 2>/dev/null ;;
    esac
    [ "$1" = config ] && find tests/golden -name config.json
    return 0
}

failed=0
for format in "${formats[@]}"; do
    corpus=$build/corpus/$format log=$build/fuzz-$format.log
    mkdir -p "$corpus"
    golden "$format" | while IFS= read -r file; do cp "$file" "$corpus/$(echo "$file" | tr '/' '-')"; done
    code=0
    "$build/tests/fuzz/fuzz_$format" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=65536 \
        -dict=tests/fuzz/words.dict -artifact_prefix="$build/" -print_final_stats=1 -verbosity=1 \
        "$corpus" "tests/fuzz/seeds/$format" >"$log" 2>&1 || code=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    cover=$(sed -nE 's/.* cov: ([0-9]+) .*/\1/p' "$log" | tail -1)
    printf '%-16s %10s executions, %s edges, exit %d\n' "$format" "${runs:-?}" "${cover:-?}" "$code"
    [ "$code" -eq 0 ] || { failed=1; grep -aE 'ERROR|SUMMARY|leaked|^status|Test unit written' "$log" | head -8; }
done
exit "$failed"
