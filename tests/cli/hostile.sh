#!/usr/bin/env bash
# hostile.sh RESJAC MPIEXEC: checkpoints of strangers: what is no file, links out of the folder, names that mean something to a terminal,
# shell, page or NetCDF; what `provenance: minimal` leaves out; and that nothing but the deck's output is written.
. "$(dirname "$0")/lib.sh" "$@"
tiny_prompts 2 >prompts.jsonl
tiny_deck "$golden/llama_base" out.nc >deck.yaml
run() { local code=$1 words=(); shift; while [ "$1" != -- ]; do words+=("$1"); shift; done; shift; LIMIT=20 expect "$code" "${words[@]}" -- ranks 1 "$resjac" run deck.yaml "$@"; }
fresh() { rm -rf model; cp -r "$golden/$1" model; chmod -R u+w model; }

# neither FIFO nor device nor folder, wherever a file is read; nor a link out of the folder
for file in config.json model.safetensors tokenizer.json; do
  fresh llama_base; rm "model/$file"; mkfifo "model/$file"
  LIMIT=20 expect "$([ $file = tokenizer.json ] && echo 0 || echo 65)" "model/$file" 'FIFO or device' -- ranks 1 "$resjac" inspect model
  rm "model/$file"
  for target in /dev/zero "$golden/llama_base/$file" ../deck.yaml; do
    ln -sfn "$target" "model/$file"
    LIMIT=20 expect "$([ $file = tokenizer.json ] && echo 0 || echo 65)" "model/$file" "a link out of the model's folder" -- ranks 1 "$resjac" inspect model
  done
done
ln -s /dev/zero zero.gguf
run 65 'zero.gguf' 'FIFO or device' -- --set 'models=[{path: zero.gguf}]'
mkfifo pipe.gguf pipe.jsonl pipe.nc
printf 'model,v1\na,1\n' >scores.csv
for command in 'verify pipe.nc' 'verify pipe.nc pipe.nc' 'report pipe.nc -o figures' 'reduce pipe.nc -o more.nc --scores scores.csv --column v1'; do
  # shellcheck disable=SC2086 # words
  LIMIT=20 expect 65 'pipe.nc' 'FIFO or device' -- "$resjac" $command
done
run 65 'pipe.gguf' 'FIFO or device' -- --set 'models=[{path: pipe.gguf}]'
run 65 'pipe.jsonl' 'FIFO or device' -- --set prompts.file=pipe.jsonl

# files of an index: in the folder, or in the blobs of a hub's cache
second=model-00002-of-00003.safetensors
fresh llama_sharded; mv model/$second outside.safetensors; ln -s ../outside.safetensors model/$second
run 65 "model/$second" "a link out of the model's folder" -- --set 'models=[{path: model}]'
mkdir model/deep; mv outside.safetensors model/deep; ln -sfn deep/outside.safetensors model/$second
expect 0 'model model_: ' -- ranks 1 "$resjac" run deck.yaml --set 'models=[{path: model}]' --set output=inside.nc
mkdir -p hub/blobs hub/snapshots; fresh llama_sharded; mv model hub/snapshots/c0ffee
for file in hub/snapshots/c0ffee/*; do mv "$file" "hub/blobs/$(basename "$file").blob"; ln -s "../../blobs/$(basename "$file").blob" "$file"; done
ln -s hub/snapshots/c0ffee link
for path in hub/snapshots/c0ffee link; do expect 0 'tokenizer' -- ranks 1 "$resjac" inspect $path; done

# names of files, as a glob finds them
mkdir names victim
for name in $'e\e[2J\nv' 'tail ' ' lead' -rf ... '$(touch owned)' '`touch owned`' "a\"b'c<script>" $'\xff\xfe' '%s%n' '@{x}' é; do ln "$golden/llama_base/model-F16.gguf" "names/$name.gguf" 2>/dev/null || cp "$golden/llama_base/model-F16.gguf" "names/$name.gguf"; done
expect 0 'model e_[2J_v' -- ranks 1 "$resjac" run deck.yaml --set 'models=[{glob: names/*.gguf}]' --set output=names.nc
LC_ALL=C grep -qaP '[\x00-\x08\x0b-\x1f\x7f\xff]' out.txt && fail 'control characters in the log'
[ "$(ls names.nc.d/units | wc -l)" = 11 ] || fail 'not eleven names' # a glob finds no "...."
expect 0 'complete and consistent' -- "$resjac" verify names.nc
expect 0 'names.figures/index.html' -- "$resjac" report names.nc -o names.figures
grep -qa '<script>' names.figures/*.html names.figures/*.md names.figures/*.svg names.figures/*.gp && fail 'a name became a tag'
[ -e owned ] || [ -e names.figures/owned ] && fail 'a name was run'

# a folder full of links to a stranger's files: they stay as they are, and so does the folder
fresh llama_base
echo kept >victim/file
for name in out.nc links.nc links.nc.d units status.json manifest.json links.nc.stop model.nc tokenizer.model tokenizer_config.json generation_config.json; do ln -s ../victim/file "model/$name"; done
chmod 755 model victim; before=$(find model victim -printf '%p %y %s %T@ %C@\n' | sort)
expect 0 'links.nc' -- ranks 1 "$resjac" run deck.yaml --set 'models=[{path: model, name: ../../victim/x}]' --set output=links.nc
[ "$before" = "$(find model victim -printf '%p %y %s %T@ %C@\n' | sort)" ] || fail 'the folder of a model, or what its links name, was changed'
find . -newer deck.yaml -name '*x-unit*' | grep -qv '^./links.nc.d/units/' && fail 'a unit outside links.nc.d'

# provenance: minimal
export USER=a-user-whom-nobody-knows HOSTNAME
host=$(uname -n)
expect 0 -- ranks 1 "$resjac" run deck.yaml --set output=minimal.nc --set provenance=minimal
expect 0 -- ranks 1 "$resjac" run deck.yaml --set output=full.nc
grep -qaF "$USER" full.nc && grep -qaF "$golden" full.nc || fail 'provenance: full does not tell user and paths'
for word in "$USER" "$golden" "$scratch" command_line job_id; do grep -rqaF -e "$word" minimal.nc minimal.nc.d && fail "provenance: minimal tells $word"; done
grep -qaE '"(host|user)"' minimal.nc.d/*.json && fail 'provenance: minimal tells the host'
[ ${#host} -lt 5 ] || ! grep -rqaF -e "$host" minimal.nc minimal.nc.d || fail "provenance: minimal tells the host $host"
finish
