#!/usr/bin/env bash
# Installs the Debian packages that resjac needs, those that are missing. Usage: bash jobs/install-packages.sh [run|tests]
#   run    to build and run (default)
#   tests  also to test; as root with a private Slurm (tests/slurm), whose services do not start by themselves
# Without root it prints the command and ends with 69; on a system without dpkg it says so and ends with 0: there CMake
# names what is missing (docs/clusters.md).
set -euo pipefail

packages=(
    gcc libc6-dev cmake ninja-build pkg-config
    libopenmpi-dev openmpi-bin       # MPI
    libopenblas-openmp-dev           # BLAS and LAPACK
    libscalapack-openmpi-dev         # ScaLAPACK and BLACS
    libnetcdf-mpi-dev                # results
    libgsl-dev                       # statistical distributions
    libjansson-dev libyaml-dev       # JSON of checkpoints, YAML of decks
    libpcre2-dev libutf8proc-dev     # tokenizers: pre-tokenizers, normalization form C
    libssl-dev                       # libcrypto: SHA-256
    libcmocka-dev                    # the release preset configures the tests too
    gnuplot-nox                      # figures
    python3 python3-pip ca-certificates # pip fetches the quickstart's model
)
case ${1:-run} in
    run) ;;
    tests)
        packages+=(clang chromium groff) # groff and chromium: the manual and the report are read as people read them
        [ "$(id -u)" -ne 0 ] || packages+=(slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge) ;;
    *) echo "usage: bash jobs/install-packages.sh [run|tests]" >&2 && exit 64 ;;
esac

if ! command -v dpkg-query >/dev/null; then
    echo "packages: no Debian system; the libraries must come from elsewhere (docs/clusters.md)"
    exit 0
fi
missing=()
for package in "${packages[@]}"; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
    echo "packages: all ${#packages[@]} are installed"
    exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "packages: ${#missing[@]} are missing and this is not root. Run, then start again:" >&2
    echo "    sudo apt-get update && sudo apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 69
fi
echo "packages: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ "${1:-run}" = tests ] && [ ! -e "$policy" ]; then # 101 forbids Debian to start what it installs
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}"
