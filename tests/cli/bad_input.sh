#!/usr/bin/env bash
# bad_input.sh RANKS RESJAC MPIEXEC: every kind of bad input ends with its exit code and a message that names the thing.
n=$1; shift
. "$(dirname "$0")/lib.sh" "$@"
tiny_prompts 3 >prompts.jsonl
tiny_deck "$golden/llama_base" out.nc >good.yaml
run() { local code=$1 words=(); shift; while [ "$1" != -- ]; do words+=("$1"); shift; done; shift; expect "$code" "${words[@]}" -- ranks "$n" "$resjac" run "$@"; }

# a copy of the golden model that a case may break
broken() { rm -rf broken; cp -r "$golden/${1:-llama_base}" broken; chmod -R u+w broken; }
patch_json() { python3 - "$@" <<'P'
import json, sys
path, key, value = sys.argv[1:]
d = json.load(open(path)); d[key] = json.loads(value); json.dump(d, open(path, "w"))
P
}
# header of a safetensors file rewritten by a Python expression over `h`, data kept
patch_header() { python3 - "$1" "$2" <<'P'
import json, struct, sys
raw = open(sys.argv[1], "rb").read(); n = struct.unpack("<Q", raw[:8])[0]
h = json.loads(raw[8:8 + n]); exec(sys.argv[2]); t = json.dumps(h).encode()
open(sys.argv[1], "wb").write(struct.pack("<Q", len(t)) + t + raw[8 + n:])
P
}

# command line and deck
expect 64 'no command' -- ranks "$n" "$resjac"
expect 64 'unknown command "rum"' -- ranks "$n" "$resjac" rum
expect 64 'resjac run: 0 arguments, needs DECK' -- ranks "$n" "$resjac" run
expect 64 '--fish' -- ranks "$n" "$resjac" run good.yaml --fish
expect 0 '--max-seconds' -- ranks "$n" "$resjac" run --help
run 66 'no.yaml' -- no.yaml
tiny_deck "$golden/llama_base" out.nc 'cuopling: {k: [3]}' >typo.yaml
run 64 'typo.yaml:6: cuopling: unknown key' 'coupling' -- typo.yaml
run 64 '--set coupling.kk: unknown key; do you mean coupling.k?' -- good.yaml --set coupling.kk=3
run 64 '--set output=: needs a value' -- good.yaml --set output=
run 64 'K = 50' 'd = 36' 'coupling.k' -- good.yaml --set 'coupling.k=[50]'
run 64 'svd.method is matrix-free' 'grid of 1 x 2 ranks' 'layout.grid to 1x1' -- good.yaml --set svd.method=matrix-free --set layout.grid=1x2

# prompts
run 66 'none.txt' -- good.yaml --set prompts.file=none.txt
printf 'one\n\nthree\n' >empty_line.txt
run 65 'empty_line.txt:2: empty prompt' -- good.yaml --set prompts.file=empty_line.txt
: >nothing.txt
run 65 'nothing.txt: holds no prompt' -- good.yaml --set prompts.file=nothing.txt
printf '{"ids": [1, 97]}\n' >outside.jsonl
run 65 'outside.jsonl:1: token id 97 is outside the vocabulary' '97 tokens' -- good.yaml --set prompts.file=outside.jsonl
python3 -c 'print("{\"ids\": [" + ", ".join(["1"] * 4000) + "]}")' >long.jsonl
run 65 'long.jsonl:1: the prompt has 4000 tokens' 'context limit' -- good.yaml --set prompts.file=long.jsonl --set prompts.max_tokens=5000

# models
run 66 'nowhere' -- good.yaml --set 'models=[{path: nowhere}]'
mkdir empty
run 66 'empty' 'config.json' -- good.yaml --set 'models=[{path: empty}]'
echo 'not a model' >text.gguf
run 65 'text.gguf' -- good.yaml --set 'models=[{path: text.gguf}]'
broken llama_sharded
truncate -s -100 broken/model-00002-of-00003.safetensors
run 65 'model-00002-of-00003.safetensors' -- good.yaml --set 'models=[{path: broken}]'
rm broken/model-00002-of-00003.safetensors
run 66 'model-00002-of-00003.safetensors' -- good.yaml --set 'models=[{path: broken}]'
broken
head -c 50000 "$golden/llama_base/model-F32.gguf" >cut.gguf
run 65 'cut.gguf' -- good.yaml --set 'models=[{path: cut.gguf}]'
patch_header broken/model.safetensors 'h["model.layers.1.self_attn.x_proj.weight"] = h.pop("model.layers.1.self_attn.k_proj.weight")'
run 65 'model.layers.1.self_attn.k_proj.weight' 'broken' -- good.yaml --set 'models=[{path: broken}]'
broken
patch_header broken/model.safetensors 't = h["model.layers.0.mlp.down_proj.weight"]; t["shape"] = t["shape"][::-1]'
run 65 'model.layers.0.mlp.down_proj.weight' '[61,36]' '[36,61]' -- good.yaml --set 'models=[{path: broken}]'
broken
python3 - <<'P'
import json, struct
path = "broken/model.safetensors"; raw = bytearray(open(path, "rb").read()); n = struct.unpack("<Q", raw[:8])[0]
at = 8 + n + json.loads(raw[8:8 + n])["model.layers.1.mlp.up_proj.weight"]["data_offsets"][0] + 40
raw[at:at + 4] = struct.pack("<f", float("nan")); open(path, "wb").write(raw)
P
run 65 'model.layers.1.mlp.up_proj.weight' -- good.yaml --set 'models=[{path: broken}]' --set output=nan.nc
broken
patch_json broken/config.json model_type '"mamba"'
run 65 'mamba' 'config.json' -- good.yaml --set 'models=[{path: broken}]'
broken
patch_json broken/config.json hidden_act '"swoosh"'
run 65 'swoosh' 'hidden_act' -- good.yaml --set 'models=[{path: broken}]'

# one bad model beside a good one: the good one is measured and written
run 69 'mixed.nc is written' 'nowhere' -- good.yaml --set "models=[{path: nowhere}, {path: $golden/llama_base, name: tiny}]" --set output=mixed.nc
expect 0 'complete and consistent' -- "$resjac" verify mixed.nc

# what a message says of paths stays out of the file where the deck asks for it
run 69 'nowhere' -- good.yaml --set "models=[{path: nowhere, name: lost}, {path: $golden/llama_base, name: tiny}]" --set output=minimal.nc --set provenance=minimal
grep -qaF 'failed: the log says why' minimal.nc || fail 'minimal.nc does not say that a model failed'
grep -rqaF -e nowhere -e "$golden" -e "$scratch" -e command_line minimal.nc minimal.nc.d && fail 'provenance: minimal tells paths or the command line'

# prompts that overflow are left out; so they are when everything is found done
broken
python3 - <<'P'
import json, struct
path = "broken/model.safetensors"; raw = bytearray(open(path, "rb").read()); n = struct.unpack("<Q", raw[:8])[0]
h = json.loads(raw[8:8 + n])
for name in ("up", "down"):
    a, b = h[f"model.layers.1.mlp.{name}_proj.weight"]["data_offsets"]
    raw[8 + n + a:8 + n + b] = struct.pack("<f", 1e38) * ((b - a) // 4)
open(path, "wb").write(raw)
P
for _ in first again; do
  run 69 '3 prompts are left out' -- good.yaml --set 'models=[{path: broken}]' --set output=overflow.nc
done
grep -qaF 'partial: 3 of 3 prompts left out' overflow.nc || fail 'overflow.nc does not say that prompts were left out'

# ranks that see different files under one name
cp -r "$golden/llama_base" elsewhere
printf '#!/bin/sh\n[ "${OMPI_COMM_WORLD_RANK:-0}" = 0 ] && RJ_MODEL=%s || RJ_MODEL=elsewhere\nexport RJ_MODEL\nexec "$@"\n' "$golden/llama_base" >uneven.sh
if [ "$n" -gt 1 ]; then
  expect 64 'than rank 0' -- ranks "$n" sh uneven.sh "$resjac" run good.yaml --set 'models=[{path: $RJ_MODEL, name: tiny}]'
fi

# output
echo file >in_the_way
run 73 'in_the_way' -- good.yaml --set output=in_the_way/out.nc
run 73 '/proc/none' -- good.yaml --set output=/proc/none/out.nc
mkdir folder.nc
run 73 'folder.nc: is a folder' -- good.yaml --set output=folder.nc
[ -e out.nc ] && fail 'a refused run wrote out.nc'

# other commands
expect 66 'gone' -- ranks "$n" "$resjac" inspect gone
expect 65 'text.gguf' -- ranks "$n" "$resjac" verify text.gguf
expect 66 'gone.nc' -- ranks "$n" "$resjac" report gone.nc -o fig
expect 64 'needs -o' -- ranks "$n" "$resjac" reduce mixed.nc.d
finish
