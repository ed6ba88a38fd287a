#!/usr/bin/env bash
# slurm_array.sh RESJAC MPIEXEC: jobs/array.sh: models in parts at the same time, a part that is requeued, a model that
# fails, and the job that merges after all of them.
. "$(dirname "$0")/slurm_lib.sh" "$@"
tiny_prompts 6 >prompts.jsonl
{
  printf 'models:\n'
  for name in one two three; do printf '  - {path: %s, name: %s, twin: random-init}\n' "$golden/llama_base" "$name"; done
  printf 'prompts: {file: prompts.jsonl}\ncoupling: {k: [3]}\nlayout: {unit_prompts: 2}\noutput: out.nc\n'
} >deck.yaml
expect 0 -- ranks 1 "$resjac" run deck.yaml --set output=reference.nc

export SBATCH='sbatch --mem=1000 --ntasks=1'
# numbers: of the two jobs, from what array.sh prints
numbers() { sed -nE 's/^array: job ([0-9]+), .*then job ([0-9]+) merges$/\1 \2/p' out.txt; }

REPORT=figures expect 0 'parts 1 to 3' -- bash "$home/jobs/array.sh" 3 deck.yaml
read -r array reduce < <(numbers)
expect_job "$array" 90 COMPLETED 0 "resjac-part-$array-2.log" '18 units, ' ' 6 to do on 1 ranks' 'exit 0'
expect_job "$reduce" 60 COMPLETED 0 "resjac-reduce-$reduce.log" '18 units, 18 done before, 0 to do' \
  'state done' 'complete and consistent' # the last part may have merged already
expect 0 'equal content' -- "$resjac" verify reference.nc out.nc
[ -s figures/index.html ] || fail 'no report'

# a part stopped early is requeued alone, and the merging waits for it; a model that is not there (69 in every part, since
# each looks at all models) keeps nobody from the rest
rm -rf out.nc*
wide_deck 80
sed -i "s|^models:.*|models: [{path: wide, name: wide}, {path: nowhere, name: lost}, {path: $golden/llama_base, name: tiny}]|" wide.yaml
expect 0 -- bash "$home/jobs/array.sh" 3 wide.yaml
read -r array reduce < <(numbers)
until_true 60 has_units wide.nc 4
until_true 60 grep -q '1/20 units\|/40 units.*wide' "resjac-part-$array-1.log"
scancel --batch --signal=USR1 "${array}_1"
ended "$array" 120
ended "$reduce" 60
part() { printf '%s %s' "$(field "${array}_$1" Restarts)" "$(field "${array}_$1" JobState)"; }
checks=$((checks + 1))
[ "$(part 1)" = '1 FAILED' ] || fail "part 1 ended: $(part 1)"
[ "$(part 3)" = '0 FAILED' ] || fail "part 3 ended: $(part 3)"
expect_job "$reduce" 60 FAILED 69 "resjac-reduce-$reduce.log" '40 units, 40 done before, 0 to do' 'nowhere' \
  'exit 69, state partial' 'complete and consistent'
[ "$(field "$reduce" StartTime)" \> "$(field "${array}_1" StartTime)" ] || fail 'the merging did not wait for the requeued part'
is_state wide.nc partial || fail 'status.json does not say partial'
grep -q 'start 2, .* 0 units stored' "resjac-part-$array-1.log" && fail 'the requeued part found nothing stored'
expect 64 'array.sh PARTS DECK' -- bash "$home/jobs/array.sh" deck.yaml
expect 66 'no such deck' -- bash "$home/jobs/array.sh" 2 nowhere.yaml
finish
