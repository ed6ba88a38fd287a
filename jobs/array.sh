#!/usr/bin/env bash
# array.sh PARTS DECK [OPTION OF resjac run ..]: a deck's models in PARTS jobs of their own, and one that merges. From the
# project's folder:
#     SBATCH='sbatch --account=abc --ntasks=16' bash jobs/array.sh 8 input/three-models.yaml
# SBATCH is the command for both jobs, its options before those in the scripts; REPORT=FOLDER asks for a report at the
# end. A part is a run of consecutive models of the deck (a model and its twin stay together): no more parts than models.
set -euo pipefail

[ $# -ge 2 ] && [[ $1 =~ ^[1-9][0-9]*$ ]] || { sed -n '2,5s/^# //p' "$0" >&2 && exit 64; }
parts=$1
shift
[ -f "$1" ] || { echo "array: $1: no such deck" >&2 && exit 66; }
RESJAC_HOME=${RESJAC_HOME:-$(cd "$(dirname "$0")/.." && pwd)}
export RESJAC_HOME PARTS=$parts
read -r -a submit <<<"${SBATCH:-sbatch}"

job=$("${submit[@]}" --parsable --array="1-$parts" "$RESJAC_HOME/jobs/array.sbatch" "$@")
job=${job%%;*} # on a federation the cluster's name follows
reduce=$("${submit[@]}" --parsable --dependency="afterany:$job" "$RESJAC_HOME/jobs/reduce.sbatch" "$@")
echo "array: job $job, parts 1 to $parts; then job ${reduce%%;*} merges"
