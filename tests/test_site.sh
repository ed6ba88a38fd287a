#!/usr/bin/env bash
# test_site.sh: the recipes for Spack, EasyBuild and Apptainer are well-formed and name every library that CMake looks for.
set -u
cd "$(dirname "$0")/.." || exit 1
failures=0
fail() { failures=$((failures + 1)); echo "FAILED: $*"; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

for file in jobs/site/package.py jobs/site/*.eb jobs/scaling_report.py; do
  python3 - "$file" <<'P' || fail "$file: no Python"
import sys
compile(open(sys.argv[1], encoding="utf-8").read(), sys.argv[1], "exec")
P
done
version=$(sed -nE 's/^project\(resjac VERSION ([0-9.]+) .*/\1/p' CMakeLists.txt)
grep -q "version(\"$version\")" jobs/site/package.py || fail "jobs/site/package.py does not have version $version"
[ -f "jobs/site/resjac-$version-foss-2023a.eb" ] || fail "no easyconfig for version $version"

# Each library of CMake: its name in Spack, and in EasyBuild ("foss" has it already).
known="OPENBLAS:openblas:foss SCALAPACK:scalapack:foss NETCDF:netcdf-c:netCDF GSL:gsl:GSL JANSSON:jansson:Jansson YAML:libyaml:libyaml
  PCRE2:pcre2:PCRE2 UTF8PROC:utf8proc:utf8proc CRYPTO:openssl:OpenSSL CMOCKA:cmocka:"
n=0
for library in $(sed -nE 's/^ *rj_dependency\(([A-Z0-9]+) .*/\1/p' src/cmake/ResjacDependencies.cmake tests/CMakeLists.txt); do
  n=$((n + 1))
  entry=$(tr -s ' \n' '\n' <<<"$known" | grep "^$library:") || { fail "$library has no name here: add it to the recipes"; continue; }
  IFS=: read -r _ spack easybuild <<<"$entry"
  grep -q "depends_on(\"$spack[ \"@]" jobs/site/package.py || fail "jobs/site/package.py does not depend on $spack"
  [ -z "$easybuild" ] || grep -q "'$easybuild'" jobs/site/*.eb || fail "the easyconfig does not name $easybuild"
done
[ "$n" -ge 9 ] || fail "only $n libraries were found in src/cmake/ResjacDependencies.cmake"

# The definition's shell sections.
for section in post environment runscript test; do
  awk -v s="%$section" '/^%/ { on = $1 == s; next } on' jobs/site/resjac.def >"$folder/$section"
  [ -s "$folder/$section" ] || fail "jobs/site/resjac.def has no section %$section"
  bash -n "$folder/$section" || fail "jobs/site/resjac.def, %$section"
done
for script in jobs/*.sh jobs/*.sbatch tests/slurm/*.sh; do bash -n "$script" || fail "$script"; done
printf '%d libraries, %d failures\n' "$n" "$failures"
[ "$failures" = 0 ]
