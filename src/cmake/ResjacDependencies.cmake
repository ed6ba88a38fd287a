# Every dependency becomes a target rj::<name>. Each location can be given by hand (-DRESJAC_<NAME>_LIBRARY=..,
# -DRESJAC_<NAME>_INCLUDE=..); what is missing is named with its Debian package.

set(MPI_SKIP_MPICXX TRUE)
find_package(MPI COMPONENTS C)
if(NOT MPI_C_FOUND)
  message(FATAL_ERROR "MPI is missing: install Debian's libopenmpi-dev, load an MPI module, or set MPI_C_COMPILER.")
endif()

# rj_dependency(NAME target LIBRARIES names.. HEADER header DEBIAN package [PATHS dirs..] [INCLUDE_PATHS dirs..])
function(rj_dependency name target)
  cmake_parse_arguments(PARSE_ARGV 2 dep "" "HEADER;DEBIAN" "LIBRARIES;PATHS;INCLUDE_PATHS")
  find_library(RESJAC_${name}_LIBRARY NAMES ${dep_LIBRARIES} HINTS ${dep_PATHS})
  find_path(RESJAC_${name}_INCLUDE NAMES ${dep_HEADER} HINTS ${dep_INCLUDE_PATHS})
  mark_as_advanced(RESJAC_${name}_LIBRARY RESJAC_${name}_INCLUDE)
  if(NOT RESJAC_${name}_LIBRARY OR NOT RESJAC_${name}_INCLUDE)
    list(JOIN dep_LIBRARIES " or " names)
    message(FATAL_ERROR "${name} is missing (library ${names}: ${RESJAC_${name}_LIBRARY}; ${dep_HEADER}: "
            "${RESJAC_${name}_INCLUDE}). Install Debian's ${dep_DEBIAN}, or set -DRESJAC_${name}_LIBRARY=/path/lib.so "
            "-DRESJAC_${name}_INCLUDE=/path/include.")
  endif()
  add_library(${target} UNKNOWN IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES IMPORTED_LOCATION "${RESJAC_${name}_LIBRARY}"
                        INTERFACE_INCLUDE_DIRECTORIES "${RESJAC_${name}_INCLUDE}")
endfunction()

set(arch ${CMAKE_LIBRARY_ARCHITECTURE})

# Debian has three builds of OpenBLAS; the OpenMP one is pinned by its folder, with DT_RPATH so that libscalapack's own
# libblas.so.3 resolves to the same build.
rj_dependency(OPENBLAS rj::openblas LIBRARIES openblas HEADER cblas.h DEBIAN libopenblas-openmp-dev
              PATHS /usr/lib/${arch}/openblas-openmp INCLUDE_PATHS /usr/include/${arch}/openblas-openmp)
get_filename_component(openblas_folder "${RESJAC_OPENBLAS_LIBRARY}" DIRECTORY)
set_target_properties(rj::openblas PROPERTIES
                      INTERFACE_LINK_OPTIONS "LINKER:--disable-new-dtags;LINKER:-rpath,${openblas_folder}")

# The parallel build of NetCDF: Debian's netcdf.pc and nc-config give the serial one.
rj_dependency(NETCDF rj::netcdf LIBRARIES netcdf_mpi netcdf HEADER netcdf_par.h DEBIAN libnetcdf-mpi-dev
              INCLUDE_PATHS /usr/lib/${arch}/netcdf/mpi/include)
set_property(TARGET rj::netcdf PROPERTY INTERFACE_LINK_LIBRARIES MPI::MPI_C)

rj_dependency(JANSSON rj::jansson LIBRARIES jansson HEADER jansson.h DEBIAN libjansson-dev)
rj_dependency(CRYPTO rj::crypto LIBRARIES crypto HEADER openssl/evp.h DEBIAN libssl-dev)
rj_dependency(PCRE2 rj::pcre2 LIBRARIES pcre2-8 HEADER pcre2.h DEBIAN libpcre2-dev)
rj_dependency(YAML rj::yaml LIBRARIES yaml HEADER yaml.h DEBIAN libyaml-dev)
if(RESJAC_TESTS)
  rj_dependency(CMOCKA rj::cmocka LIBRARIES cmocka HEADER cmocka.h DEBIAN libcmocka-dev)
endif()
