#!/usr/bin/env bash
# alignment.sh RESJAC MPIEXEC: alignment matrices of some prompts: the same on any number of ranks and stages, up to signs on any
# grid; units without them stay as they are; a summary leaves them out; the report draws them.
. "$(dirname "$0")/lib.sh" "$@"
tiny_prompts 5 >prompts.jsonl
tiny_deck "$golden/llama_base" one.nc 'store: {per_prompt: none, alignment: [5, 2]}' >deck.yaml # 3 units a model, 2 models
expect 0 'plain.nc is written' -- ranks 1 "$resjac" run deck.yaml --set output=plain.nc --set 'store.alignment=[]'
cp plain.nc before.nc
grep -qaF -e alignment_matrix -e aprompt plain.nc plain.nc.d/units/*.nc && fail 'without listed prompts there are alignment matrices'
expect 0 'one.nc is written' -- ranks 1 "$resjac" run deck.yaml
for n in 2 3 4; do
  expect 0 -- ranks "$n" "$resjac" run deck.yaml --set "output=ranks$n.nc"
  expect 0 'equal content' -- "$resjac" verify one.nc "ranks$n.nc"
done
expect 0 'teams of 3' -- ranks 3 "$resjac" run deck.yaml --set output=stages.nc --set layout.stages=3
expect 0 'equal content' -- "$resjac" verify one.nc stages.nc
expect 0 -- ranks 1 "$resjac" run deck.yaml --set output=double.nc --set arithmetic=double
expect 0 -- ranks 2 "$resjac" run deck.yaml --set output=grid.nc --set arithmetic=double --set layout.grid=1x2
expect 0 'equal within 1e-09' -- "$resjac" verify --tolerance 1e-9 double.nc grid.nc

# the same folder: only units with a listed prompt are measured, and without the list it is the plain file again
expect 0 '6 units, 2 done before, 4 to do' -- ranks 2 "$resjac" run deck.yaml --set output=plain.nc
expect 0 'equal content' -- "$resjac" verify one.nc plain.nc
expect 0 '6 units, 6 done before, 0 to do' -- ranks 2 "$resjac" run deck.yaml --set output=plain.nc --set 'store.alignment=[]'
expect 0 'equal content' -- "$resjac" verify before.nc plain.nc

# units merged without the run, a summary, and the figures
expect 0 'merged.nc: 2 models' -- "$resjac" reduce one.nc.d -o merged.nc
expect 0 'complete and consistent' -- "$resjac" verify merged.nc
grep -qaF alignment_matrix merged.nc || fail 'reduce lost the alignment matrices'
expect 0 'short.nc is written' -- ranks 2 "$resjac" run deck.yaml --set output=short.nc --set store.merge=summary
grep -qaF alignment_matrix short.nc && fail 'a summary has alignment matrices'
expect 0 'figures' -- "$resjac" report short.nc -o short
expect 0 'figures' -- "$resjac" report one.nc -o report --format png
for model in tiny tiny__random_init; do
  for prompt in 2 5; do
    for kind in png csv gp; do [ -s "report/$model-alignment-$prompt.$kind" ] || fail "no figure $model-alignment-$prompt.$kind"; done
  done
done
ls short | grep alignment && fail 'a summary has alignment figures'

# names that are none
for set in '[6]' '[0]' '[other]' '[2, 2]'; do
  expect 64 'store.alignment' 'prompts.jsonl' -- ranks 2 "$resjac" run deck.yaml --set "store.alignment=$set"
done
sed 's/\[5, 2\]/[5, seven]/' deck.yaml >bad.yaml
expect 64 'bad.yaml:6: store.alignment has "seven"' 'numbers 1..5' -- ranks 1 "$resjac" run bad.yaml
finish
