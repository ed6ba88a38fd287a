#!/usr/bin/env bash
# tokens.sh RESJAC MPIEXEC: the token modes: the same on any number of ranks and stages; units without them stay as they are; resume,
# reduce, verify, report and plan with them; what is refused.
. "$(dirname "$0")/lib.sh" "$@"
tiny_prompts 5 >prompts.jsonl
modes='tokens: {mode: [depth, self, fixed_input, fixed_output, influence]}'
tiny_deck "$golden/llama_base" plain.nc >plain.yaml # 3 units a model, 2 models
tiny_deck "$golden/llama_base" one.nc "$modes" >deck.yaml
expect 0 'plain.nc is written' -- ranks 1 "$resjac" run plain.yaml
grep -qaF -e token_j -e fixed_input plain.nc plain.nc.d/units/*.nc && fail 'without token modes there are groups of them'
expect 0 'one.nc is written' -- ranks 1 "$resjac" run deck.yaml
expect 0 'complete and consistent' -- "$resjac" verify one.nc
expect 0 'complete' -- "$resjac" verify one.nc.d
for n in 2 4; do
  expect 0 -- ranks "$n" "$resjac" run deck.yaml --set "output=ranks$n.nc"
  expect 0 'equal content' -- "$resjac" verify one.nc "ranks$n.nc"
done
expect 0 'teams of 3' -- ranks 3 "$resjac" run deck.yaml --set output=stages.nc --set layout.stages=3
expect 0 'equal content' -- "$resjac" verify one.nc stages.nc

# where the numbers are: 9 tokens of the longest prompt, those of the shorter ones missing
if command -v ncdump >/dev/null; then
  ncdump -h one.nc >header.txt || fail 'ncdump cannot read it'
  for line in 'token = 9' 'token_j = 9' 'group: self' 'group: fixed_input' 'group: fixed_output' 'group: influence' \
    'float coupling_misfit(prompt, k, layer, token, token_j)' 'double coupling_null(prompt, k, layer, token)' \
    'int numerical_rank(prompt, layer, token)' 'double influence_rank(prompt, layer, token)'; do
    grep -qF "$line" header.txt || fail "no '$line' in the header"
  done
  [ "$(ncdump -v numerical_rank one.nc | sed -n '/numerical_rank =/,/;/p' | tr ',' '\n' | grep -c ' _')" -gt 0 ] || fail 'nothing is missing'
fi

# depth is what it was; with other tokens or layers all units are new, with the same ones none
expect 0 '6 units, 6 done before, 0 to do' -- ranks 2 "$resjac" run deck.yaml
expect 0 '6 units, 0 done before, 6 to do' -- ranks 2 "$resjac" run deck.yaml --set output=plain.nc
expect 0 'equal content' -- "$resjac" verify one.nc plain.nc
expect 0 '6 units, 0 done before, 6 to do' -- ranks 2 "$resjac" run deck.yaml --set output=plain.nc --set 'tokens.at=[0, 3, -1]' --set 'tokens.layers=[-1]'
expect 0 'complete and consistent' -- "$resjac" verify plain.nc
expect 0 '6 units, 6 done before, 0 to do' -- ranks 2 "$resjac" run plain.yaml
rm "$(ls one.nc.d/units/tiny-unit00001* | head -1)" one.nc
expect 0 '6 units, 5 done before, 1 to do' -- ranks 2 "$resjac" run deck.yaml
expect 0 'equal content' -- "$resjac" verify one.nc stages.nc

# merged without the run, a summary, Krylov and double arithmetic, figures
expect 0 'merged.nc: 2 models' -- "$resjac" reduce one.nc.d -o merged.nc
expect 0 'complete and consistent' -- "$resjac" verify merged.nc
grep -qaF numerical_rank merged.nc || fail 'reduce lost the token modes'
expect 0 'again.nc' -- "$resjac" reduce merged.nc -o again.nc
expect 0 'complete and consistent' -- "$resjac" verify again.nc
grep -qaF numerical_rank again.nc || fail 'a copy lost the token modes'
expect 0 'short.nc is written' -- ranks 2 "$resjac" run deck.yaml --set output=short.nc --set store.merge=summary
grep -qaF numerical_rank short.nc || fail 'a summary lost the token modes'
expect 0 'krylov.nc is written' -- ranks 2 "$resjac" run deck.yaml --set output=krylov.nc --set svd.method=krylov --set arithmetic=double
expect 0 'complete and consistent' -- "$resjac" verify krylov.nc
expect 0 'figures' -- "$resjac" report one.nc -o report

# a plan counts them: 9 times four Jacobians more a block
flops() { "$resjac" plan "$1" --ranks 1 --json | sed -n 's/.*"unit_flops": *\([0-9.e+-]*\),.*/\1/p' | head -1; }
checks=$((checks + 1))
awk -v with="$(flops deck.yaml)" -v without="$(flops plain.yaml)" 'BEGIN { exit !(without > 0 && with > 8 * without && with < 60 * without) }' ||
  fail "a plan's flops: $(flops deck.yaml) with token modes, $(flops plain.yaml) without"

# what is refused
expect 64 'tokens.mode has more than depth' 'set layout.grid to 1x1' -- ranks 2 "$resjac" run deck.yaml --set output=grid.nc --set layout.grid=1x2
expect 64 'tokens.at' 'prompts of at most 9 tokens, none has token 9' -- ranks 2 "$resjac" run deck.yaml --set output=none.nc --set 'tokens.at=[0, 9]'
expect 64 'tokens.layers' 'has layers 1..3, not 4' -- ranks 2 "$resjac" run deck.yaml --set output=none.nc --set 'tokens.layers=[4]'
printf 'models: [{path: %s, name: t, stack: decoder}]\nprompts: {file: words.jsonl}\ntokens: {mode: self}\ncoupling: {k: [2]}\noutput: t5.nc\n' "$golden/t5dec_base" >t5.yaml
printf '{"ids": [3, 5, 7, 2]}\n' >words.jsonl
expect 64 'model t: tokens.mode has more than depth' 'start token' -- ranks 1 "$resjac" run t5.yaml
sed 's/decoder/encoder/' t5.yaml >t5-encoder.yaml
expect 0 't5.nc is written' -- ranks 2 "$resjac" run t5-encoder.yaml
expect 0 'complete and consistent' -- "$resjac" verify t5.nc
expect 64 'deck.yaml: tokens.at is of the modes self' -- ranks 1 "$resjac" run deck.yaml --set 'tokens.mode=depth' --set 'tokens.at=all'
finish
