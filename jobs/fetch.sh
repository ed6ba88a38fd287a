#!/usr/bin/env bash
# fetch.sh [OPTION ..] [NAME ..]: checkpoints of input/models.csv from the Hugging Face hub, for a node with a network.
#   NAME            models by name or pattern ('pythia-*'); none: all that the options choose
#   --list L        reference (the 45 of the paper's code) or more
#   --family F      by the column family, --lineage F by lineage
#   --max-size G    leave out what is larger than G gigabytes to download
#   --catalogue F   another table, such as input/pythia-checkpoints.csv
#   --to FOLDER     default models; each model gets FOLDER/<name>/
#   --dry-run       print the sizes and end
#   --keep-bin      keep pytorch_model*.bin once it has been converted to safetensors
# HF_TOKEN is the token for gated models, sent to the hub alone; HF_ENDPOINT another address of it. The same command again
# goes on where it was stopped. Every file is checked (SHA-256, or git's own hash) before it gets its name.
# Exit codes: 0 done, 64 command line, 66 no such model, 69 some models failed (named), 74 no room on the disk, or it cannot be written.
set -euo pipefail

jobs=$(cd "$(dirname "$0")" && pwd)
command -v python3 >/dev/null || { echo "fetch: python3 is missing (apt-get install python3)" >&2 && exit 69; }
exec python3 "$jobs/hub_fetch.py" "$@"
