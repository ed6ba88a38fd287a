# lib.sh: what the tests of the command line share. Source it: `. lib.sh RESJAC MPIEXEC`.
# A scratch folder in $scratch, a failure counter, and `expect CODE WORDS.. -- COMMAND..`.
set -u
resjac=$1 mpiexec=$2
golden=$RESJAC_GOLDEN
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
failures=0 checks=0

# ranks N COMMAND..: under MPI; one rank without a launcher too, as users do on a login node.
ranks() {
  local n=$1; shift
  if [ "$n" = 1 ]; then timeout --kill-after=5 "${LIMIT:-60}" "$@"; else timeout --kill-after=5 "${LIMIT:-60}" "$mpiexec" -n "$n" "$@"; fi
}

fail() { failures=$((failures + 1)); printf 'FAILED: %s\n' "$*"; }

# expect CODE WORD.. -- COMMAND..: the exit code, and each word somewhere in what it prints.
expect() {
  local code=$1 words=() word got; shift
  while [ "$1" != -- ]; do words+=("$1"); shift; done; shift
  checks=$((checks + 1))
  "$@" >out.txt 2>&1; got=$?
  [ "$got" = "$code" ] || { fail "exit code $got instead of $code: $*"; cat out.txt; return 1; }
  for word in "${words[@]}"; do
    grep -qF -- "$word" out.txt || { fail "no \"$word\" in the output of: $*"; cat out.txt; return 1; }
  done
}

finish() {
  [ "$checks" -gt 0 ] || { echo "no check was run"; exit 1; }
  printf '%d checks, %d failures\n' "$checks" "$failures"
  [ "$failures" = 0 ]
}

# tiny_prompts N: N prompts as token ids of the tiny golden models, of different lengths.
tiny_prompts() {
  local i
  for i in $(seq 1 "$1"); do printf '{"ids": [%d, 5, %d, %d, 96, 0, 33%s]}\n' $((i % 90)) $((i * 7 % 97)) $((i * 3 % 97)) "$([ $((i % 2)) = 0 ] && echo ', 11, 12')"; done
}

# tiny_deck MODEL OUTPUT [LINE..]: a deck for prompts.jsonl in the scratch folder.
tiny_deck() {
  local model=$1 output=$2; shift 2
  printf 'models: [{path: %s, name: tiny, twin: random-init}]\nprompts: {file: prompts.jsonl}\n' "$model"
  printf 'coupling: {k: [3, 0.2d]}\nlayout: {unit_prompts: 2}\noutput: %s\n' "$output"
  printf '%s\n' "$@"
}
