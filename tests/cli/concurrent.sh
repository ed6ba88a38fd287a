#!/usr/bin/env bash
# concurrent.sh RESJAC MPIEXEC: several runs on one output at once, as a job array over its models and as the same command twice: no
# unit is measured twice, the last to end writes the final file, and its content is that of one run alone.
. "$(dirname "$0")/lib.sh" "$@"
for i in $(seq 60); do printf '{"ids": [%d, 5, %d, %d, 0, 33]}\n' $((i % 60)) $((i * 7 % 60)) $((i * 3 % 60)); done >prompts.jsonl
tiny_deck "$golden/llama_base" alone.nc >deck.yaml
sed -i "s#^models:.*#models: [{path: $golden/llama_base, name: a}, {path: $golden/gpt2_base, name: b}, {path: $golden/qwen2_base, name: c}, {path: $golden/llama_base, name: d, twin: random-init}]#" deck.yaml
expect 0 'alone.nc is written' -- ranks 2 "$resjac" run deck.yaml
units=$(ls alone.nc.d/units/*.nc | wc -l)

# an array over the models: each part on its own ranks, all at once
for i in 1 2 3 4; do
  ranks $((1 + i % 2)) "$resjac" run deck.yaml --set output=array.nc --only "$i/4" >"part$i.txt" 2>&1 &
  job[i]=$!
done
written=0
for i in 1 2 3 4; do
  wait "${job[i]}"; got=$?; checks=$((checks + 1))
  [ "$got" = 0 ] || { fail "part $i of the array: exit code $got"; cat "part$i.txt"; }
  grep -q 'array.nc is written' "part$i.txt" && written=$((written + 1))
done
[ "$written" -ge 1 ] || fail 'no part of the array wrote the final file'
expect 0 'equal content' -- "$resjac" verify alone.nc array.nc
expect 0 'complete and consistent' -- "$resjac" verify array.nc.d
expect 0 "$units done before, 0 to do" 'up to date' -- ranks 2 "$resjac" run deck.yaml --set output=array.nc
[ -z "$(ls array.nc.d/leases)" ] || fail "leases are left: $(ls array.nc.d/leases)"

# the same command twice: each leaves the other's models alone
for i in 1 2; do
  ranks 2 "$resjac" run deck.yaml --set output=both.nc >"both$i.txt" 2>&1 &
  job[i]=$!
done
for i in 1 2; do
  wait "${job[i]}"; code[i]=$?; checks=$((checks + 1))
  case ${code[i]} in 0 | 75) ;; *) fail "run $i of two: exit code ${code[i]}"; cat "both$i.txt" ;; esac
done
[ "${code[1]}" = 0 ] || [ "${code[2]}" = 0 ] || { fail 'neither of two runs wrote the final file'; cat both?.txt; }
expect 0 'equal content' -- "$resjac" verify alone.nc both.nc
expect 0 'complete and consistent' -- "$resjac" verify both.nc.d

# a lease of a run on another host that was heard of a moment ago: its model is left to it, the others are measured
mkdir -p left.nc.d/leases
key=$(ls alone.nc.d/units/b-unit00000-*.nc | sed 's/.*-\([0-9a-f]*\)\.nc$/\1/')
lease=left.nc.d/leases/b-$key.json
echo '{"host": "elsewhere", "pid": 1, "job": "12", "restart": 0, "run": "x"}' >"$lease"
expect 75 'process 1 on elsewhere, job 12 measures this model' "delete this file" '30 of' 'the same command resumes' \
  -- ranks 2 "$resjac" run deck.yaml --set output=left.nc
[ -e left.nc ] && fail 'the final file was written without the model of another run'
[ -e "$lease" ] || fail "another run's lease was removed"
touch -d '11 minutes ago' "$lease"
expect 0 'left.nc is written' -- ranks 2 "$resjac" run deck.yaml --set output=left.nc
[ -e "$lease" ] && fail 'a stale lease stays'
expect 0 'equal content' -- "$resjac" verify alone.nc left.nc
finish
