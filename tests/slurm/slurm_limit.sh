#!/usr/bin/env bash
# slurm_limit.sh RESJAC MPIEXEC: a run that needs longer than its job's limit of one minute is requeued until it is
# complete, and no job is ever killed by the limit; its content is that of an undisturbed run, which is made beside it.
. "$(dirname "$0")/slurm_lib.sh" "$@"

# As many prompts as take 85 s on this machine when it has nothing else to do: each start of the job has less than a minute.
wide_deck 24
fastest=60000 # milliseconds
for _ in 1 2 3; do
  start=$(date +%s%N)
  expect 0 -- ranks 1 "$resjac" run wide.yaml --set output=calibration.nc
  took=$((($(date +%s%N) - start) / 1000000))
  [ "$took" -ge "$fastest" ] || fastest=$took
  rm -rf calibration.nc*
done
wide_deck $((85000 * 24 / fastest))
printf '%d prompts\n' "$(wc -l <wide.jsonl)"

job=$(submit limited --time=1 --signal=B:USR1@10 --ntasks=1 "$home/jobs/run.sbatch" wide.yaml)
LIMIT=300 expect 0 -- ranks 1 "$resjac" run wide.yaml --set output=whole.nc
expect_job "$job" 300 COMPLETED 0 limited.log 'stopping: ' 'exit 75, state stopped' 'batch: requeued' 'exit 0, state done'
restarts=$(field "$job" Restarts)
[ "$restarts" -ge 1 ] || fail 'the run was never requeued: it did not need longer than a minute'
grep -E 'batch: job|stopping' limited.log
grep -q 'TIME LIMIT' limited.log && fail 'the limit killed a job'
sed -nE 's/^batch: .* ([0-9]+)\.[0-9] s, exit.*/\1/p' limited.log | while read -r seconds; do
  [ "$seconds" -lt 60 ] || { echo "a start took $seconds s" >late.txt; }
done
[ -e late.txt ] && fail "$(cat late.txt)"
expect 0 'equal content' -- "$resjac" verify whole.nc wide.nc
expect 0 'complete and consistent' -- "$resjac" verify wide.nc.d
finish
