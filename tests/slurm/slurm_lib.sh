# shellcheck shell=bash
# slurm_lib.sh: what the tests on Slurm share. Source it: `. slurm_lib.sh RESJAC MPIEXEC`. It starts a private cluster
# (cluster.sh), which ends with the test however that ends, and goes to a scratch folder. Exit code 77 (skipped for CTest)
# where that is impossible.
skip() { echo "skipped: $*"; exit 77; }
for program in slurmctld slurmd munged sbatch srun scontrol; do
  command -v "$program" >/dev/null || skip "$program is not installed (bash jobs/install-packages.sh tests)"
done
[ "$(id -u)" = 0 ] || skip "only root can start a private Slurm"

unset "${!SLURM_@}" "${!SBATCH_@}" # of a job in which the tests may run
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../cli/lib.sh" "$1" "$2"
trap 'bash "$here/cluster.sh" stop "$scratch/cluster"; rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM
home=$(realpath "$here/../..")
bash "$here/cluster.sh" start "$scratch/cluster" $$ || { fail 'the cluster does not start'; exit 1; }
export SLURM_CONF=$scratch/cluster/slurm.conf RESJAC_HOME=$home RESJAC=$resjac
# Four nodes on one host: they must not take each other's shared memory for their own.
export OMPI_MCA_btl=self,tcp OMPI_MCA_btl_tcp_if_include=lo
export LAUNCHER=srun

# submit NAME ARGUMENT..: sbatch with what the virtual nodes need; prints the job's number. Its log is NAME.log.
submit() { local name=$1; shift; sbatch --parsable --mem=1000 --job-name="$name" --output="$name.log" "$@"; }

# field JOB NAME: of scontrol show job, one line a task of an array.
field() { scontrol -o show job "$1" | sed -nE "s/.* $2=([^ ]+).*/\1/p"; }

# ended JOB SECONDS: waits until no task of the job is left to run, requeued ones included; false if it takes longer.
ended() {
  local until=$((SECONDS + $2))
  while field "$1" JobState | grep -qvE '^(COMPLETED|FAILED|TIMEOUT|CANCELLED|NODE_FAIL|OUT_OF_MEMORY|BOOT_FAIL|DEADLINE|PREEMPTED)$'; do
    [ "$SECONDS" -lt "$until" ] || { fail "job $1 has not ended after $2 s"; scontrol show job "$1"; squeue; exit 1; }
    sleep 0.5
  done
}

# expect_job JOB SECONDS STATE CODE LOG WORD..: how it ended, and each word in its log.
expect_job() {
  local job=$1 seconds=$2 state=$3 code=$4 log=$5 got word; shift 5
  checks=$((checks + 1))
  ended "$job" "$seconds" || { cat "$log"; return 1; }
  got="$(field "$job" JobState | sort -u) $(field "$job" ExitCode | sort -u)"
  [ "$got" = "$state $code:0" ] || { fail "job $job ($log) ended $got instead of $state $code:0"; cat "$log"; return 1; }
  for word in "$@"; do
    grep -qF -- "$word" "$log" || { fail "no \"$word\" in $log"; cat "$log"; return 1; }
  done
}

# until_true SECONDS COMMAND..
until_true() {
  local until=$((SECONDS + $1)); shift
  until "$@"; do
    [ "$SECONDS" -lt "$until" ] || { fail "in vain: $*"; return 1; }
    sleep 0.2
  done
}
units_of() { find "$1.d/units" -name '*.nc' 2>/dev/null | wc -l; }
has_units() { [ "$(units_of "$1")" -ge "$2" ]; }
is_state() { grep -qF "\"state\": \"$2\"" "$1.d/status.json"; }

# wide_deck PROMPTS: a model whose prompts take some 0.1 s each, in wide.yaml for wide.nc.
wide_deck() {
  [ -d wide ] || python3 "$here/tiny_model.py" "$golden/llama_base" wide 192 12
  tiny_prompts "$1" >wide.jsonl
  printf 'models: [{path: wide, name: wide}]\nprompts: {file: wide.jsonl}\ncoupling: {k: [10]}\n' >wide.yaml
  printf 'svd: {method: full}\nlayout: {unit_prompts: 4}\noutput: wide.nc\n' >>wide.yaml
}
