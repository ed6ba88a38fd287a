# Spack recipe. There is no release archive yet: it builds the clone in which it stands (docs/clusters.md, "Spack").
from spack.package import *


class Resjac(CMakePackage):
    """Residual Jacobians of the blocks of large language models, and how far blocks share their singular directions."""

    homepage = "https://arxiv.org/abs/2407.07810"
    license("GPL-3.0-or-later")

    version("0.1.0")

    variant("tests", default=False, description="Build the tests")
    variant("figures", default=True, description="gnuplot for resjac report")

    depends_on("c", type="build")
    depends_on("cmake@3.20:", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("mpi@3:")
    depends_on("openblas ~ilp64 threads=openmp")  # dimensions are int; one OpenMP runtime in a process
    depends_on("scalapack")
    depends_on("netcdf-c +mpi")
    depends_on("gsl")
    depends_on("jansson")
    depends_on("libyaml")
    depends_on("pcre2")
    depends_on("utf8proc")
    depends_on("openssl")
    depends_on("cmocka", when="+tests")
    depends_on("python@3.6:", when="+tests", type="build")
    depends_on("gnuplot", when="+figures", type="run")

    conflicts("%clang", msg="clang's OpenMP runtime would stand beside that of OpenBLAS: build with gcc")

    def cmake_args(self):
        openblas = self.spec["openblas"]
        return [
            self.define_from_variant("RESJAC_TESTS", "tests"),
            self.define("RESJAC_WERROR", False),
            self.define("MPI_C_COMPILER", self.spec["mpi"].mpicc),
            self.define("RESJAC_OPENBLAS_LIBRARY", openblas.libs[0]),
            self.define("RESJAC_OPENBLAS_INCLUDE", openblas.prefix.include),
        ]
