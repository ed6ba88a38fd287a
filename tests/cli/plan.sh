#!/usr/bin/env bash
# plan.sh RESJAC MPIEXEC: a plan from configurations alone, before any weights are there; as text, JSON and a batch script.
. "$(dirname "$0")/lib.sh" "$@"
tiny_prompts 5 >prompts.jsonl
tiny_deck "$golden/llama_base" out.nc >deck.yaml
expect 0 'tiny__random_init' 'node-hours' '4 ranks on 2 nodes of 2' -- "$resjac" plan deck.yaml --ranks 4 --ranks-per-node 2
[ ! -e out.nc.d ] || fail 'a plan made an output'
expect 0 '"ranks": 4' '"units": 6' '"efficiency"' '"memory_per_rank_bytes"' -- "$resjac" plan deck.yaml --ranks 4 --json

# of a model whose weights are not there, 8 and 70 thousand million parameters
for size in 8 70; do
  mkdir "m$size"
  [ "$size" = 8 ] && shape='"hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32' ||
    shape='"hidden_size": 8192, "intermediate_size": 28672, "num_hidden_layers": 80, "num_attention_heads": 64'
  printf '{"model_type": "llama", %s, "num_key_value_heads": 8, "vocab_size": 128256, "max_position_embeddings": 8192, "rms_norm_eps": 1e-5, "rope_theta": 500000.0, "hidden_act": "silu"}\n' "$shape" >"m$size/config.json"
  printf 'models: [{path: m%s, twin: random-init}]\nprompts: {file: text.txt}\noutput: big.nc\n' "$size" >"big$size.yaml"
done
for _ in $(seq 64); do echo 'A sentence of some words that stands for a prompt.'; done >text.txt
expect 0 'm8__random_init' -- "$resjac" plan big8.yaml --ranks 256 --ranks-per-node 128 --memory-per-node 512
expect 0 '"ranks": 1024' -- "$resjac" plan big70.yaml --ranks 1024 --ranks-per-node 128 --memory-per-node 1024 --json
expect 64 'm70' 'GB' -- "$resjac" plan big70.yaml --ranks 4 --ranks-per-node 4 --memory-per-node 4
expect 66 'nowhere' -- "$resjac" plan big8.yaml --ranks 4 --set 'models=[{path: nowhere}]'

# rates of a machine, and a batch script with a name that a shell must not read
printf '{"format": "resjac calibration 1", "single": {"rates": {"wide": 1e-9, "narrow": 1e-9, "projection": 1e-9, "full3": 1e-9, "full2": 1e-9}}}\n' >half.json
expect 65 'half.json' 'double' -- "$resjac" plan deck.yaml --ranks 1 --machine half.json
expect 66 'none.json' -- "$resjac" plan deck.yaml --ranks 1 --machine none.json
cp deck.yaml "it's a deck.yaml"
printf '#SBATCH --ntasks={{ranks}} --nodes={{nodes}} --time={{minutes}} --mem={{memory_per_node_mb}}M\nresjac run {{deck}}\n' >job.template
expect 0 '--ntasks=4 --nodes=1 --time=' "resjac run 'it'\\''s a deck.yaml'" -- "$resjac" plan "it's a deck.yaml" --ranks 4 --template job.template
printf '{{wall}}\n' >bad.template
expect 65 '{{wall}}' 'known are' -- "$resjac" plan deck.yaml --ranks 4 --template bad.template
expect 64 'needs --ranks' -- "$resjac" plan deck.yaml
finish
