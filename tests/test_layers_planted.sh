#!/usr/bin/env bash
# tests/test_layers.sh passes a tree that keeps the rule, and names each violation planted in it.
set -euo pipefail
script=$(cd "$(dirname "$0")" && pwd)/test_layers.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

fresh() {
    rm -rf "${tree:?}"/*
    mkdir -p "$tree"/{src,include/resjac}/{base,linalg,weights,store,model,metrics,run,report,cli} "$tree"/{tests,jobs}
    local layer
    for layer in base linalg weights store model metrics run report; do
        echo '#include <stddef.h>' >"$tree/include/resjac/$layer/$layer.h"
    done
    put src/base/base.c 'resjac/base/base.h'
    echo '#include <stdio.h> /* "printf" */' >>"$tree/src/base/base.c"
    put src/model/model.c 'resjac/model/model.h' 'resjac/linalg/linalg.h' 'resjac/weights/weights.h'
    put src/run/run.c 'resjac/run/run.h' 'resjac/model/model.h' 'resjac/metrics/metrics.h'
    put src/cli/main.c 'resjac/run/run.h' 'resjac/report/report.h' 'resjac_build.h'
}
# put FILE HEADER..: a file that includes these.
put() {
    local file=$tree/$1
    shift
    printf '#include "%s"\n' "$@" >"$file"
}
# violates WHAT EXPECTED: the script fails on the tree and says EXPECTED.
violates() {
    local said
    if said=$(bash "$script" "$tree"); then
        echo "FAILED: $1 was not found" && exit 1
    fi
    grep -qF "$2" <<<"$said" || { printf 'FAILED: %s: "%s" is not in:\n%s\n' "$1" "$2" "$said" && exit 1; }
    echo "found: $1"
}

fresh
bash "$script" "$tree" || { echo "FAILED: a tree that keeps the rule is refused" && exit 1; }
put src/base/up.c resjac/linalg/linalg.h
violates "a lower layer that includes an upper one" "src/base/up.c:1: base may include nothing beside itself, not linalg"
fresh
put src/linalg/side.c resjac/weights/weights.h
violates "two layers of one level" "src/linalg/side.c:1: linalg may include base beside itself, not weights"
fresh
put src/metrics/side.c resjac/model/model.h
violates "metrics that knows the model" "metrics may include base, linalg beside itself, not model"
fresh
put src/report/side.c resjac/run/run.h
violates "run and report" "report may include base, store, stats beside itself, not run"
fresh
echo '  #  include <resjac/cli/main.h> /* why */' >"$tree/include/resjac/run/angle.h"
violates "angle brackets, blanks, a public header" "include/resjac/run/angle.h:1: run may include"
fresh
put src/linalg/path.c ../model/model.h
violates "a path out of the folder" "src/linalg/path.c:1: ../model/model.h"
fresh
put src/linalg/short.c model.h
violates "a name found through -I alone" "src/linalg/short.c:1: model.h is not in the file's own folder"
fresh
mkdir "$tree/src/misc"
put src/misc/a.c resjac/base/base.h
violates "a folder that is no layer" "src/misc/a.c: misc is no layer"
fresh
put src/model/base.c resjac/base/base.h
violates "one name twice" "the name base.c is given twice: src/base/base.c src/model/base.c"
fresh
find "$tree" -name '*.[ch]' -delete
violates "an empty tree" "no #include line found"
