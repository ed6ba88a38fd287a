#!/usr/bin/env bash
# The installed tree serves a programme that knows nothing of this one, through find_package and through pkg-config.
# Usage: tests/test_install.sh BUILD_FOLDER C_COMPILER [C_FLAGS]
set -euo pipefail
build=$1 compiler=$2 flags=${3:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
die() { echo "FAILED: $*" && exit 1; }

cmake --install "$build" --prefix "$work/prefix" >"$work/log" || { cat "$work/log"; die "cmake --install"; }
mkdir "$work/consumer"
cat >"$work/consumer/main.c" <<'C'
#include <resjac/base/agree.h>
#include <resjac/store/schema.h>
#include <stdio.h>
int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm comm = rj_comm_dup(MPI_COMM_WORLD);
    rj_status st = rj_agree(comm, RJ_OK);
    printf("%s %d\n", rj_dim_name(RJ_DIM_PROMPT), rj_status_exit(st));
    MPI_Comm_free(&comm);
    return MPI_Finalize();
}
C
cat >"$work/consumer/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.20)
project(consumer LANGUAGES C)
find_package(resjac 0.1 REQUIRED)
add_executable(consumer main.c)
target_link_libraries(consumer PRIVATE resjac::report resjac::run)
CMAKE

# The tree is used from where it was moved to: nothing in it may point at where it was installed.
mv "$work/prefix" "$work/moved"
cmake -S "$work/consumer" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/moved" -DCMAKE_C_COMPILER="$compiler" \
    -DCMAKE_C_FLAGS="$flags" >"$work/log" 2>&1 || { cat "$work/log"; die "find_package(resjac)"; }
cmake --build "$work/build" >"$work/log" 2>&1 || { cat "$work/log"; die "a programme through find_package"; }
if cmake -S "$work/consumer" -B "$work/missing" -DCMAKE_PREFIX_PATH="$work/moved" -DCMAKE_C_COMPILER="$compiler" \
    -DRESJAC_YAML_LIBRARY=/nowhere/libyaml.so >"$work/log" 2>&1; then
    die "find_package took a libyaml that is not there"
fi
grep -q "libyaml-dev" "$work/log" || { cat "$work/log"; die "a dependency missing at the consumer is not named"; }

PKG_CONFIG_PATH=$(dirname "$(find "$work/moved" -name resjac.pc)")
export PKG_CONFIG_PATH
version=$(pkg-config --modversion resjac)
[ "$version" = "$(sed -n 's/^project(resjac VERSION \([0-9.]*\).*/\1/p' "$(dirname "$0")/../CMakeLists.txt")" ] ||
    die "resjac.pc says version $version"
read -ra words <<<"$flags $(pkg-config --cflags resjac)"
read -ra libraries <<<"$(pkg-config --static --libs resjac)"
"$compiler" "${words[@]}" "$work/consumer/main.c" -o "$work/through-pc" "${libraries[@]}" || die "a programme through pkg-config"

# These programmes start MPI, whose own leaks are not the question here.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
for program in "$work/build/consumer" "$work/through-pc"; do
    said=$("$program") || die "$program ends in $?"
    [ "$said" = "prompt 0" ] || die "$program says: $said"
done
if [ -x "$work/moved/bin/resjac" ]; then
    openblas=$(ldd "$work/moved/bin/resjac" | sed -n 's/.*libopenblas.* => \([^ ]*\) .*/\1/p')
    [ "$openblas" = "$(ldd "$build/resjac" | sed -n 's/.*libopenblas.* => \([^ ]*\) .*/\1/p')" ] ||
        die "the installed resjac runs with $openblas, the built one does not"
    "$work/moved/bin/resjac" version >/dev/null || die "the installed resjac does not start"
    [ -s "$work/moved/share/man/man1/resjac.1" ] || die "the manual page is not installed"
fi
echo "find_package and resjac.pc both build a programme that runs"
