#!/usr/bin/env bash
# stop.sh RESJAC MPIEXEC: signals, the stop file and time limits end a run in order: exit 75, nothing harmed, equal content after
# a resume, no final file before.
. "$(dirname "$0")/lib.sh" "$@"
tiny_prompts 900 >prompts.jsonl
tiny_deck "$golden/llama_base" whole.nc 'svd: {method: full}' >deck.yaml
expect 0 -- ranks 2 "$resjac" run deck.yaml --set layout.unit_prompts=10

# interrupted NAME RANKS SETUP..: starts a run, waits until it has stored a unit, does SETUP, expects exit 75, then resumes it.
interrupted() {
  local name=$1 n=$2 got job; shift 2
  checks=$((checks + 1))
  rm -rf part.nc part.nc.d part.nc.stop
  ranks "$n" "$resjac" run deck.yaml --set layout.unit_prompts=10 --set output=part.nc >part.txt 2>&1 &
  job=$!
  for _ in $(seq 200); do
    [ -n "$(ls part.nc.d/units/*.nc 2>/dev/null)" ] && break
    sleep 0.02
  done
  "$@"
  wait "$job"; got=$?
  [ "$got" = 75 ] || { fail "$name: exit code $got instead of 75"; cat part.txt; return; }
  [ -e part.nc ] && fail "$name: the final file was written"
  grep -q '"state": "stopped"' part.nc.d/status.json || fail "$name: status.json does not say stopped"
  [ ! -e part.nc.stop ] || grep -q 'once this file is gone: part.nc.stop' part.txt || fail "$name: no word of the stop file"
  rm -f part.nc.stop
  expect 0 -- ranks 2 "$resjac" run deck.yaml --set layout.unit_prompts=10 --set output=part.nc
  expect 0 'equal content' -- "$resjac" verify whole.nc part.nc
}
# of this test alone: others may run beside it
the_ranks() {
  pgrep -x resjac | while read -r p; do [ "$(readlink "/proc/$p/cwd")" = "$scratch" ] && echo "$p"; done
}
signal_all() { the_ranks | xargs -r kill "-$1"; }
signal_one() { the_ranks | head -n 1 | xargs -r kill "-$1"; }
interrupted 'stop file' 2 touch part.nc.stop
interrupted 'SIGUSR1 to all' 2 signal_all USR1
interrupted 'SIGUSR1 to one rank' 2 signal_one USR1
interrupted 'SIGTERM to all' 2 signal_all TERM
interrupted 'SIGINT, one rank' 1 signal_all INT

for _ in $(seq 40); do cat prompts.jsonl; done >many.jsonl
# time limits: of the command line, and of the job; the run ends before the limit (the first one starts at the launch)
late() { ranks 2 "$resjac" run deck.yaml --set prompts.file=many.jsonl --set layout.unit_prompts=20000 --set output=late.nc "$@"; }
expect 75 'the same command resumes' -- late --max-seconds 1
SECONDS=0
export SLURM_JOB_END_TIME=$(($(date +%s) + 15))
expect 75 'the same command resumes' -- late
[ "$(date +%s)" -le "$SLURM_JOB_END_TIME" ] || fail 'the job limit was overrun'
[ "$SECONDS" -ge 8 ] || fail 'the job limit was taken for over'
# all units done, no time left for the final file: it is left to the next run
rm -rf part.nc part.nc.d
SLURM_JOB_END_TIME=$(($(date +%s) + 2)) expect 75 'the same command resumes' -- "$resjac" run deck.yaml --set output=part.nc

unset SLURM_JOB_END_TIME
# SIGTERM where no unit is under way: planning, books, final file (of two units on one rank: its third)
dropped() { # STEP RANKS
  rm -rf part.nc part.nc.d
  RESJAC_FAULT=$1=term expect 75 'fault injected at' 'the same command resumes' -- ranks "$2" "$resjac" run deck.yaml --set layout.unit_prompts=900 --set output=part.nc
  [ -e part.nc ] && fail "SIGTERM at $1: the final file was written"
}
for at in mpi.agree:0:3 output.prepare text.create text.rename lease.take; do dropped "$at" 2; done
for at in nc.close:0:6 publish.flush:0:3 publish.rename:0:3; do dropped "$at" 1; done
expect 0 -- ranks 2 "$resjac" run deck.yaml --set layout.unit_prompts=900 --set output=part.nc
expect 0 'complete and consistent' -- "$resjac" verify part.nc.d
finish
