#!/usr/bin/env bash
# slurm_scaling.sh RESJAC MPIEXEC: jobs/scaling.sh and scaling_report.py on one, two and four ranks of the virtual nodes.
# Their times say nothing about scaling; the tables must be right for them.
. "$(dirname "$0")/slurm_lib.sh" "$@"
tiny_prompts 3 >prompts.jsonl
tiny_deck "$golden/llama_base" unused.nc >deck.yaml
export SBATCH='sbatch --exclusive --mem=1000' RANKS='1 2 4' RANKS_PER_NODE=1 PROMPTS_PER_RANK=4 UNIT_PROMPTS=2 TIME=5
study="a study's"
expect 0 'strong-4: 4 ranks, 16 prompts' 'weak-1: 1 ranks, 4 prompts' -- bash "$home/jobs/scaling.sh" deck.yaml prompts.jsonl "$study"
for name in strong-1 strong-2 strong-4 weak-1 weak-2 weak-4; do
  job=$(squeue -h -n "$name" -t all -o %i)
  expect_job "$job" 90 COMPLETED 0 "$study/$name.log" 'exit 0, state done'
done
expect 0 '## Strong scaling (16 units of work)' '## Weak scaling (4 units a rank)' -- python3 "$home/jobs/scaling_report.py" "$study"
cat "$study/scaling.md"
[ "$(wc -l <"$study/scaling.csv")" = 7 ] || fail 'scaling.csv has not one line a job'
[ ! -x "$(command -v gnuplot)" ] || grep -q '</svg>' "$study/scaling.svg" || fail 'no figure'
expect 0 'complete and consistent' -- "$resjac" verify "$study/weak-4.nc"
expect 0 'equal content' -- "$resjac" verify "$study/strong-1.nc" "$study/strong-4.nc"
expect 73 'must not be there yet' -- bash "$home/jobs/scaling.sh" deck.yaml prompts.jsonl "$study"
expect 66 'no such deck' -- bash "$home/jobs/scaling.sh" nowhere.yaml prompts.jsonl other
finish
