# shellcheck shell=bash
# What the batch scripts share. They source it with RESJAC, LAUNCHER, MAX_RESTARTS and OUTPUT set (see run.sbatch), then
#     batch_run DECK [OPTION ..]   resjac run on all ranks; its exit code in $code
#     batch_end                    ends the job, or requeues it where the run was stopped early

export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 # one thread a rank: docs/clusters.md
export SRUN_CPUS_PER_TASK=${SLURM_CPUS_PER_TASK:-1} # srun does not take it over from sbatch since Slurm 22.05
# Open MPI 4.1 chooses its UCX windows also where UCX has no device, and fails: "MPI_ERR_WIN: invalid window".
[ -n "$(ls /sys/class/infiniband 2>/dev/null)" ] || export OMPI_MCA_osc=${OMPI_MCA_osc:-^ucx}
job=${SLURM_ARRAY_JOB_ID:+${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID}
job=${job:-$SLURM_JOB_ID} # an array's own number would name all its tasks
code=70 run_pid='' warned=0
read -r -a launcher <<<"${LAUNCHER:-srun}"

# Older Slurm (22.05) does not tell a job when it ends; resjac stops in time if it knows.
if [ -z "${SLURM_JOB_END_TIME:-}" ] && end=$(date -d "$(squeue -h -j "$job" -o %e)" +%s 2>/dev/null); then
    export SLURM_JOB_END_TIME=$end
fi

# The early warning (--signal=B:USR1@..) reaches this shell alone; srun and mpirun pass it on to every rank.
trap 'warned=1; [ -z "$run_pid" ] || kill -USR1 "$run_pid" 2>/dev/null' USR1

# batch_output DECK [OPTION ..]: the final file as resjac run has it. Where the name is made of variables, set OUTPUT.
batch_output() {
    local deck=$1 name
    name=$(sed -nE 's/^output:[[:space:]]*//p' "$deck" | tail -n 1)
    while [ $# -gt 1 ]; do
        shift
        case $1 in
            output=*) name=${1#output=} ;;
            --set=output=*) name=${1#--set=output=} ;;
        esac
    done
    case $name in
        \"*) name=${name#\"} && name=${name%%\"*} ;;
        \'*) name=${name#\'} && name=${name%%\'*} ;;
        *) name=$(sed -E 's/[[:space:]]+#.*//; s/[[:space:]]+$//' <<<"$name") ;;
    esac
    case $name in
        '' | *[\$\\]* | '~'*) echo "batch: cannot tell the output of $deck: set OUTPUT" >&2 && return 64 ;;
        /*) printf '%s\n' "$name" ;;
        *) printf '%s/%s\n' "$(dirname -- "$deck")" "$name" ;;
    esac
}
batch_state() { # state of status.json: running, done, partial, stopped, failed
    sed -nE 's/.*"state": "([a-z]+)".*/\1/p' "$output.d/status.json" 2>/dev/null
}
all_stored() { grep -qE '"done": ([0-9]+), "total": \1,' "$output.d/status.json" 2>/dev/null; } # only the final file is left
held_elsewhere() { [ -n "$(ls "$output.d/leases" 2>/dev/null)" ]; } # by a live run, or a killed one's for ten minutes more
count_units() { find "$output.d/units" -name '*.nc' 2>/dev/null | wc -l; }

batch_run() {
    local start tenths
    output=${OUTPUT:-$(batch_output "$@")} || exit
    units_before=$(count_units)
    echo "batch: job $job, start $((${SLURM_RESTART_COUNT:-0} + 1)), $SLURM_NTASKS ranks on $SLURM_JOB_NUM_NODES nodes," \
        "$units_before units stored"
    start=$(date +%s%3N)
    "${launcher[@]}" "$RESJAC" run "$@" &
    run_pid=$!
    while :; do # a signal ends `wait` before the run has ended
        warned=0 code=0
        wait "$run_pid" || code=$?
        [ "$warned" -eq 1 ] || break
    done
    [ "$code" -ne 138 ] || code=75 # warned before resjac listened (128 + SIGUSR1): nothing is lost
    tenths=$((($(date +%s%3N) - start) / 100))
    echo "batch: job $job, $SLURM_NTASKS ranks on $SLURM_JOB_NUM_NODES nodes, $((tenths / 10)).$((tenths % 10)) s, exit $code," \
        "state $(batch_state), $(count_units) units stored"
}

# Exit 75 means that the same command resumes. Another start helps unless someone wants the run to stop or it does not move.
batch_end() {
    [ "$code" -eq 75 ] || exit "$code"
    if [ -e "$output.stop" ]; then
        echo "batch: not requeued while $output.stop is there"
    elif [ "${SLURM_RESTART_COUNT:-0}" -ge "$MAX_RESTARTS" ]; then
        echo "batch: not requeued: MAX_RESTARTS=$MAX_RESTARTS is reached; submit again to go on"
    elif [ "$(count_units)" -eq "$units_before" ] && ! all_stored && ! held_elsewhere; then
        echo "batch: not requeued: no unit was stored in this time; raise --time or lower layout.unit_prompts"
    else
        echo "batch: requeued"
        scontrol requeue "$job" || echo "batch: scontrol requeue failed; submit again to go on"
    fi
    exit 75
}
