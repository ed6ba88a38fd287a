#!/usr/bin/env bash
# valgrind.sh RESJAC MPIEXEC: a small run on 2 ranks, its resume and verify under valgrind: no memory error and no leak with a function
# of ours on its stack, unless MPI lies between (what its library keeps is its own).
. "$(dirname "$0")/lib.sh" "$@"
command -v valgrind >/dev/null || { echo 'SKIPPED: valgrind is not installed'; exit 0; }
printf '{"ids": [1, 5, 7, 3]}\n{"ids": [2, 5, 7, 3, 9]}\n' >prompts.jsonl
tiny_deck "$golden/llama_base" out.nc 'layout: {unit_prompts: 1}' | sed '/unit_prompts: 2/d; s/, twin: random-init//' >deck.yaml
if [ "$(uname -m)" = x86_64 ]; then export OPENBLAS_CORETYPE=Haswell; fi # valgrind knows no newer instructions
under() { # RANKS COMMAND..
  local n=$1; shift
  LIMIT=200 ranks "$n" valgrind --leak-check=full --show-leak-kinds=definite,indirect --num-callers=40 --gen-suppressions=all \
    --log-file=valgrind.%p.txt "$@"
}
expect 0 'out.nc is written' -- under 2 "$resjac" run deck.yaml
expect 0 'up to date' -- under 1 "$resjac" run deck.yaml
expect 0 'complete and consistent' -- under 1 "$resjac" verify out.nc.d
whole=$(grep -l 'ERROR SUMMARY' valgrind.*.txt | wc -l) # beside them, processes that MPI starts
[ "$whole" -ge 4 ] || fail "only $whole of 4 processes were looked at to their end"
for log in valgrind.*.txt; do
  checks=$((checks + 1))
  # records between braces: one of ours names rj_.., and no function of MPI
  awk '/^{/ { record = ""; ours = mpi = 0 } { record = record $0 "\n" } /fun:rj_/ { ours = 1 } /fun:P?MPI_/ { mpi = 1 }
       /^}/ && ours && !mpi { printf "%s", record; bad = 1 } END { exit bad }' "$log" || fail "$log: ours"
done
finish
