#!/usr/bin/env bash
# kill_resume.sh RESJAC MPIEXEC [DECK KILLS]: SIGKILL at random instants with changing world sizes, then resume: equal content, and
# no unit that was stored is stored again. Without a deck: a tiny golden model. With one (a real model): the same, its output
# beside the scratch files; for 200 kills the deck should have about 80 units.
deck=${3:-} kills=${4:-6}
[ -n "$deck" ] && deck=$(realpath "$deck")
. "$(dirname "$0")/lib.sh" "$1" "$2"
if [ -z "$deck" ]; then
  tiny_prompts 40 >prompts.jsonl
  tiny_deck "$golden/llama_base" unused.nc >deck.yaml
  deck=deck.yaml
fi
RANDOM=${SEED:-1}
now() { echo $(($(date +%s%N) / 1000000)); } # milliseconds
start=$(now)
expect 0 -- ranks 2 "$resjac" run "$deck" --set "output=$scratch/none.nc" --dry-run
launch=$(($(now) - start))
start=$(now)
LIMIT=900 expect 0 -- ranks 2 "$resjac" run "$deck" --set "output=$scratch/whole.nc"
grep -E 'INFO.* (stage|[a-z]+ +[0-9.]+ +[0-9.]+%)' out.txt
span=$(($(now) - start)) # of an undisturbed run
units=$(ls whole.nc.d/units/*.nc | wc -l)
each=$((span / 4)) # a run lives for up to its launch and this
[ "$kills" -le 20 ] || each=$((12 * (span - launch) / 5 / units)) # of many: little more than one unit of one rank
printf '%d units; an undisturbed run takes %d ms on 2 ranks, of which %d ms before the first unit\n' "$units" "$span" "$launch"

# files with their inodes: a unit that is stored again has another
stored() { find killed.nc.d/units -name '*.nc' -printf '%f %i\n' 2>/dev/null | sort; }
twice=0 hit=0 began=$(now)
: >before.txt
for kill in $(seq 1 "$kills"); do
  n=$((1 + RANDOM % 4))
  setsid "$mpiexec" -n "$n" "$resjac" run "$deck" --set "output=$scratch/killed.nc" >kill.txt 2>&1 &
  job=$!
  sleep "$(awk -v l="$launch" -v e="$each" -v r="$RANDOM" 'BEGIN { printf "%.3f", (l * 0.3 + (l * 0.7 + e) * r / 32768) / 1000 }')"
  kill -KILL -- -"$job" 2>/dev/null && hit=$((hit + 1))
  wait "$job" 2>/dev/null
  # ranks may be in process groups of their own: those of this run that still live
  pgrep -x resjac | while read -r p; do [ "$(readlink "/proc/$p/cwd")" = "$scratch" ] && kill -KILL "$p"; done 2>/dev/null
  stored >after.txt
  twice=$((twice + $(comm -23 before.txt after.txt | wc -l)))
  mv after.txt before.txt
  [ "$kills" -gt 20 ] && [ $((kill % 20)) != 0 ] || printf 'kill %d on %d ranks: %d of %d units stored\n' "$kill" "$n" "$(wc -l <before.txt)" "$units"
done
LIMIT=900 expect 0 -- ranks 2 "$resjac" run "$deck" --set "output=$scratch/killed.nc"
grep -o '[0-9]* done before, [0-9]* to do' out.txt
stored >after.txt
twice=$((twice + $(comm -23 before.txt after.txt | wc -l)))
printf '%d runs, %d killed under way, in %d s; %d stored units were stored again\n' "$kills" "$hit" $((($(now) - began) / 1000)) "$twice"
[ "$twice" = 0 ] || fail "$twice stored units were measured again"
[ -z "$(find . -name '*.tmp.*')" ] || fail "unfinished files are left: $(find . -name '*.tmp.*' | head -n 3)"
expect 0 'equal content' -- "$resjac" verify whole.nc killed.nc
expect 0 'complete and consistent' -- "$resjac" verify killed.nc.d
finish
