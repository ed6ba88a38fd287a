#!/usr/bin/env bash
# trained.sh RESJAC MPIEXEC: half of the trained population of input/, from the deck through run and statistics to the report: what
# training does to the measures is there, of every family, and not in the twins.
input=$(cd "$(dirname "$0")/../../input" && pwd)
. "$(dirname "$0")/lib.sh" "$@"
models=(kjv-llama-64x8 kjv-gpt2-32x12 kjv-gpt2-80x4 kjv-olmo2-48x8 kjv-qwen3-48x6 kjv-llama-64x4 kjv-gemma3-48x6 kjv-neox-64x8)
head -n 3 "$input/trained-prompts.txt" >prompts.txt
{
  sed -n "1,/^models:/p" "$input/trained-study.yaml"
  for m in "${models[@]}"; do grep -F "trained/$m," "$input/trained-study.yaml" | sed "s|trained/|$input/&|"; done
  printf 'prompts: {file: prompts.txt}\noutput: out.nc\n'
  sed -n "/^coupling:/,/^layout:/p" "$input/trained-study.yaml"
  sed -n "s|table: |&$input/|; /^scores:/p" "$input/trained-study.yaml"
} >deck.yaml

expect 0 'follows when they are done' -- ranks 1 "$resjac" run deck.yaml --only 1/2
expect 0 '16 units, 8 done before, 8 to do' '8 of 8 trained models have a row, 8 of 16 rows have no model' \
  'excess_coupling_k8_offdiag against bits_per_byte: r = ' 'over 7 lineages of 8 models' 'out.nc is written' \
  -- ranks 1 "$resjac" run deck.yaml
expect 0 'complete and consistent' -- "$resjac" verify out.nc
expect 0 'report/index.html: ' -- "$resjac" report out.nc -o report
[ -s report/excess_coupling_k8_offdiag-against-bits_per_byte.svg ] || fail 'no figure of the primary measure'

# cells of a CSV by the names of their columns
awk -F, -v want=16 '
  NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
  { n++; excess[$1] = $at["excess_k8"]; line[$1] = $at["line_shape_score"]; null = $at["null_k8"] }
  null < 0.8 || null > 1 { bad($1 ": chance level " null) }
  $at["status"] != "ok" { bad($1 ": " $at["status"]) }
  function bad(what) { print what; n_bad++ }
  END {
    for (m in excess) {
      if (m ~ /__random_init$/) continue
      twin = m "__random_init"
      if (excess[twin] > 0.02 || excess[twin] < -0.02) bad(twin ": excess coupling " excess[twin] " is not chance")
      if (!(excess[m] > excess[twin] + 0.01)) bad(m ": excess coupling " excess[m] ", its twin " excess[twin])
      if (line[m] < 1) bad(m ": line-shape score " line[m])
    }
    if (n != want) bad(n " models in the summary")
    exit n_bad > 0
  }' report/summary.csv || { fail 'trained models beside their twins'; cat report/summary.csv; }
awk -F, -v primary=excess_coupling_k8_offdiag '
  NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
  $1 ~ /^(excess_coupling_(drop[13]_)?k(4|8|16|0.1d)_offdiag|line_shape_score|ln_parameters)$/ {
    n++
    split("lineage_r lineage_p lineage_low lineage_high lineage_partial_p partial_r q_value icc", name, " ")
    for (i in name) if ($at[name[i]] !~ /^-?[0-9.]+(e[-+]?[0-9]+)?$/ && !($1 == primary && $2 == "bits_per_byte" && name[i] == "q_value")) bad($1 ", " $2 ": " name[i] " is " $at[name[i]])
    if ($at["n_models"] != 8 || $at["n_lineages"] != 7) bad($1 ": " $at["n_models"] " models, " $at["n_lineages"] " lineages")
  }
  function bad(what) { print what; n_bad++ }
  END { if (n < 12) bad(n " rows of coupling"); exit n_bad > 0 }' report/scores.csv || fail 'statistics'
finish
