#!/usr/bin/env bash
# bench.sh RESJAC MPIEXEC: the calibration is printed and saved, its numbers make sense, a deck's stages follow.
. "$(dirname "$0")/lib.sh" "$@"
tiny_prompts 1 >prompts.jsonl
tiny_deck "$golden/llama_base" out.nc >deck.yaml
expect 0 'single: product of order 1024' 'd =  576' 'tiny, ' 'jacobian' 'save.json is written' -- \
  ranks 1 "$resjac" bench --deck deck.yaml --save save.json
[ ! -e out.nc.d ] || fail "bench wrote the deck's output"
python3 - <<'P' || fail "save.json does not hold what it should"
import json
root = json.load(open("save.json"))
assert root["format"] == "resjac calibration 1"
for name in "single", "double":
    c = root[name]
    assert c["narrow_flops"] > 0 and abs(c["rates"]["wide"] * c["product_flops"] - 1) < 1e-4
    assert [x["d"] for x in c["svd"]] == [256, 576, 1024] and all(x["full_seconds"] > x["product_seconds"] > 0 for x in c["svd"])
    assert c["svd"][1]["krylov_columns"] > 53 and c["rates"]["full3"] >= 0
P
expect 64 'needs none' -- ranks 1 "$resjac" bench deck.yaml
finish
