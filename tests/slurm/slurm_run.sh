#!/usr/bin/env bash
# slurm_run.sh RESJAC MPIEXEC: jobs/run.sbatch on a real Slurm: both launchers, exit codes, early warning, stop file, the
# cap on restarts.
. "$(dirname "$0")/slurm_lib.sh" "$@"
tiny_prompts 6 >prompts.jsonl
deck="a deck's \$name.yaml" # names are data
tiny_deck "$golden/llama_base" '"out file.nc"   # quoted' >"$deck"
expect 0 -- ranks 1 "$resjac" run "$deck" --set output=reference.nc

# two ranks on two nodes, with either launcher
for launcher in '' 'srun --mpi=pmix' mpirun; do # '': the script's own
  rm -rf 'out file.nc'*
  job=$(LAUNCHER=$launcher submit plain --ntasks=2 --nodes=2 "$home/jobs/run.sbatch" "$deck")
  expect_job "$job" 60 COMPLETED 0 plain.log 'on 2 ranks' 'out file.nc is written' 'exit 0, state done, 6 units stored'
  expect 0 'equal content' -- "$resjac" verify reference.nc 'out file.nc'
  rm -f plain.log
done
job=$(submit again --ntasks=1 "$home/jobs/run.sbatch" "$deck")
expect_job "$job" 60 COMPLETED 0 again.log '6 done before, 0 to do' 'is up to date'

# as resjac plan proposes it
expect 0 'jobs/run.sbatch' -- "$resjac" plan "$scratch/$deck" --ranks 2 --ranks-per-node 1 \
  --template "$home/jobs/submit.template"
job=$(cd "$home" && RESJAC_HOME='' SBATCH_OUTPUT=$scratch/planned.log bash "$scratch/out.txt" | grep -o '[0-9]*$')
expect_job "$job" 60 COMPLETED 0 planned.log '2 ranks on 2 nodes' 'state done'

# other ends are the job's end, and are not tried again
job=$(submit lost --ntasks=2 "$home/jobs/run.sbatch" "$deck" --set "models=[{path: nowhere}, {path: $golden/llama_base}]" --set output=lost.nc)
expect_job "$job" 60 FAILED 69 lost.log 'exit 69, state partial, 3 units stored'
job=$(submit typo --ntasks=1 "$home/jobs/run.sbatch" "$deck" --set cuopling.k=3)
expect_job "$job" 60 FAILED 64 typo.log 'unknown key' 'exit 64'
job=$(submit nothing --ntasks=1 "$home/jobs/run.sbatch")
expect_job "$job" 60 FAILED 64 nothing.log 'usage: sbatch'
sed '/^output/d' "$deck" >unnamed.yaml
job=$(submit unnamed --ntasks=1 "$home/jobs/run.sbatch" unnamed.yaml)
expect_job "$job" 60 FAILED 64 unnamed.log 'cannot tell the output of unnamed.yaml: set OUTPUT'

# warned NAME LAUNCHER: a job gets the early warning between two units, is requeued and goes on to the end
wide_deck 120
warned() {
  local job name=$1
  job=$(LAUNCHER=$2 submit "$name" --ntasks=2 --nodes=2 "$home/jobs/run.sbatch" wide.yaml --set "output=$name.nc")
  until_true 60 has_units "$name.nc" 4
  scancel --batch --signal=USR1 "$job"
  expect_job "$job" 120 COMPLETED 0 "$name.log" 'stopping: SIGUSR1' 'exit 75, state stopped' 'batch: requeued' 'start 2' 'state done, 30 units stored'
  [ "$(field "$job" Restarts)" = 1 ] || fail "$name was restarted $(field "$job" Restarts) times instead of once"
  expect 0 'complete and consistent' -- "$resjac" verify "$name.nc"
}
warned srun srun
warned mpirun mpirun
expect 0 'equal content' -- "$resjac" verify srun.nc mpirun.nc

# a stop file is someone's wish, and the cap is the cap
job=$(submit stopped --ntasks=1 "$home/jobs/run.sbatch" wide.yaml)
until_true 60 has_units wide.nc 2
touch wide.nc.stop
expect_job "$job" 60 FAILED 75 stopped.log 'not requeued while ./wide.nc.stop is there' || fail 'stop file'
is_state wide.nc stopped || fail 'status.json does not say stopped'
rm wide.nc.stop
job=$(MAX_RESTARTS=0 submit capped --ntasks=1 "$home/jobs/run.sbatch" wide.yaml --max-seconds 4)
expect_job "$job" 60 FAILED 75 capped.log 'MAX_RESTARTS=0 is reached'
job=$(submit stuck --ntasks=1 "$home/jobs/run.sbatch" wide.yaml --max-seconds 0.001)
expect_job "$job" 60 FAILED 75 stuck.log 'no unit was stored in this time'

# a model under the lease of a run that was killed elsewhere: tried again until the lease is stale
key=$(basename "$(ls 'out file.nc.d'/units/tiny-unit00000-*.nc)" .nc)
mkdir -p held.nc.d/leases
lease=held.nc.d/leases/tiny-${key##*-}.json
echo '{"host": "elsewhere", "pid": 1, "job": "12", "restart": 0, "run": "x"}' >"$lease"
job=$(submit held --ntasks=1 "$home/jobs/run.sbatch" "$deck" --set output=held.nc \
  --set "models=[{path: $golden/llama_base, name: tiny}]")
until_true 60 grep -qs 'batch: requeued' held.log
touch -d '11 minutes ago' "$lease"
expect_job "$job" 60 COMPLETED 0 held.log 'exit 75, state stopped, 0 units stored' 'exit 0'
[ ! -e "$lease" ] || fail 'a stale lease stays'
finish
