#!/usr/bin/env bash
# scores.sh RESJAC MPIEXEC: measures against benchmark scores: in a run, alone, with other tables; what is wrong with a table.
. "$(dirname "$0")/lib.sh" "$@"
tiny_prompts 3 >prompts.jsonl
models=(llama_base llama_headsize llama_new_keys llama_rope_linear llama_tied_bias llama_rope_llama3)
{
  echo 'models:'
  for m in "${models[@]}"; do printf '  - {path: %s, name: %s}\n' "$golden/$m" "$m"; done
  printf '  - {path: %s, name: yarn, benchmark_name: "llama, yarn", twin: random-init}\n' "$golden/llama_rope_yarn"
  printf '  - {path: %s, name: unlisted}\n' "$golden/llama_rope_longrope"
  echo 'prompts: {file: prompts.jsonl}'
  echo 'coupling: {k: [3]}'
  echo 'output: s.nc'
  echo 'scores: {table: scores.csv, columns: [v1, v2], primary: excess_coupling_k3_offdiag, resamples: 200}'
} >deck.yaml
# a byte order mark, CR LF, quotes, a tie, missing scores, rows without models, an unknown lineage
{
  printf '\357\273\277model,lineage,v1,"v2"\r\n'
  printf 'llama_base,A,30.5,1\r\nllama_headsize,A,31,\r\nllama_new_keys,B,40,2\r\nllama_rope_linear,C,40,NA\r\n'
  printf 'llama_tied_bias,D,52.5,1\r\nllama_rope_llama3,,33,\r\n"llama, yarn",E,47,\r\n'
  printf 'another,F,1,2\r\n"the ""last""",F,1,2\r\n'
} >scores.csv

expect 0 '7 of 8 trained models have a row, 2 of 9 rows have no model' \
  'model unlisted: ' 'has no row "unlisted"; give models[].benchmark_name' \
  'model llama_rope_llama3: ' 'scores.csv:7 tells no lineage; it counts as one of its own, "llama_rope_llama3"' \
  'excess_coupling_k3_offdiag against v1: r = ' 'over 6 lineages of 7 models' 's.nc is written' \
  -- ranks 2 "$resjac" run deck.yaml
expect 0 'complete and consistent' -- "$resjac" verify s.nc

# the statistics do not depend on the number of ranks, and follow from the final file alone
for n in 1 3; do
  expect 0 -- ranks "$n" "$resjac" run deck.yaml --set "output=ranks$n.nc"
  expect 0 'equal content' -- "$resjac" verify s.nc "ranks$n.nc"
done
again=(--scores scores.csv --column v1 --column v2 --primary excess_coupling_k3_offdiag --resamples 200)
expect 0 'again.nc: the models of s.nc' 'over 6 lineages of 7 models' -- "$resjac" reduce s.nc -o again.nc "${again[@]}"
expect 0 'equal content' -- "$resjac" verify s.nc again.nc
expect 0 'equal content' -- "$resjac" verify ranks1.nc again.nc
expect 0 'merged.nc: 9 models' 'over 6 lineages of 7 models' -- "$resjac" reduce s.nc.d -o merged.nc "${again[@]}"
expect 0 'complete and consistent' -- "$resjac" verify merged.nc
expect 0 -- "$resjac" reduce s.nc -o seed.nc "${again[@]}" --seed 1
expect 65 'differ' -- "$resjac" verify s.nc seed.nc
expect 0 -- "$resjac" reduce seed.nc -o seed.nc "${again[@]}" # in place
expect 0 'equal content' -- "$resjac" verify s.nc seed.nc
expect 0 -- "$resjac" reduce s.nc -o plain.nc # scores taken out again
expect 0 -- "$resjac" reduce plain.nc -o back.nc "${again[@]}"
expect 0 'equal content' -- "$resjac" verify s.nc back.nc

# the report: tables, the figure of the primary measure against each benchmark, a name that nobody should trust
hostile="v1'; system(\"touch pwned\") \`touch pwned\` <b>"
sed "1s/v2/${hostile//\"/\"\"}/; 1s/\r//" scores.csv >hostile.csv
expect 0 'hostile.nc' -- "$resjac" reduce s.nc -o hostile.nc --scores hostile.csv --column v1 --column "$hostile" \
  --primary excess_coupling_k3_offdiag
expect 0 'report/index.html: ' -- "$resjac" report hostile.nc -o report
for f in scores.csv scores.md excess_coupling_k3_offdiag-against-v1.svg excess_coupling_k3_offdiag-against-v1_*.svg; do
  [ -s "report/$f" ] || [ -n "$(ls report/$f 2>/dev/null)" ] || fail "no report/$f"
done
[ "$(wc -l <report/scores.csv)" = $((1 + 2 * $(grep -c ',v1,' report/scores.csv))) ] || fail 'scores.csv lacks pairs'
grep -q '^| excess.*(primary) | v1 | 6 | ' report/scores.md || fail 'scores.md does not show the primary pair'
grep -q '^yarn,E,.*,47$' report/excess_coupling_k3_offdiag-against-v1.csv || fail 'the figure lacks a model'
grep -q 'random_init' report/excess_coupling_k3_offdiag-against-v1.csv && fail 'the figure has a twin'
grep -q 'lineage r = .*6 lineages of 7 models' report/excess_coupling_k3_offdiag-against-v1.gp || fail 'the figure has no title'
grep -q 'id="scores"' report/index.html || fail 'the page has no scores'
grep -q 'pwned` &lt;b&gt;' report/index.html || fail 'the name is not in the page, or not escaped'
grep -q 'pwned` <b>' report/index.html && fail 'a name is HTML'
[ -z "$(find . -name pwned)" ] || fail 'a name was executed'

# nothing is measured again for another table, and nothing written for the same
expect 0 '9 units, 9 done before, 0 to do' 'up to date' -- ranks 2 "$resjac" run deck.yaml
sed -i 's/30.5/60.5/' scores.csv
expect 0 '9 units, 9 done before, 0 to do' 's.nc is written' -- ranks 2 "$resjac" run deck.yaml
expect 65 'differ' -- "$resjac" verify s.nc again.nc
expect 0 'the primary test is missing: 3 lineages, needs 4' -- ranks 1 "$resjac" run deck.yaml --set 'scores.columns=[v2]'

# what is wrong with a deck or a table
expect 64 'scores.columns is missing' -- "$resjac" run "$(sed 's/, columns: \[v1, v2\]//' deck.yaml >d.yaml; echo d.yaml)"
expect 64 'scores.table is missing' -- "$resjac" run "$(sed 's/table: scores.csv, //' deck.yaml >d.yaml; echo d.yaml)"
expect 64 'excess_coupling_k30_offdiag' 'does not measure' 'excess_coupling_k3_offdiag' \
  -- "$resjac" run deck.yaml --set scores.primary=excess_coupling_k30_offdiag
expect 64 'needs' -- "$resjac" run deck.yaml --set scores.resamples=5
expect 64 'column "v1" is named twice' -- "$resjac" run deck.yaml --set 'scores.columns=[v1, v1]'
expect 65 'has no column "v3"; its columns are model, lineage, v1, v2' -- "$resjac" run deck.yaml --set 'scores.columns=[v3]'
expect 66 'none.csv' -- "$resjac" run deck.yaml --set scores.table=none.csv
sed 's/52.5/5O.5/' scores.csv >bad.csv
expect 65 'bad.csv:6: column v1 has "5O.5", needs a number' -- "$resjac" run deck.yaml --set scores.table=bad.csv
expect 65 'bad.csv:6: column v1' -- ranks 3 "$resjac" run deck.yaml --set scores.table=bad.csv
expect 65 'bad.csv:6: column v1' -- "$resjac" reduce s.nc -o no.nc --scores bad.csv --column v1
expect 64 'no column is named' -- "$resjac" reduce s.nc -o no.nc --scores scores.csv
expect 64 'need --scores' -- "$resjac" reduce s.nc -o no.nc --column v1
expect 64 'none of the' -- "$resjac" reduce s.nc -o no.nc --scores scores.csv --column v1 --primary other
expect 64 'one final file alone' -- "$resjac" reduce s.nc again.nc -o no.nc
expect 64 -- "$resjac" reduce s.nc -o no.nc --resamples 7
expect 64 -- "$resjac" reduce s.nc -o no.nc --seed -7
unit=$(ls s.nc.d/units/*.nc | head -n 1)
expect 65 'resjac shard 1' 'give a final file' -- "$resjac" reduce "$unit" -o no.nc
head -c 20000 s.nc >cut.nc
expect 65 'cut.nc' -- "$resjac" reduce cut.nc -o no.nc
[ -z "$(ls no.nc* 2>/dev/null)" ] || fail 'a failed reduce left a file'
finish
