#!/usr/bin/env bash
# slurm_limit.sh RESJAC MPIEXEC: runs that need longer than their jobs' limit of one minute are requeued until they are
# complete, and no job is ever killed by the limit: one is warned by Slurm's signal, one has to know the limit by itself.
# They are interrupted at different instants and have equal content.
. "$(dirname "$0")/slurm_lib.sh" "$@"

# As many prompts as take 70 s on this machine when it has nothing else to do: each start of a job has less than a minute.
wide_deck 24
fastest=60000 # milliseconds
for _ in 1 2 3; do
  start=$(date +%s%N)
  expect 0 -- ranks 1 "$resjac" run wide.yaml --set output=calibration.nc
  took=$((($(date +%s%N) - start) / 1000000))
  [ "$took" -ge "$fastest" ] || fastest=$took
  rm -rf calibration.nc*
done
wide_deck $((70000 * 24 / fastest))
printf '%d prompts\n' "$(wc -l <wide.jsonl)"

# Slurm signals up to half a minute early; SIGCONT says nothing to who is running.
limited() { submit "$1" --time=1 --signal="B:$2" --ntasks=1 "$home/jobs/run.sbatch" wide.yaml --set "output=$1.nc"; }
warned=$(limited warned USR1@10)
unwarned=$(limited unwarned CONT@1)

# in_time JOB NAME WORDS
in_time() {
  local seconds
  expect_job "$1" 300 COMPLETED 0 "$2.log" "$3" 'exit 75, state stopped' 'batch: requeued' 'exit 0, state done'
  grep -E 'batch: job|stopping' "$2.log"
  [ "$(field "$1" Restarts)" -ge 1 ] || fail "$2 was never requeued: it did not need longer than a minute"
  ! grep -q 'TIME LIMIT' "$2.log" || fail "the limit killed $2"
  for seconds in $(sed -nE 's/^batch: .* ([0-9]+)\.[0-9] s, exit.*/\1/p' "$2.log"); do
    [ "$seconds" -lt 60 ] || fail "a start of $2 took $seconds s"
  done
  expect 0 'complete and consistent' -- "$resjac" verify "$2.nc.d"
}
in_time "$warned" warned 'stopping: SIGUSR1'
in_time "$unwarned" unwarned 'stopped after'
expect 0 'equal content' -- "$resjac" verify warned.nc unwarned.nc
finish
