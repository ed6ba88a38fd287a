#!/usr/bin/env bash
# disk.sh RESJAC MPIEXEC: a full disk, a disk that becomes read-only, a folder that vanishes, a rank that is killed: each run ends
# in time with its code and a message, and the same command completes it with equal content. The small file system is mounted
# by root, or in a name space of one's own.
if [ "$(id -u)" != 0 ] && unshare -rm true 2>/dev/null; then exec unshare -rm bash "$0" "$@"; fi
. "$(dirname "$0")/lib.sh" "$@"
disk=$scratch/disk
trap 'mountpoint -q "$disk" && umount -l "$disk"; rm -rf "$scratch"' EXIT
tiny_prompts 120 >prompts.jsonl
tiny_deck "$golden/llama_base" whole.nc | sed 's/unit_prompts: 2/unit_prompts: 6/' >deck.yaml # 40 units
expect 0 -- ranks 2 "$resjac" run deck.yaml

the_ranks() { pgrep -x resjac | while read -r p; do [ "$(readlink "/proc/$p/cwd")" = "$scratch" ] && echo "$p"; done; }
# harmed NAME OUTPUT CODES COMMAND..: starts a run on 3 ranks, waits for its first unit, does COMMAND, expects one of CODES in 30 s
harmed() {
  local name=$1 output=$2 codes=$3 job got; shift 3
  checks=$((checks + 1))
  LIMIT=120 ranks 3 "$resjac" run deck.yaml --set "output=$output" >part.txt 2>&1 &
  job=$!
  for _ in $(seq 500); do [ -n "$(ls "$output.d/units/"*.nc 2>/dev/null)" ] && break; sleep 0.02; done
  "$@"
  SECONDS=0
  wait "$job"; got=$?
  [[ " $codes " == *" $got "* ]] || { fail "$name: exit code $got instead of $codes"; cat part.txt; }
  [ "$SECONDS" -le 30 ] || fail "$name: the run ended after $SECONDS s only"
}
resumed() { # OUTPUT
  expect 0 -- ranks 2 "$resjac" run deck.yaml --set "output=$1"
  expect 0 'equal content' -- "$resjac" verify whole.nc "$1"
  [ -z "$(find "$1.d" "$(dirname "$1")" -name '*.tmp.*')" ] || fail "unfinished files are left beside $1"
}

# a rank that is killed: the launcher names it, nobody waits for it
kill_one() { the_ranks | tail -n 1 | xargs -r kill -KILL; }
harmed 'a killed rank' killed.nc 137 kill_one
grep -q 'signal 9' part.txt || { fail 'nobody says that a rank was killed'; cat part.txt; }
resumed killed.nc

# the folder vanishes
vanish() { mv gone.nc.d elsewhere.d; }
harmed 'a vanished folder' gone.nc 73 vanish
grep -q 'gone.nc.d/units' part.txt || { fail 'the vanished folder is not named'; cat part.txt; }
rm -rf gone.nc.d
mv elsewhere.d gone.nc.d
resumed gone.nc

# a small file system of its own
mkdir "$disk"
if ! mount -t tmpfs -o size=600k tmpfs "$disk" 2>/dev/null; then
  echo 'SKIPPED: a full and a read-only disk (no right to mount a file system)'
  finish
  exit
fi
expect 74 'No space left on device' 'free space' -- ranks 2 "$resjac" run deck.yaml --set output=disk/full.nc
[ -z "$(find disk -name '*.tmp.*')" ] || fail 'a full disk is left with unfinished files'
expect 74 'No space left on device' -- ranks 3 "$resjac" run deck.yaml --set output=disk/full.nc # still full
mount -o remount,size=200m "$disk"
resumed disk/full.nc

read_only() { for _ in $(seq 200); do mount -o remount,ro "$disk" 2>/dev/null && return; sleep 0.01; done; fail 'the disk did not become read-only'; }
harmed 'a read-only disk' disk/read_only.nc '73 74' read_only
expect 73 'Read-only file system' -- ranks 2 "$resjac" run deck.yaml --set output=disk/read_only.nc
mount -o remount,rw "$disk"
resumed disk/read_only.nc
finish
