#!/usr/bin/env bash
# kill_resume.sh RESJAC MPIEXEC [DECK KILLS]: SIGKILL at random instants with changing world sizes, then resume: equal content.
# Without a deck: a tiny golden model. With one (a real model): the same, its output beside the scratch files.
deck=${3:-} kills=${4:-6}
[ -n "$deck" ] && deck=$(realpath "$deck")
. "$(dirname "$0")/lib.sh" "$1" "$2"
if [ -z "$deck" ]; then
  tiny_prompts 40 >prompts.jsonl
  tiny_deck "$golden/llama_base" unused.nc >deck.yaml
  deck=deck.yaml
fi
RANDOM=${SEED:-1}
start=$(date +%s%N)
expect 0 -- ranks 2 "$resjac" run "$deck" --set "output=$scratch/whole.nc"
span=$((($(date +%s%N) - start) / 1000000)) # milliseconds of an undisturbed run
units=$(ls whole.nc.d/units/*.nc | wc -l)
for kill in $(seq 1 "$kills"); do
  n=$((1 + RANDOM % 3))
  setsid "$mpiexec" -n "$n" "$resjac" run "$deck" --set "output=$scratch/killed.nc" >kill.txt 2>&1 &
  job=$!
  sleep "$(awk -v s="$span" -v r="$RANDOM" 'BEGIN { printf "%.3f", s / 1000 * (0.05 + 0.3 * r / 32768) }')"
  kill -KILL -- -"$job" 2>/dev/null
  wait "$job" 2>/dev/null
  done_units=$(find killed.nc.d/units -name '*.nc' 2>/dev/null | wc -l)
  printf 'kill %d on %d ranks: %d of %d units stored\n' "$kill" "$n" "$done_units" "$units"
done
expect 0 -- ranks 2 "$resjac" run "$deck" --set "output=$scratch/killed.nc"
expect 0 'equal content' -- "$resjac" verify whole.nc killed.nc
expect 0 'complete and consistent' -- "$resjac" verify killed.nc.d
finish
