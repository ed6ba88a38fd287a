#!/usr/bin/env bash
# Packages, build, every test: what CI runs. Usage: bash tests/run.sh, from any folder.
# Tiers: unit, golden, mpi with the release preset; the batch scripts on a private Slurm (root only); bits again with another
# kernel of OpenBLAS; unit, golden and the compiled MPI tests on two ranks with AddressSanitizer and UndefinedBehaviorSanitizer; a
# compilation with clang. Each has a budget in seconds, more than it takes on two idle cores, and all together end within half an
# hour. The exit code is 0 only if every tier passed and ran at least one test.
# shellcheck disable=SC2317 # tier calls the functions in a shell of their own
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=$(nproc)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
deadline=1740 # seconds from the start
summary=()
failed=0

# tier NAME BUDGET COMMAND..: runs it, shows what it says, and keeps a line for the summary.
tier() {
    local name=$1 budget=$2 start=$SECONDS code=0 tests
    shift 2
    [ "$budget" -le $((deadline - start)) ] || budget=$((deadline > start ? deadline - start : 1))
    printf '\n== %s\n' "$name"
    timeout --kill-after=10 "$budget" "$@" 2>&1 | tee "$log" || code=$?
    tests=$(sed -nE 's/^.*tests? failed out of ([0-9]+)$/\1 tests/p' "$log")
    case $code in
        0) code=passed ;;
        124 | 137) code="FAILED (over its budget of $budget s)" ;;
        *) code="FAILED (exit $code)" ;;
    esac
    [ "$code" = passed ] || failed=1
    summary+=("$(printf '%-20s %10s %5d s  %s' "$name" "${tests:--}" $((SECONDS - start)) "$code")")
    [ "$code" = passed ]
}
finish() {
    printf '\n== summary (%d s)\n' "$SECONDS"
    printf '%s\n' "${summary[@]}"
    [ "$failed" -eq 0 ] && echo "all tiers passed" || echo "FAILED"
    exit "$failed"
}
build() { cmake --preset "$1" --log-level=WARNING && cmake --build --preset "$1" -j "$jobs"; }
tests() { # PRESET LABELS
    ctest --preset "$1" -L "$2" -j "$jobs" --no-tests=error
}
# A test that no tier would run is a mistake in tests/CMakeLists.txt.
all_have_a_tier() {
    local stray
    stray=$(ctest --preset release -N -LE '^(unit|golden|mpi|slurm)$' | sed -n 's/^ *Test *#[0-9]*: //p')
    [ -z "$stray" ] || { printf 'These tests are in no tier (label unit, golden, mpi or slurm):\n%s\n' "$stray" && return 1; }
}
export -f build tests all_have_a_tier
export jobs

bash jobs/install-packages.sh tests
tier "build" 400 bash -ec 'build release' || finish
tier "labels" 30 bash -ec all_have_a_tier || true
tier "unit" 300 bash -ec 'tests release unit' || true
tier "golden" 200 bash -ec 'tests release golden' || true
tier "mpi" 1200 bash -ec 'tests release mpi' || true
tier "slurm" 400 bash -ec 'tests release slurm' || true
if [ "$(uname -m)" = x86_64 ]; then
    OPENBLAS_CORETYPE=Haswell tier "bits (Haswell)" 200 bash -ec 'tests release bits' || true
fi
if tier "build (asan)" 400 bash -ec 'build asan'; then
    tier "unit, golden (asan)" 500 bash -ec 'tests asan "unit|golden"' || true
    # of the compiled MPI tests two ranks; the scripts start too many processes for it
    tier "mpi, 2 ranks (asan)" 200 bash -ec "ctest --preset asan -L mpi -R 'np2\$' -E '^cli_' --no-tests=error" || true
fi
if command -v clang >/dev/null; then
    tier "build (clang)" 300 bash -ec 'build clang' || true
fi
finish
