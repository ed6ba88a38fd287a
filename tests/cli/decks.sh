#!/usr/bin/env bash
# decks.sh RESJAC MPIEXEC: every deck of input/ is one that resjac takes, with tiny models in the places of the real ones; series
# and step of a deck reach the output.
input=$(cd "$(dirname "$0")/../../input" && pwd)
. "$(dirname "$0")/lib.sh" "$@"
export OMPI_MCA_rmaps_base_oversubscribe=1
cp -r "$input" input
mkdir -p models/checkpoints models/precision/{smollm2,kjv-llama-128x4} out
printf '{"id": "a", "text": "ab"}\n' >out/paper-prompts.jsonl
printf 'a b c d e f\nb\n' >input/own-prompts.txt
cp input/own-prompts.txt input/quickstart-prompts.txt
echo '{"ids": [1, 2]}' >models/precision/kjv-llama-128x4/prompts.jsonl

# models_of DECK: the folders and files it names, under models/. Those of input/trained are there.
models_of() { sed -nE 's/.*path: \.\.\/models\/([^ ,}]+).*/\1/p' "$1"; }

decks=0
for deck in input/*.yaml; do
  decks=$((decks + 1))
  n=$(grep -c '^ *- {path: \|^ *- path: ' "$deck")
  [ "$n" -gt 0 ] || fail "$deck names no model"
  for name in $(models_of "$deck"); do
    case $name in
      *.gguf) ln -sf "$golden/llama_base/model-F16.gguf" "models/$name" ;;
      *)
        [ -e "models/$name" ] || ln -s "$golden/llama_base" "models/$name"
        # what jobs/fetch.sh would fetch: the name is in a catalogue; tests/population makes checkpoints
        [ "${name%%/*}" = checkpoints ] || cut -d, -f1 input/*.csv | grep -qxF -- "$name" || fail "$deck: $name is in no catalogue" ;;
    esac
  done
  twins=$(grep -c '^ *- {.*twin: random-init\|^ *twin: random-init' "$deck")
  expect 0 -- "$resjac" run "$deck" --dry-run --set 'coupling.k=[3]' \
    $(grep -q '^scores:' "$deck" && echo --set scores.primary=excess_coupling_k3_offdiag)
  planned=$(grep -c 'INFO model .* blocks, d = ' out.txt)
  [ "$planned" = $((n + twins)) ] || fail "$deck: $planned models are planned, it names $n and $twins twins"
done
[ "$decks" = 10 ] || fail "$decks decks in input/, this test knows 10"
finish
