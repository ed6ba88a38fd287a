#!/usr/bin/env bash
# slurm_lost.sh RESJAC MPIEXEC: a node that goes down under a run, and scancel: what was stored survives, the run goes on
# from there (requeued by Slurm, or submitted again), and its content is that of an undisturbed run.
. "$(dirname "$0")/slurm_lib.sh" "$@"
wide_deck 120
expect 0 -- ranks 2 "$resjac" run wide.yaml --set output=whole.nc

# survived NAME COUNT: every unit that was there at that time is there still, untouched
stamp() { find "$1.d/units" -name '*.nc' -printf '%f %i %T@\n' | sort; }
survived() { [ -z "$(comm -23 "$1.before" <(stamp "$1"))" ] || fail "$1: units were lost or written again"; }

# scancel, then the same command
job=$(submit cancelled --ntasks=2 --nodes=2 "$home/jobs/run.sbatch" wide.yaml --set output=cancelled.nc)
until_true 60 has_units cancelled.nc 6
stamp cancelled.nc >cancelled.nc.before
scancel "$job"
ended "$job" 30
[ "$(field "$job" JobState) $(field "$job" Restarts)" = 'CANCELLED 0' ] || fail "after scancel: $(scontrol -o show job "$job")"
[ ! -e cancelled.nc ] || fail 'scancel: the final file is there'
survived cancelled.nc
job=$(submit again --ntasks=2 --nodes=2 "$home/jobs/run.sbatch" wide.yaml --set output=cancelled.nc)
expect_job "$job" 90 COMPLETED 0 again.log 'state done, 30 units stored'
grep -q ' 0 done before' again.log && fail 'nothing of the cancelled run was used'
survived cancelled.nc
expect 0 'equal content' -- "$resjac" verify whole.nc cancelled.nc

# the second node of a job goes down: Slurm kills the job and requeues it, on the nodes that are left
job=$(submit down --ntasks=2 --nodes=2 "$home/jobs/run.sbatch" wide.yaml --set output=down.nc)
until_true 60 has_units down.nc 6
node=$(scontrol show hostnames "$(field "$job" NodeList)" | tail -n 1)
stamp down.nc >down.nc.before
scontrol update "NodeName=$node" State=DOWN Reason=test
expect_job "$job" 120 COMPLETED 0 down.log 'start 2' 'state done, 30 units stored'
[ "$(field "$job" Restarts)" = 1 ] || fail "restarted $(field "$job" Restarts) times instead of once"
scontrol show hostnames "$(field "$job" NodeList)" | grep -qx "$node" && fail "the second start had $node, which is down"
survived down.nc
expect 0 'equal content' -- "$resjac" verify whole.nc down.nc
finish
