# judge.sh: what the scripts of mutants share. Source it: `. judge.sh RESJAC MPIEXEC`; then i, source, what and work tell the mutant.
export RESJAC_GOLDEN=${RESJAC_GOLDEN:-$(realpath "$(dirname "$0")/../golden")}
. "$(dirname "$0")/../cli/lib.sh" "$(realpath "$1")" "$2"
LIMIT=10
session=$(mktemp -d) # Open MPI's own files: launches that come and go at one time would take each other's folder away
trap 'rm -rf "$scratch" "$session"' EXIT
export OMPI_MCA_orte_tmpdir_base=$session OMPI_MCA_ess_singleton_isolated=1 # no daemon for one rank: launches take two thirds of the time
declare -A seen=()

lost() { fail "mutant $i of $source ($what): $*"; tail -c 2000 out.txt; [ -z "${RESJAC_MUTANTS:-}" ] || cp -Lr "$work" "$RESJAC_MUTANTS/$i"; }

# judge CODE COMMAND: how a mutant may end, its output in out.txt.
judge() {
  local code=$1; shift
  seen[$code]=$((${seen[$code]:-0} + 1))
  case $code in 0|64|65|66|69) ;; *) lost "exit code $code: $*" ;; esac
  LC_ALL=C grep -qaP '[\x00-\x08\x0b-\x1f\x7f]' out.txt && lost "control characters in the output of $*"
}

tell_codes() { local code; for code in "${!seen[@]}"; do printf 'exit code %s: %d\n' "$code" "${seen[$code]}"; done; }
