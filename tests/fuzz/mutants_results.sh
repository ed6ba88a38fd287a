#!/usr/bin/env bash
# mutants_results.sh RESJAC MPIEXEC MUTATE [N] [FIRST]: N broken copies (18) of what a run wrote (final file, units, manifest, status, table
# of scores), from mutant FIRST (0) on, through `verify`, `reduce`, `report` and the run's resume: each ends within ten seconds with 0,
# 64, 65, 66 or 69, none by a signal, and nothing appears beside the outputs. `verify` tells every broken NetCDF file, and the resume
# mends it: its final file has the content of the first one. RESJAC_MUTANTS names a folder where those that fail are kept.
mutate=$(realpath "$3") n=${4:-18} first=${5:-0}
. "$(dirname "$0")/judge.sh" "$1" "$2"
printf '{"ids": [%d, 5, 7]}\n' 1 2 3 4 >prompts.jsonl
printf 'model,lineage,v1\na,x,1\nb,y,2\n' >scores.csv
cat >deck.yaml <<END
models:
  - {path: $golden/llama_base/model-F16.gguf, name: llama, twin: random-init, benchmark_name: a}
  - {path: $golden/qwen3_base/model-F16.gguf, name: qwen, benchmark_name: b}
prompts: {file: prompts.jsonl}
coupling: {k: [2]}
layout: {unit_prompts: 2}
store: {alignment: [1]}
scores: {table: scores.csv, columns: [v1]}
output: out.nc
END
mkdir whole
cp deck.yaml prompts.jsonl scores.csv whole
expect 0 -- ranks 1 "$resjac" run whole/deck.yaml || finish
sources=(out.nc scores.csv "out.nc.d/units/$(ls whole/out.nc.d/units | grep llama-unit00000)" out.nc.d/manifest.json
  "out.nc.d/units/$(ls whole/out.nc.d/units | grep qwen-unit00001)" out.nc.d/status.json)
try() { ranks 1 "$resjac" "$@" >out.txt 2>&1; code=$?; judge $code "$@"; }

# One mutant, named by i and source.
look() {
  case $source in
    out.nc)
      try verify "$work/out.nc"; [ $code != 0 ] || lost 'verify passes it'
      try verify "$work/out.nc" whole/out.nc
      try reduce "$work/out.nc" -o more.nc --scores scores.csv --column v1
      try report "$work/out.nc" -o figures ;;
    *.nc)
      try verify "$work/$source"; [ $code != 0 ] || lost 'verify passes it'
      try verify "$work/out.nc.d"; [ $code != 0 ] || lost 'verify passes its folder'
      try reduce "$work/out.nc.d" -o more.nc ;;
    *.json)
      try verify "$work/out.nc.d"
      try reduce "$work/out.nc.d" -o more.nc ;;
    *.csv)
      try reduce "$work/out.nc" -o more.nc --scores "$work/scores.csv" --column v1 ;;
  esac
  try run "$work/deck.yaml"
  [ $code != 0 ] || [ "$source" = scores.csv ] || {
    ranks 1 "$resjac" verify "$work/out.nc" whole/out.nc >out.txt 2>&1 || lost 'the resume gives another content'
  }
}

for ((i = first; i < first + n; i++)); do
  source=${sources[i % ${#sources[@]}]} work=m$i
  cp -r whole "$work"
  what=$("$mutate" "$i" "whole/$source" "$work/$source") || { fail "mutate $i $source"; continue; }
  cmp -s "whole/$source" "$work/$source" && { rm -rf "$work"; continue; }
  checks=$((checks + 1))
  look
  rm -rf "$work" more.nc more.nc.* figures
  for left in *; do
    case $left in deck.yaml|out.txt|prompts.jsonl|scores.csv|whole) ;; *) lost "left $left"; rm -rf -- "$left" ;; esac
  done
done
tell_codes
finish
