#!/usr/bin/env bash
# scaling.sh DECK PROMPTS FOLDER: strong and weak scaling of a deck; submits one job for each number of ranks. From the
# project's folder:
#     RANKS='1 2 4 8 16 32' RANKS_PER_NODE=16 bash jobs/scaling.sh input/three-models.yaml prompts.txt scaling
#     python3 jobs/scaling_report.py scaling          # when the jobs have ended
# Strong scaling: the same prompts for every number of ranks. Weak scaling: prompts in proportion to the ranks. Prompts
# are lines of the file PROMPTS, from its first on and round again where it has too few. Each job starts from nothing, in
# its own output.
set -euo pipefail

# Parameters, from the environment or changed here.
RANKS=${RANKS:-1 2 4 8 16}
RANKS_PER_NODE=${RANKS_PER_NODE:-16}              # nodes = ranks / RANKS_PER_NODE, rounded up
PROMPTS_PER_RANK=${PROMPTS_PER_RANK:-8}           # weak: for each rank; strong: for each rank of the largest job
UNIT_PROMPTS=${UNIT_PROMPTS:-2}                   # prompts a unit: several units a rank, so that the last ones do not decide
TIME=${TIME:-01:00:00}                            # limit of each job; one that reaches it does not count
SBATCH=${SBATCH:-sbatch --exclusive --mem=0}      # whole nodes, so that nobody else's work is measured

die() { printf 'scaling: %s\n' "$2" >&2; exit "$1"; }
[ $# -eq 3 ] || die 64 "usage: bash jobs/scaling.sh DECK PROMPTS FOLDER"
deck=$(realpath "$1") prompts=$2 folder=$3
[ -f "$deck" ] || die 66 "$1: no such deck"
[ -s "$prompts" ] || die 66 "$prompts: no such file, or empty"
mkdir "$folder" || die 73 "$folder: must not be there yet: it is for one study"
folder=$(realpath "$folder")
RESJAC_HOME=${RESJAC_HOME:-$(cd "$(dirname "$0")/.." && pwd)}
export RESJAC_HOME MAX_RESTARTS=0
read -r -a submit <<<"$SBATCH"
read -r -a ranks <<<"$RANKS"
most=$(printf '%s\n' "${ranks[@]}" | sort -n | tail -n 1)

quoted() { printf '"%s"' "$(sed 's/[\\"]/\\&/g' <<<"$1")"; } # names are data: as YAML

# job NAME RANKS PROMPTS
job() {
    local name=$1 n=$2 count=$3 file=$folder/prompts-$3.${prompts##*.}
    awk -v n="$count" '{ line[NR] = $0 } END { for (i = 0; i < n; i++) print line[i % NR + 1] }' "$prompts" >"$file"
    OUTPUT=$folder/$name.nc "${submit[@]}" --parsable --job-name="$name" --output="$folder/$name.log" --time="$TIME" \
        --ntasks="$n" --nodes=$(((n + RANKS_PER_NODE - 1) / RANKS_PER_NODE)) "$RESJAC_HOME/jobs/run.sbatch" "$deck" \
        --set "output=$(quoted "$folder/$name.nc")" --set "prompts.file=$(quoted "$file")" \
        --set "layout.unit_prompts=$UNIT_PROMPTS" >/dev/null
    echo "scaling: $name: $n ranks, $count prompts"
}
for n in "${ranks[@]}"; do
    job "strong-$n" "$n" $((most * PROMPTS_PER_RANK))
    job "weak-$n" "$n" $((n * PROMPTS_PER_RANK))
done
echo "scaling: when they have ended: python3 $RESJAC_HOME/jobs/scaling_report.py $folder"
