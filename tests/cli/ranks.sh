#!/usr/bin/env bash
# ranks.sh RESJAC MPIEXEC: 1, 2, 3, 4 ranks give the same content, ranks with nothing to do included; rerunning does nothing
# twice; what is left of an interrupted run is used.
. "$(dirname "$0")/lib.sh" "$@"
tiny_prompts 3 >prompts.jsonl
tiny_deck "$golden/llama_base" one.nc 'store: {per_prompt: all}' >deck.yaml # 2 units a model, 2 models: 4 units
expect 0 'one.nc is written' -- ranks 1 "$resjac" run deck.yaml
for n in 2 3 4; do
  expect 0 -- ranks "$n" "$resjac" run deck.yaml --set "output=ranks$n.nc"
  expect 0 'equal content' -- "$resjac" verify one.nc "ranks$n.nc"
done
expect 0 -- ranks 4 "$resjac" run deck.yaml --set output=idle.nc --set layout.unit_prompts=8 # 2 units, 4 ranks
expect 0 -- ranks 1 "$resjac" run deck.yaml --set output=idle1.nc --set layout.unit_prompts=8
expect 0 'equal content' -- "$resjac" verify idle.nc idle1.nc

# a summary: of the same units, smaller, without the spectra; its table is that of the whole
expect 0 -- ranks 2 "$resjac" run deck.yaml --set output=short.nc --set store.merge=summary
expect 0 'complete and consistent' -- "$resjac" verify short.nc
expect 0 '4 done before, 0 to do' 'short.nc is written' -- ranks 2 "$resjac" run deck.yaml --set output=short.nc
expect 0 'equal content' -- "$resjac" verify one.nc short.nc # the same units, and now the same keep
expect 0 'short.nc is written' -- ranks 2 "$resjac" run deck.yaml --set output=short.nc --set store.merge=summary
[ "$(stat -c %s short.nc)" -lt "$(stat -c %s one.nc)" ] || fail 'a summary is no smaller'
rm short.nc # the units are whole: another final file needs no measuring
expect 0 '4 units, 4 done before, 0 to do' -- ranks 3 "$resjac" run deck.yaml --set output=short.nc
expect 0 'equal content' -- "$resjac" verify one.nc short.nc

# a rerun computes nothing and leaves the file alone
before=$(stat -c %Y.%i one.nc)
expect 0 '4 units, 4 done before, 0 to do' 'up to date' -- ranks 2 "$resjac" run deck.yaml
[ "$before" = "$(stat -c %Y.%i one.nc)" ] || fail 'a rerun rewrote one.nc'

# a unit that is gone, and one that is altered, are measured again
cp -r ranks2.nc.d cut.nc.d
rm "$(ls cut.nc.d/units/*.nc | head -n 1)"
printf 'x' | dd of="$(ls cut.nc.d/units/*.nc | tail -n 1)" bs=1 seek=3000 conv=notrunc status=none
expect 65 'is missing; repair: resjac run DECK' 'altered or damaged' '(it sets the file aside)' -- "$resjac" verify cut.nc.d
expect 0 '4 units, 2 done before, 2 to do' -- ranks 3 "$resjac" run deck.yaml --set output=cut.nc
expect 0 'equal content' -- "$resjac" verify one.nc cut.nc
expect 0 'complete and consistent' -- "$resjac" verify cut.nc.d

# a foreign file, and a sound unit under another's name, which resjac does not take for it either
cp -r cut.nc.d foreign.nc.d
echo 'mine' >foreign.nc.d/units/notes-unit00000-0123456789abcdef.nc
set -- foreign.nc.d/units/tiny-*.nc
cp "$1" "$2"
expect 65 'foreign: its key is' "repair: rm '$2' and resjac run DECK" 'foreign: no unit of this name' '2 problems' -- "$resjac" verify foreign.nc.d
rm foreign.nc.d/units/notes-*
expect 0 '4 units, 3 done before, 1 to do' -- ranks 2 "$resjac" run deck.yaml --set output=foreign.nc
expect 0 'complete and consistent' -- "$resjac" verify foreign.nc.d

# a changed deck is other units, and it is said; --fresh keeps the old beside
expect 0 'other units than last time: 0 are the same, 4 are new, 4 are no longer asked for' '0 done before, 4 to do' -- ranks 2 "$resjac" run deck.yaml --set output=cut.nc --set 'coupling.k=[5]'
expect 65 'differ' -- "$resjac" verify one.nc cut.nc
expect 0 '4 units of another deck' -- "$resjac" verify cut.nc.d
expect 0 'k5.nc: 2 models' -- "$resjac" reduce cut.nc.d -o k5.nc # passes over the units of the old deck
expect 0 'complete and consistent' -- "$resjac" verify k5.nc
# another way to the same triplets is another unit
expect 0 'free.nc is written' -- ranks 2 "$resjac" run deck.yaml --set output=free.nc --set svd.method=krylov
expect 0 '0 are the same, 4 are new' '0 done before, 4 to do' -- ranks 2 "$resjac" run deck.yaml --set output=free.nc --set svd.method=matrix-free
expect 0 'complete and consistent' -- "$resjac" verify free.nc
expect 0 '0 done before, 4 to do' 'is kept as cut.nc.old-1' -- ranks 2 "$resjac" run deck.yaml --set output=cut.nc --fresh

# the same tensors under another configuration are another model, the twin's too
cp -r "$golden/llama_base" model && chmod -R u+w model
tiny_deck model config.nc >config.yaml
expect 0 '0 done before, 4 to do' -- ranks 2 "$resjac" run config.yaml
sed -i 's/"rms_norm_eps": [^,}]*/"rms_norm_eps": 0.01/' model/config.json
expect 0 '0 done before, 4 to do' -- ranks 2 "$resjac" run config.yaml
expect 0 '0 done before, 4 to do' -- ranks 2 "$resjac" run config.yaml --fresh --dry-run
expect 65 'differ' -- "$resjac" verify one.nc config.nc

# --only in two parts, then whole; reduce merges the same content
expect 0 'still to do' -- ranks 2 "$resjac" run deck.yaml --set output=only.nc --only tiny__random_init
[ -e only.nc ] && fail 'a part wrote the final file'
expect 0 'only.nc is written' -- ranks 1 "$resjac" run deck.yaml --set output=only.nc
expect 0 'equal content' -- "$resjac" verify one.nc only.nc
expect 64 'no model of that name' -- ranks 1 "$resjac" run deck.yaml --only other
expect 0 'merged.nc: 2 models' -- "$resjac" reduce only.nc.d -o merged.nc
expect 0 'complete and consistent' -- "$resjac" verify merged.nc

# a time limit that is over at once: exit 75, nothing harmed
expect 75 'the same command resumes' -- ranks 2 "$resjac" run deck.yaml --set output=late.nc --max-seconds 0.000001
expect 0 'late.nc is written' -- ranks 2 "$resjac" run deck.yaml --set output=late.nc
expect 0 'equal content' -- "$resjac" verify one.nc late.nc
grep -q '"state": "done"' late.nc.d/status.json || fail 'status.json does not say done'

# all arithmetic and last-block modes run and verify
for set in arithmetic=double last_block=final-norm last_block=skip coupling.norm=1; do
  expect 0 -- ranks 2 "$resjac" run deck.yaml --set output=mode.nc --set "$set"
  expect 0 'complete and consistent' -- "$resjac" verify mode.nc
done
finish
