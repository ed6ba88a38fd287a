#!/usr/bin/env bash
# From a fresh clone to figures: packages, build, a small model, eight prompts, a report. What is done is not done again.
# Usage: bash jobs/quickstart.sh, from any folder. RANKS=n takes n processes instead of 2.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=$PWD/jobs
output=out/quickstart.nc
report=out/quickstart-report
step() { printf '\n== %s\n' "$*"; }

step "Debian packages"
bash "$jobs/install-packages.sh" run

step "Build (release, in build/)"
cmake --preset release --log-level=WARNING
cmake --build --preset release

step "Model"
bash "$jobs/fetch-model.sh"

step "Measure (a rerun resumes)"
# shellcheck source=jobs/mpi-environment.sh
. "$jobs/mpi-environment.sh"
ranks=${RANKS:-2}
mpi_environment "$ranks"
mpirun -n "$ranks" build/resjac run input/quickstart.yaml

step "Verify"
build/resjac verify "$output"

step "Report"
if [ "$report/index.html" -nt "$output" ]; then
    echo "$report/index.html is newer than $output"
else
    build/resjac report "$output" -o "$report"
fi
