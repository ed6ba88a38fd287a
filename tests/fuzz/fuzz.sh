#!/usr/bin/env bash
# libFuzzer on every reader, one after another, from the committed seeds and the small golden files.
# Usage: tests/fuzz/fuzz.sh SECONDS [FORMAT..]   SECONDS for each format: gguf, safetensors, index, tokenizer_json, ..
#        tests/fuzz/fuzz.sh runs N [FORMAT..]    N executions for each: nine tenths without sanitizers, which is faster and finds inputs
#                                                for the last, with AddressSanitizer and UndefinedBehaviorSanitizer
#        tests/fuzz/fuzz.sh cover [FORMAT..]     lines of each reader's sources that all inputs kept so far pass, and those never passed
# Builds with clang into build-fuzz, build-fuzz-bare and build-fuzz-cover (RESJAC_FUZZ_BUILD names another build-fuzz); inputs are kept
# in build-fuzz/corpus; RESJAC_FUZZ_LENGTH is the longest input (65536 bytes). A crash is left as build-fuzz/crash-..: fix it, then commit the file as tests/fuzz/seeds/<format>/crash-<what>.
# Exit code 0, or 1 when an input crashed, leaked, hung or grew beyond 2 GB.
set -euo pipefail
usage='usage: tests/fuzz/fuzz.sh SECONDS|runs N|cover [FORMAT..]'
mode=${1:?$usage}
shift
case $mode in
    runs) amount=${1:?$usage}; shift ;;
    cover) ;;
    *) amount=$mode mode=seconds ;;
esac
cd "$(dirname "$0")/../.."
build=${RESJAC_FUZZ_BUILD:-build-fuzz}
formats=("$@")
[ $# -gt 0 ] || for folder in tests/fuzz/seeds/*/; do formats+=("$(basename "$folder")"); done
TMPDIR=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) # files in memory: many times as many executions
export TMPDIR ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1
trap 'rm -rf "$TMPDIR"' EXIT

# configure FOLDER FLAG..: and builds the targets.
configure() {
    cmake -S . -B "$@" -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug --log-level=WARNING
    cmake --build "$1" --target fuzz_targets -j "$(nproc)" >"$1/fuzz-build.log" || { cat "$1/fuzz-build.log"; exit 1; }
}

# Files of a format in tests/golden, as a first corpus beside the seeds.
golden() {
    case $1 in
        gguf | tokenizer_gguf) find tests/golden -name '*.gguf' -size -100k ;;
        safetensors) find tests/golden -name '*.safetensors' -size -100k ;;
        tokenizer_json) find tests/golden -name tokenizer.json ;;
        config) find tests/golden -name config.json ;;
        deck) find input -name '*.yaml' ;;
    esac
}

# fuzz FOLDER FORMAT WHAT OPTION..: prints a line; whether all went well.
fuzz() {
    local folder=$1 format=$2 what=$3 corpus=$build/corpus/$2 log=$build/fuzz-$2.log code=0 executions edges
    shift 3
    mkdir -p "$corpus"
    golden "$format" | while IFS= read -r file; do cp "$file" "$corpus/$(echo "$file" | tr '/' '-')"; done
    "$folder/tests/fuzz/fuzz_$format" "$@" -timeout=20 -rss_limit_mb=2048 -max_len=$((${RESJAC_FUZZ_LENGTH:-65536})) -dict=tests/fuzz/words.dict \
        -artifact_prefix="$build/" -print_final_stats=1 -verbosity=1 "$corpus" "tests/fuzz/seeds/$format" >"$log" 2>&1 || code=$?
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    edges=$(sed -nE 's/.* cov: ([0-9]+) .*/\1/p' "$log" | tail -1)
    printf '%-16s %-10s %10s executions, %s edges, exit %d\n' "$format" "$what" "${executions:-?}" "${edges:-?}" "$code"
    [ "$code" -eq 0 ] || { grep -aE 'ERROR|SUMMARY|leaked|^status|Test unit written' "$log" | head -8; return 1; }
}

# Sources of a reader: what the bytes of a stranger meet first.
sources() {
    case $1 in
        gguf) echo src/weights/gguf*.c src/weights/{quant,dtype,tensor}.c ;;
        safetensors) echo src/weights/safetensors.c ;;
        index) echo src/weights/{shards,weights}.c ;;
        tokenizer_json) ls src/tokenizer/*.c | grep -v tokenizer_gguf ;;
        tokenizer_gguf) echo src/tokenizer/tokenizer_gguf.c ;;
        config) echo src/base/json.c src/model/{config,roles,rope_config,rope_gguf,tensors,family,known_keys,neutral}.c ;;
        csv) echo src/base/csv.c src/stats/scores.c ;;
        deck) echo src/run/deck*.c src/run/yaml_tree.c ;;
        prompts) echo src/run/prompts.c ;;
        manifest) echo src/store/manifest.c ;;
    esac
}

# Lines of each reader that any target passes with corpus and seeds; a reader's rest are above all failures of memory and disks.
cover() {
    local format profiles=() objects=()
    for format in "${formats[@]}"; do
        local target=build-fuzz-cover/tests/fuzz/fuzz_$format profile=build-fuzz-cover/$format
        mkdir -p "$build/corpus/$format"
        LLVM_PROFILE_FILE=$profile.profraw "$target" -runs=0 -timeout=60 -max_len=65536 "$build/corpus/$format" "tests/fuzz/seeds/$format" \
            >"$profile.log" 2>&1
        profiles+=("$profile.profraw") objects+=(-object "$target")
    done
    llvm-profdata-14 merge -sparse "${profiles[@]}" -o build-fuzz-cover/all.profdata
    for format in "${formats[@]}"; do
        # shellcheck disable=SC2046 # a list of files
        llvm-cov-14 export -format=lcov -instr-profile=build-fuzz-cover/all.profdata "${objects[@]:1}" $(sources "$format") |
            awk -F: -v format="$format" '
                $1 == "SF" { file = $2; sub(/.*\/src\//, "src/", file) }
                $1 == "DA" { split($2, at, ","); lines[file]++; total++
                             if (at[2] > 0) { passed[file]++; sum++ } else missed[file] = missed[file] " " at[1] }
                END {
                    printf "%-16s %d of %d lines\n", format, sum, total
                    for (file in lines) printf "  %-36s %4d of %4d; not:%s\n", file, passed[file], lines[file], missed[file] | "sort"
                }'
    done
}

failed=0
case $mode in
    cover)
        configure build-fuzz-cover -DRESJAC_FUZZ=ON -DRESJAC_FUZZ_BARE=ON -DCMAKE_C_FLAGS='-O1 -fprofile-instr-generate -fcoverage-mapping'
        cover
        ;;
    seconds)
        configure "$build" -DRESJAC_FUZZ=ON -DCMAKE_C_FLAGS=-O1
        for format in "${formats[@]}"; do fuzz "$build" "$format" sanitized -max_total_time="$amount" || failed=1; done
        ;;
    runs)
        configure "$build" -DRESJAC_FUZZ=ON -DCMAKE_C_FLAGS=-O1
        configure build-fuzz-bare -DRESJAC_FUZZ=ON -DRESJAC_FUZZ_BARE=ON -DCMAKE_C_FLAGS=-O2
        for format in "${formats[@]}"; do
            fuzz build-fuzz-bare "$format" bare -runs=$((amount / 10 * 9)) || failed=1
            fuzz "$build" "$format" sanitized -runs=$((amount - amount / 10 * 9)) || failed=1
        done
        ;;
esac
exit "$failed"
