# shellcheck shell=bash
# mpi_environment RANKS: what Open MPI needs on a single machine, where it needs it; other MPIs ignore it. Sourced.

mpi_environment() {
    # One thread a rank, and no rank bound to a core: two ranks of a binding mpirun started twice share one core.
    export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} OPENBLAS_NUM_THREADS=${OPENBLAS_NUM_THREADS:-1}
    # Zen 4 takes 512 bits in two halves: OpenBLAS's kernels of 256 are 5 % faster there (docs/clusters.md).
    if [ -z "${OPENBLAS_CORETYPE:-}" ] && grep -q AuthenticAMD /proc/cpuinfo && grep -qw avx512f /proc/cpuinfo &&
        grep -q '^cpu family.*: 25$' /proc/cpuinfo; then
        export OPENBLAS_CORETYPE=Haswell
    fi
    export OMPI_MCA_hwloc_base_binding_policy=${OMPI_MCA_hwloc_base_binding_policy:-none}
    if [ "$(id -u)" -eq 0 ]; then # a container's usual user
        export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    fi
    if [ "$1" -gt "$(nproc)" ]; then # more ranks than cores: allowed, and they must not spin while they wait
        export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
    fi
}
