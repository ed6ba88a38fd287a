#!/usr/bin/env bash
# From a fresh clone to figures: packages, build, a small model, eight prompts, a report. What is done is not done again.
# Usage: bash jobs/quickstart.sh, from any folder. RANKS=n takes n processes instead of 2.
set -euo pipefail
cd "$(dirname "$0")/.."
output=out/quickstart.nc
report=out/quickstart-report
ranks=${RANKS:-2}
step() { printf '\n== %s\n' "$*"; }

step "Debian packages"
bash jobs/install-packages.sh run

step "Build (release, in build/)"
cmake --preset release --log-level=WARNING
cmake --build --preset release --target resjac

step "Model (SmolLM2-135M-Instruct, in models/)"
bash jobs/fetch-model.sh

step "Measure (input/quickstart.yaml on $ranks ranks; a second start resumes)"
# shellcheck source=jobs/mpi-environment.sh
. jobs/mpi-environment.sh
mpi_environment "$ranks"
mpirun -n "$ranks" build/resjac run input/quickstart.yaml

step "Verify"
build/resjac verify "$output"

step "Report"
if [ "$report/index.html" -nt "$output" ] && [ "$report/index.html" -nt build/resjac ]; then
    echo "$report/index.html is up to date"
else
    build/resjac report "$output" -o "$report"
fi

# The rows of summary.csv become columns: one line a measure, one column a model.
step "Means over prompts (excess coupling: 0 chance, 1 perfect)"
awk -F, '
    NR == 1 { for (i = 1; i <= NF; i++) name[i] = $i }
    { for (i = 1; i <= NF; i++) cell[NR, i] = $i }
    END {
        n = split("model prompts_measured excess_k10 excess_k30 excess_k50 misfit_k50 null_k50 line_shape_score " \
                  "growth_rate worst_residual", wanted, " ")
        for (w = 1; w <= n; w++)
            for (i = 1; i <= NF; i++) {
                if (name[i] != wanted[w]) continue
                printf "%-18s", name[i]
                for (r = 2; r <= NR; r++) printf w == 1 ? "  %36s" : "  %36.4g", cell[r, i]
                printf "\n"
            }
    }' "$report/summary.csv"

step "Files"
printf '%s\n' "$PWD/$report/index.html   figures and tables, open in a browser" \
    "$PWD/$output   every number (docs/formats.md)" \
    "$PWD/$output.d/   the finished units, for resuming; may be deleted"
