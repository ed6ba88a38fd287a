#!/usr/bin/env bash
# browser.sh RESJAC MPIEXEC PYTHON CHROMIUM: reports of tiny models, opened in a real browser at the width of a desk and of a telephone:
# nothing is fetched, every picture is there, nothing is too small or too wide. Also that the test would see it if it were not so.
python=$3 chromium=$4
look=$(cd "$(dirname "${BASH_SOURCE[0]}")/../report" && pwd)/browser.py
. "$(dirname "$0")/lib.sh" "$1" "$2"
tiny_prompts 3 >prompts.jsonl
{
  echo 'models:'
  for m in llama_headsize llama_new_keys llama_rope_linear llama_tied_bias; do printf '  - {path: %s, name: "%s <b>"}\n' "$golden/$m" "$m"; done
  printf '  - {path: %s, name: run-0, series: run, step: 0, twin: random-init}\n' "$golden/llama_base"
  printf '  - {path: %s, name: run-100, series: run, step: 100}\n' "$golden/llama_rope_llama3"
  echo 'prompts: {file: prompts.jsonl}'
  echo 'coupling: {k: [3]}'
  echo 'store: {alignment: [1]}'
  echo 'tokens: {mode: [self, influence], at: [0, 2, 4, -1]}'
  echo 'output: s.nc'
  echo 'scores: {table: scores.csv, columns: [v1], primary: excess_coupling_k3_offdiag, resamples: 100}'
} >deck.yaml
{
  echo model,lineage,v1
  echo 'llama_headsize <b>,A,31'
  echo 'llama_new_keys <b>,B,40'
  echo 'llama_rope_linear <b>,C,41'
  echo 'llama_tied_bias <b>,A,52.5'
  echo run-0,,20
  echo run-100,,33
} >scores.csv
expect 0 's.nc is written' -- ranks 2 "$resjac" run deck.yaml
for format in svg png; do
  expect 0 "$format/index.html: " -- "$resjac" report s.nc -o "$format" --format "$format"
  expect 0 '1280 pixels: ' '390 pixels: ' ' 0 faults' -- "$python" "$look" "$chromium" "$format/index.html"
done
for f in run-emergence excess_coupling_k3_offdiag-against-v1 measures-against-v1 overview-correlations overview-certificates \
  overview-trajectory-scores overview-excess-coupling-k3 run-0-tokens-self-k3 run-0-token-modes-k3 run-0-influence; do
  [ -s "svg/$f.svg" ] && [ -s "svg/$f.csv" ] || fail "no svg/$f"
done

# each promise of the page broken once, on a page without the models' own figures
page=svg/broken.html
sed '/<details/,/<\/details>/d; /<h2 id="model-/,/<h2 id="provenance"/{/<h2 id="provenance"/!d}' svg/index.html >short.html
expect 0 ' 0 faults' -- "$python" "$look" "$chromium" short.html
sed "s/img-src data:/img-src * data:/; s|<h1>|<img alt=x src=\"http://example.org/x.png\"><h1>|" short.html >$page
expect 1 'a request leaves the page: http://example.org/x.png' "picture 'x' (http://" -- "$python" "$look" "$chromium" $page
sed '0,/base64,/s/base64,/base64,AAAA/' short.html >$page
expect 1 'is not there' -- "$python" "$look" "$chromium" $page
sed 's/min-width:[0-9]*rem/min-width:0/g' short.html >$page
expect 1 ' pixels' 'has letters of ' -- "$python" "$look" "$chromium" $page
sed 's/\.scroll{overflow-x:auto/.scroll{overflow-x:visible/' short.html >$page
expect 1 ' pixels wide in a window of 390' -- "$python" "$look" "$chromium" $page
sed 's/<h1>/<p style="font-size:9px">small<\/p><h1>/' short.html >$page
expect 1 "'small' is set in 9.0 pixels" -- "$python" "$look" "$chromium" $page
finish
