#!/usr/bin/env bash
# The include rule in words: a file includes its own or lower layers only, and folders of one level never include each
# other; every source file's name is its own in the whole repository.
# Usage: tests/test_layers.sh [ROOT]. Exit code 0, or 1 with one line a violation.
set -euo pipefail
root=${1:-$(dirname "$0")/..}
cd "$root"

# What a layer may include beside itself (layers of its own level are in no row of that level).
declare -A allowed=(
    [base]="nothing"
    [linalg]="base" [weights]="base" [schedule]="base" [store]="base"
    [model]="base weights linalg" [tokenizer]="base weights" [metrics]="base linalg" [stats]="base linalg"
    [run]="base linalg weights schedule store model tokenizer metrics stats"
    [report]="base store stats"
    [cli]="base linalg weights schedule store model tokenizer metrics stats run report"
)

violations=0
includes=0
fail() {
    printf '%s\n' "$*"
    violations=$((violations + 1))
}

# check FILE LAYER LINE_NUMBER TEXT: one #include line of ours.
check() {
    local file=$1 layer=$2 line=$3 text=$4 mark name to
    [[ $text =~ ([\"\<])([^\"\>]*) ]]
    mark=${BASH_REMATCH[1]} name=${BASH_REMATCH[2]}
    case $name in
        resjac/*/*)
            to=${name#resjac/}
            to=${to%%/*}
            [ -f "include/$name" ] || fail "$file:$line: include/$name does not exist"
            [ "$to" = "$layer" ] && return 0
            [[ " ${allowed[$layer]} " = *" $to "* ]] ||
                fail "$file:$line: $layer may include ${allowed[$layer]// /, } beside itself, not $to ($name)"
            ;;
        resjac/*) fail "$file:$line: $name is in no layer" ;;
        resjac_build.h) ;; # generated facts of the build, no layer's
        *) # the system's in angle brackets; a private header of the same folder in quotes
            [[ $mark = "<" || ( $name != */* && -f ${file%/*}/$name ) ]] ||
                fail "$file:$line: $name is not in the file's own folder: include it as \"resjac/<layer>/..\""
            ;;
    esac
}

while IFS= read -r file; do
    layer=${file#src/}
    layer=${layer#include/resjac/}
    layer=${layer%%/*}
    if [ -z "${allowed[$layer]:-}" ]; then
        fail "$file: $layer is no layer"
        continue
    fi
    while IFS=: read -r line text; do
        includes=$((includes + 1))
        check "$file" "$layer" "$line" "$text"
    done < <(grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<]' "$file")
done < <(find src include -name '*.[ch]' | sort)

while IFS= read -r name; do
    fail "the name $name is given twice: $(find src include tests jobs -name "$name" | sort | paste -sd' ')"
done < <(find src include tests jobs -path tests/golden -prune -o -type f -name '*.*' ! -name CMakeLists.txt \
    ! -name README.md ! -name '*.pyc' -printf '%f\n' | sort | uniq -d)

# A rule over no line at all holds, and proves nothing.
[ "$includes" -gt 0 ] || fail "no #include line found below $(pwd)"
echo "$includes include lines, $violations violations"
[ "$violations" -eq 0 ]
