#!/usr/bin/env bash
# test_man.sh RESJAC: the manual page is well-formed and has the commands, options, exit codes and version of the programme, no more and
# no fewer.
set -u
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" # MPI's own, of a process without mpirun
resjac=$1
cd "$(dirname "$0")/.." || exit 1
page=docs/resjac.1
failures=0
fail() { failures=$((failures + 1)); echo "FAILED: $*"; }

commands=$("$resjac" --help | sed -nE 's/^  resjac ([a-z]+) .*/\1/p')
[ "$(wc -w <<<"$commands")" -ge 8 ] || fail "resjac --help names too few commands: $commands"
[ "$(sed -nE 's/^\.SS resjac ([a-z]+).*/\1/p' $page)" = "$commands" ] || fail "the page has other commands, or another order, than resjac --help"

# what stands below a command's heading; \- is a minus
section() { sed -e 's/\\-/-/g' $page | awk -v head=".SS resjac $1" 'index($0, ".S") == 1 { inside = ($0 == head || index($0, head " ") == 1) } inside'; }
for command in $commands; do
  has=$("$resjac" "$command" --help | grep -oE '^ +(-[a-z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+' | grep -vx -- --help | sort)
  told=$(section "$command" | grep -A 1 -x '\.TP' | grep -oE -- '--[a-z-]+' | sort)
  [ "$has" = "$told" ] || fail "resjac $command has the options" $has "and the page tells" $told
  short=$("$resjac" "$command" --help | grep -oE '^ +-[a-z],' | grep -oE -- '-[a-z]' | grep -vx -- -h | sort)
  told=$(section "$command" | grep -A 1 -x '\.TP' | grep -oE -- '(^|[^-a-z])-[a-z] ' | grep -oE -- '-[a-z]' | sort)
  [ "$short" = "$told" ] || fail "resjac $command has the short options" $short "and the page tells" $told
done
codes=$(awk '/^\.SH EXIT STATUS/ { inside = 1; next } /^\.SH/ { inside = 0 } inside && /^\.B [0-9]+$/ { print $2 }' $page)
[ "$codes" = "$(sed -nE 's/^\| ([0-9]+) \|.*/\1/p' README.md)" ] || fail "the page has other exit codes than README.md"
version=$(sed -nE 's/^project\(resjac VERSION ([0-9.]+) .*/\1/p' CMakeLists.txt)
grep -q "^\.TH RESJAC 1 .* \"resjac $version\"" $page || fail "the page is not of version $version"

if command -v groff >/dev/null; then
  warnings=$(groff -man -Tutf8 -ww -z $page 2>&1)
  [ -z "$warnings" ] || fail "groff: $warnings"
  groff -man -Tascii -P -c $page | grep -q 'Start no unit of work that may not be done' || fail 'the page does not print'
fi
[ "$failures" -eq 0 ] && echo "the manual page is as the programme is"
exit "$failures"
