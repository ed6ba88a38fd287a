#!/usr/bin/env bash
# mutants.sh RESJAC MPIEXEC MUTATE [N] [FIRST]: N broken copies (100) of tiny checkpoints, from mutant FIRST (0) on, through `resjac inspect
# --check` and every fourth through `resjac run`: each ends within ten seconds with 0, 64, 65, 66 or 69, none by a signal, none prints a
# control character, and nothing appears beside the deck's output. Mutant i is the same on every machine.
# RESJAC_MUTANTS names a folder where those that fail are kept.
mutate=$(realpath "$3") n=${4:-100} first=${5:-0}
. "$(dirname "$0")/judge.sh" "$1" "$2"
# What is broken: folder, file of it; the file named to resjac is the folder where that is a safetensors checkpoint.
sources=(llama_base/config.json llama_base/model.safetensors llama_base/tokenizer.json llama_base/model-F16.gguf
  llama_sharded/model.safetensors.index.json llama_sharded/model-00002-of-00003.safetensors llama_quant/model-Q4_0.gguf
  gpt2_base/config.json phi3_long/config.json gemma3_multimodal/config.json gemma3_multimodal/model-BF16.gguf
  mixtral_base/config.json mixtral_base/model.safetensors mixtral_odd/model-BF16.gguf)
printf 'the cat sat\n' >prompts.txt
printf '{"ids": [1, 5, 7]}\n{"ids": [3]}\n' >prompts.jsonl
for ((i = first; i < first + n; i++)); do
  source=${sources[i % ${#sources[@]}]} folder=${source%/*} work=m$i
  mkdir "$work"
  case $source in *.gguf) ;; *) cp "$golden/$folder"/*.json "$golden/$folder"/*.safetensors "$work" ;; esac
  rm -f "$work/${source#*/}"
  what=$("$mutate" "$i" "$golden/$source" "$work/${source#*/}") || { fail "mutate $i $source"; continue; }
  model=$work
  case $source in *.gguf) model=$work/${source#*/} ;; esac
  checks=$((checks + 1))
  ranks 1 "$resjac" inspect --check "$model" >out.txt 2>&1; judge $? inspect --check
  if [ $((i / ${#sources[@]} % 4)) = 0 ]; then
    prompts=prompts.jsonl; case $source in *tokenizer.json) prompts=prompts.txt ;; esac
    tiny_deck "$model" "out/$i.nc" >deck.yaml
    ranks 1 "$resjac" run deck.yaml --set prompts.file=$prompts --set 'coupling.k=[2]' >out.txt 2>&1; judge $? run
  fi
  rm -rf "$work" out
  for left in *; do
    case $left in deck.yaml|out.txt|prompts.jsonl|prompts.txt) ;; *) lost "left $left"; rm -rf -- "$left" ;; esac
  done
done
tell_codes
finish
