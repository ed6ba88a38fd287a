#!/usr/bin/env bash
# A dependency that is not there stops the configuration, named with its Debian package and the options that override it.
# Usage: tests/test_missing_dependency.sh C_COMPILER
set -euo pipefail
source=$(cd "$(dirname "$0")/.." && pwd)
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

if said=$(cmake -S "$source" -B "$build" -DCMAKE_C_COMPILER="$1" -DRESJAC_TESTS=OFF \
    -DRESJAC_JANSSON_LIBRARY=/nowhere/libjansson.so -DRESJAC_PCRE2_INCLUDE=/nowhere \
    -DRESJAC_SCALAPACK_LIBRARY=/nowhere/libscalapack.so 2>&1); then
    echo "FAILED: configured although three dependencies are not there" && exit 1
fi
said=$(tr -s ' \n' ' ' <<<"$said") # CMake folds long lines
for expected in "JANSSON is missing (library jansson: /nowhere/libjansson.so," "Install Debian's libjansson-dev," \
    "-DRESJAC_JANSSON_LIBRARY=/path/lib.so -DRESJAC_JANSSON_INCLUDE=/path/include" \
    "SCALAPACK is missing (library scalapack-openmpi or scalapack: /nowhere/libscalapack.so). Install" \
    "PCRE2 is missing" "header: /nowhere/pcre2.h" "libpcre2-dev"; do
    grep -qF -e "$expected" <<<"$said" || { printf 'FAILED: "%s" is not in:\n%s\n' "$expected" "$said" && exit 1; }
done
for other in OPENBLAS NETCDF CRYPTO UTF8PROC YAML; do
    if grep -qF "$other is missing" <<<"$said"; then echo "FAILED: $other is there, and called missing" && exit 1; fi
done
echo "the three missing dependencies are named"
