#!/usr/bin/env bash
# faults.sh RANKS RESJAC MPIEXEC [all]: at every named step (fault.h) one rank is killed, or fails as that step does by itself. The run
# ends in time with the documented code, leaves no half file under a final name, and the same command completes it with
# the content of an undisturbed run. A step that is never reached is a failure.
# The test suite kills at every second step and lets the others fail, and the other way round on the next number of ranks;
# `all` does both, at more passes.
n=$1 all=${4:-}; shift
. "$(dirname "$0")/lib.sh" "$@"
tiny_prompts 3 >prompts.jsonl
tiny_deck "$golden/llama_base" whole.nc 'layout: {unit_prompts: 1}' | sed 's/, twin: random-init//; /unit_prompts: 2/d' >deck.yaml
expect 0 'whole.nc is written' -- ranks 1 "$resjac" run deck.yaml

# the steps by name, as the program lists them
RESJAC_FAULT=none expect 64 'RESJAC_FAULT=none: no such step; the steps are memory.alloc' -- ranks "$n" "$resjac" version
steps=$(sed -n 's/.*the steps are \(.*\) \[fault.*/\1/p' out.txt)
[ "$(wc -w <<<"$steps")" -ge 20 ] || fail "only these steps: $steps"
for wrong in nc.put nc.put=fish nc.put:x=kill nc.put:0:0=kill nc.put:0:1-=kill; do
  RESJAC_FAULT=$wrong expect 64 'needs STEP[:RANK[:PASS[+]]]=ACTION' -- "$resjac" version
done

# what `error` at a step ends with: the codes of docs/reliability.md
codes() {
  case $1 in
    lease.*) echo 0 ;;                     # only double work is at stake
    output.prepare | *.create | *.rename) echo 73 ;;
    nc.open) echo '74 69 0' ;;             # of a unit that is looked for: it is measured
    nc.* | publish.* | text.*) echo 74 ;;
    unit.*) [ "$n" = 1 ] && echo 65 || echo '65 69' ;; # the other ranks may measure the rest
    mpi.agree) echo 70 ;;
    mpi.call) echo 1 ;;                    # MPI_Abort
    memory.*) echo '71 69 0' ;;            # 0: it was a lease's
    file.*) echo '74 69 0' ;;              # of a model: it fails alone; of a lease, a former status.json: no matter
  esac
}
# A step that many things pass is tried at many of them; another one where it first comes, and once more.
passes() {
  local list
  case $1 in
    memory.alloc) list='150 1 20 60 300 420' ;;
    file.*) list='4 9 1 7' ;;
    mpi.*) list='7 13 25 1 3' ;;
    nc.* | publish.*) list='1 2' ;;
    *) list=1 ;;
  esac
  if [ -n "$all" ]; then echo "$list"; else cut -d ' ' -f $((1 + n % $(wc -w <<<"$list"))) <<<"$list"; fi
}
# What every rank passes fails on one of them alone; what only some do, on the first to come.
rank_of() {
  case $1 in memory.* | file.* | mpi.*) echo $((turn % n)) ;; *) echo '*' ;; esac
}
actions() {
  if [ -n "$all" ]; then echo kill error; elif [ $(((index + n) % 2)) = 0 ]; then echo kill; else echo error; fi
}

# Any rank's end ends all: 30 s is the promise, and far more than this run takes.
injected() { # STEP RANK PASS ACTION: sets $got and $reached
  reached=yes
  rm -rf part.nc part.nc.d
  RESJAC_FAULT=$1:$2:$3=$4 LIMIT=${LIMIT:-30} ranks "$n" "$resjac" run deck.yaml --set output=part.nc >part.txt 2>&1
  got=$?
  grep -qF "fault injected at $1, pass $3: $4" part.txt || reached=no
}
resumes() { # WHAT
  expect 0 -- ranks $((1 + turn % 2)) "$resjac" run deck.yaml --set output=part.nc || printf 'after %s\n' "$1"
  expect 0 'equal content' -- "$resjac" verify whole.nc part.nc || printf 'after %s\n' "$1"
  [ -z "$(find . -name '*.tmp.*')" ] || fail "$1: unfinished files are left after the resume: $(find . -name '*.tmp.*')"
}

turn=0 index=0
for step in $steps; do
  index=$((index + 1))
  for action in $(actions); do
    hit=no
    for pass in $(passes "$step"); do
      turn=$((turn + 1)) checks=$((checks + 1))
      what="$step:$(rank_of "$step"):$pass=$action on $n ranks"
      injected "$step" "$(rank_of "$step")" "$pass" "$action"
      [ "$reached" = no ] && [ "$hit" = yes ] && break # no run passes it as often
      [ "$reached" = no ] && { fail "$what: the step was not reached"; cat part.txt; break; }
      hit=yes
      [ "$got" = 124 ] && { fail "$what: the run hangs"; cat part.txt; }
      if [ "$action" = kill ]; then
        [ "$got" = 137 ] || { fail "$what: exit code $got"; cat part.txt; }
      else
        [[ " $(codes "$step") " == *" $got "* ]] || { fail "$what: exit code $got, not $(codes "$step")"; cat part.txt; }
        [ "$step" = mpi.call ] || [ -z "$(find part.nc.d -name '*.tmp.*' 2>/dev/null)" ] || fail "$what: it left unfinished files"
      fi
      resumes "$what"
    done
  done
done
finish
