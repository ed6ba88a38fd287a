#!/usr/bin/env bash
# resjac beside the published pipeline (reference.py): same machine, one core, model and token ids, one after the other, several
# times. Times are reported only after the numbers agree (agree.py). Three ratios: of what comes after both have their weights in
# memory; with resjac's reading and dequantising, without the reference's; of both programs from start to end.
# Usage: tests/bench/compare.sh MODEL TOKENS [REPEATS] [BLOCKS]
#   MODEL    GGUF file or folder; or gpt2: its shape with random weights
#   BLOCKS   the reference takes the first BLOCKS blocks only, its time is scaled to all; 0 (default): all
# VJU=true: both also measure the misfit with U and V exchanged, which the paper does not use.
# CORE: the core that both take in turn (0).
# PYTHON     an interpreter with torch, transformers and netCDF4 (tests/oracle/README.md); RESJAC: default build/resjac
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
python=${PYTHON:-python3}
resjac=${RESJAC:-$root/build/resjac}
[ $# -ge 2 ] || { sed -n 's/^# \{0,1\}//; 2,10p' "$0" && exit 64; }
model=$1 tokens=$2 repeats=${3:-3} blocks=${4:-0}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 HF_HUB_OFFLINE=1
. "$root/jobs/mpi-environment.sh"
mpi_environment 1

[ "$model" != gpt2 ] || { model=$work/gpt2 && "$python" "$here/reference.py" "$model" --make-gpt2 2>/dev/null; }
"$python" - "$work" "$tokens" <<'END'
import json, sys
ids = [(977 * i + 13) % 10000 + 1 for i in range(int(sys.argv[2]))]
json.dump(ids, open(sys.argv[1] + "/ids.json", "w"))
json.dump({"ids": ids}, open(sys.argv[1] + "/ids.jsonl", "w"))
END
cat >"$work/deck.yaml" <<END
models: [{path: $(realpath "$model"), name: measured}]
prompts: {file: ids.jsonl}
coupling: {k: [10, 30, 50], vju: ${VJU:-false}}
last_block: $([ "$blocks" -gt 0 ] && echo raw || echo final-norm)
store: {per_prompt: all}
output: out.nc
END
pin=()
! command -v taskset >/dev/null || pin=(taskset -c "${CORE:-0}")
for ((i = 0; i < repeats; i++)); do
    "${pin[@]}" "$python" "$here/reference.py" "$model" "$work/ids.json" "$work/reference.npz" --layers "$blocks" \
        $([ "${VJU:-false}" = false ] || echo --vju) \
        2>/dev/null >>"$work/reference.txt"
    start=$(date +%s.%N)
    "${pin[@]}" "$resjac" run "$work/deck.yaml" --fresh >"$work/log" 2>&1 || { cat "$work/log" && exit 1; }
    echo "$start $(date +%s.%N)" >>"$work/wall.txt"
    "$python" "$here/agree.py" "$work/reference.npz" "$work/out.nc" >"$work/agree" || { cat "$work/agree" && exit 1; }
    "$python" -c "import netCDF4, sys; print(float(netCDF4.Dataset(sys.argv[1])['measured']['prompt_seconds'][0]))" \
        "$work/out.nc" >>"$work/resjac.txt"
    sed -n 's/^.*INFO read  *\([0-9.]*\) .*/\1/p' "$work/log" >>"$work/read.txt"
done
cat "$work/agree"
"$python" - "$work" <<'END'
import json, sys
def lines(name):
    return open(f"{sys.argv[1]}/{name}.txt").read().splitlines()
reference = [json.loads(line) for line in lines("reference")]
ours, read = [float(x) for x in lines("resjac")], [float(x) for x in lines("read")]
wall = [float(b) - float(a) for a, b in (line.split() for line in lines("wall"))]
for r, o, w in zip(reference, ours, wall):
    print(f"reference {r['seconds_all_blocks']:.2f} s (of {r['blocks']} blocks: forward {r['forward']}, Jacobians {r['jacobian']}, "
          f"SVD {r['svd']}, pairs {r['pairs']}; besides imports and loading {r['load']}), resjac {o:.2f} s (program {w:.2f})")
theirs, load = min(r["seconds_all_blocks"] for r in reference), min(r["load"] for r in reference)
best = min(ours)
kept = min(o - r for o, r in zip(ours, read))
print(f"best of {len(ours)}: reference {theirs:.2f} s, resjac {best:.2f} s, {best - kept:.2f} of it reading weights")
print(f"ratio {theirs / kept:.1f} with weights in memory on both sides, {theirs / best:.1f} with resjac's reading, "
      f"{(theirs + load) / min(wall):.1f} from start to end of both programs")
END
echo "load of the machine now: $(cut -d' ' -f1-3 /proc/loadavg) on $(nproc --all) cores"
grep -A8 ' stage  ' "$work/log" | sed 's/^.*INFO //'
