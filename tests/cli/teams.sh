#!/usr/bin/env bash
# teams.sh RESJAC MPIEXEC: stages, grids and mixtures of them on 1 to 8 ranks: equal content where the grid is the same, equal
# within tolerance otherwise; more ranks than blocks; seven models on four ranks; layouts that cannot be are refused.
. "$(dirname "$0")/lib.sh" "$@"
tiny_prompts 5 >prompts.jsonl
tiny_deck "$golden/llama_base" one.nc 'store: {per_prompt: all}' >deck.yaml # 3 blocks; 3 units a model, 2 models
expect 0 'teams of 1 (1 stages x grid 1x1)' -- ranks 1 "$resjac" run deck.yaml

# run_as NAME RANKS SET..: the whole deck by other teams
run_as() {
  local name=$1 n=$2 sets=() set; shift 2
  for set in "$@"; do sets+=(--set "$set"); done
  expect 0 'is written' -- ranks "$n" "$resjac" run deck.yaml --set "output=$name.nc" "${sets[@]}"
}
for n in 2 3 4 6 8; do
  run_as "stages$n" "$n" layout.stages=3 # fewer ranks than stages: fewer stages; more: several teams, ranks without one
  expect 0 'equal content' -- "$resjac" verify one.nc "stages$n.nc"
done
run_as two 4 layout.stages=2
expect 0 'equal content' -- "$resjac" verify one.nc two.nc

# grids: their own bits, the same whatever the stages and ranks beside; in double, as 1/s of the least s is amplified rounding
run_as double 1 arithmetic=double
run_as grid 2 arithmetic=double layout.grid=1x2
expect 0 'equal within 1e-09' -- "$resjac" verify --tolerance 1e-9 double.nc grid.nc
expect 65 'differ in' -- "$resjac" verify double.nc grid.nc
run_as grid4 4 arithmetic=double layout.grid=1x2
expect 0 'equal content' -- "$resjac" verify grid.nc grid4.nc
run_as mixed 6 arithmetic=double layout.team=6 layout.grid=1x2
expect 0 'equal content' -- "$resjac" verify grid.nc mixed.nc
run_as square 8 arithmetic=double layout.stages=2 layout.grid=2x2
expect 0 'equal within 1e-09' -- "$resjac" verify --tolerance 1e-9 double.nc square.nc
run_as single 4 layout.grid=2x2
expect 0 'complete and consistent' -- "$resjac" verify single.nc

# a resume keeps the grid of the first launch unless told otherwise
rm grid.nc
expect 0 '6 done before, 0 to do' -- ranks 2 "$resjac" run deck.yaml --set output=grid.nc --set arithmetic=double
expect 0 '0 done before, 6 to do' -- ranks 2 "$resjac" run deck.yaml --set output=grid.nc --set arithmetic=double --replan
expect 0 'equal content' -- "$resjac" verify double.nc grid.nc
expect 64 'needs at least 4 ranks, the run has 3' -- ranks 3 "$resjac" run deck.yaml --set output=few.nc --set layout.grid=2x2
expect 64 'layout.team is 5' -- ranks 1 "$resjac" run deck.yaml --set layout.team=5 --set layout.grid=1x2
expect 64 'such as 2x2' -- ranks 1 "$resjac" run deck.yaml --set layout.grid=four

# both stacks of an encoder-decoder; what the decoder reads goes with its stream
printf 'models: [{path: %s, name: encoder, stack: encoder}, {path: %s, name: decoder, stack: decoder, twin: random-init}]\n' "$golden/t5dec_base" "$golden/t5dec_base/model-F16.gguf" >stacks.yaml
printf 'prompts: {file: stacks.jsonl}\ncoupling: {k: [3]}\nlayout: {unit_prompts: 2}\noutput: stacks.nc\n' >>stacks.yaml
expect 0 'decoder   2 blocks with stack: decoder, 30384 parameters' -- ranks 1 "$resjac" inspect "$golden/t5dec_base/config.json"
printf '{"ids": [1, 2, 3, 40]}\n{"ids": [4, 5]}\n{"ids": [9]}\n' >stacks.jsonl
expect 0 'is written' -- ranks 1 "$resjac" run stacks.yaml
expect 0 'is written' -- ranks 2 "$resjac" run stacks.yaml --set output=stacks2.nc --set layout.stages=2
expect 0 'equal content' -- "$resjac" verify stacks.nc stacks2.nc
expect 64 'family llama there is one stack' -- ranks 1 "$resjac" run stacks.yaml --set "models=[{path: $golden/llama_base, stack: encoder}]"
expect 64 'stack is "both"' 'encoder | decoder' -- ranks 1 "$resjac" run stacks.yaml --set "models=[{path: $golden/t5dec_base, stack: both}]"

# one unit of several prompts on more ranks than blocks
run_as fill 6 layout.unit_prompts=8 layout.stages=6
run_as fill1 1 layout.unit_prompts=8
expect 0 'equal content' -- "$resjac" verify fill.nc fill1.nc
expect 64 'raise layout.memory_per_rank' -- ranks 1 "$resjac" run deck.yaml --set output=small.nc --set layout.memory_per_rank=10M

# seven models of several families on four ranks, one broken
{
  echo 'models:'
  for m in llama_base llama_tied_bias gpt2_base gpt2_odd qwen2_base gemma3_base; do echo "  - {path: $golden/$m}"; done
  echo '  - {path: broken}'
  printf 'prompts: {file: few.jsonl}\ncoupling: {k: [3]}\noutput: seven.nc\n'
} >seven.yaml
printf '{"ids": [1, 2, 3]}\n{"ids": [4, 5]}\n' >few.jsonl
mkdir broken && echo '{"model_type": "llama"}' >broken/config.json
expect 69 '1 of 7 models failed' -- ranks 4 "$resjac" run seven.yaml
expect 69 '1 of 7 models failed' -- ranks 4 "$resjac" run seven.yaml --set output=seven2.nc --set layout.stages=2
expect 0 'equal content' -- "$resjac" verify seven.nc seven2.nc
finish
