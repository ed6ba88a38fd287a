# Every dependency becomes a target rj::<name>. Each location can be given by hand (-DRESJAC_<NAME>_LIBRARY=..,
# -DRESJAC_<NAME>_INCLUDE=..). RESJAC_MISSING lists what was not found, one sentence each, with its Debian package;
# whoever includes this file decides what that means. Installed with the library: find_package(resjac) includes it too.

set(RESJAC_MISSING "")
set(MPI_SKIP_MPICXX TRUE)
find_package(MPI QUIET COMPONENTS C)
if(NOT MPI_C_FOUND)
  list(APPEND RESJAC_MISSING "MPI is missing: install Debian's libopenmpi-dev, load an MPI module, or set MPI_C_COMPILER.")
endif()

# rj_dependency(NAME target LIBRARIES names.. [HEADER header] DEBIAN package [PATHS dirs..] [INCLUDE_PATHS dirs..])
function(rj_dependency name target)
  if(TARGET ${target})
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 2 dep "" "HEADER;DEBIAN" "LIBRARIES;PATHS;INCLUDE_PATHS")
  find_library(RESJAC_${name}_LIBRARY NAMES ${dep_LIBRARIES} HINTS ${dep_PATHS})
  mark_as_advanced(RESJAC_${name}_LIBRARY)
  # A location given by hand is taken as it is, so whether it is there is asked here and not at the link.
  list(JOIN dep_LIBRARIES " or " names)
  set(library "${RESJAC_${name}_LIBRARY}")
  set(searched "library ${names}: ${library}")
  set(override "-DRESJAC_${name}_LIBRARY=/path/lib.so")
  set(header "")
  if(dep_HEADER) # Fortran libraries have none
    find_path(RESJAC_${name}_INCLUDE NAMES ${dep_HEADER} HINTS ${dep_INCLUDE_PATHS})
    mark_as_advanced(RESJAC_${name}_INCLUDE)
    set(header "${RESJAC_${name}_INCLUDE}/${dep_HEADER}")
    string(APPEND searched ", header: ${header}")
    string(APPEND override " -DRESJAC_${name}_INCLUDE=/path/include")
  endif()
  if(NOT EXISTS "${library}" OR (dep_HEADER AND NOT EXISTS "${header}"))
    set(missing ${RESJAC_MISSING}
        "${name} is missing (${searched}). Install Debian's ${dep_DEBIAN}, or set ${override}.")
    set(RESJAC_MISSING "${missing}" PARENT_SCOPE)
    return()
  endif()
  add_library(${target} UNKNOWN IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES IMPORTED_LOCATION "${library}")
  if(dep_HEADER)
    set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${RESJAC_${name}_INCLUDE}")
  endif()
endfunction()

set(arch ${CMAKE_LIBRARY_ARCHITECTURE})

# Debian has three builds of OpenBLAS; the OpenMP one is pinned by its folder, with DT_RPATH so that libscalapack's own
# libblas.so.3 resolves to the same build.
rj_dependency(OPENBLAS rj::openblas LIBRARIES openblas HEADER cblas.h DEBIAN libopenblas-openmp-dev
              PATHS /usr/lib/${arch}/openblas-openmp INCLUDE_PATHS /usr/include/${arch}/openblas-openmp)
if(TARGET rj::openblas)
  get_filename_component(openblas_folder "${RESJAC_OPENBLAS_LIBRARY}" DIRECTORY)
  set_target_properties(rj::openblas PROPERTIES
                        INTERFACE_LINK_OPTIONS "LINKER:--disable-new-dtags;LINKER:-rpath,${openblas_folder}")
endif()

# Statistical distributions. Its pkg-config file would add gslcblas, a second CBLAS: what GSL needs of one comes from OpenBLAS, which
# is linked before whatever CBLAS libgsl itself names.
rj_dependency(GSL rj::gsl LIBRARIES gsl HEADER gsl/gsl_cdf.h DEBIAN libgsl-dev)
if(TARGET rj::gsl)
  set_property(TARGET rj::gsl PROPERTY INTERFACE_LINK_LIBRARIES rj::openblas)
endif()

# BLACS is inside; the library must be built for the MPI found above, hence the name that says which.
rj_dependency(SCALAPACK rj::scalapack LIBRARIES scalapack-openmpi scalapack DEBIAN libscalapack-openmpi-dev)
if(TARGET rj::scalapack)
  set_property(TARGET rj::scalapack PROPERTY INTERFACE_LINK_LIBRARIES rj::openblas MPI::MPI_C)
endif()

# The parallel build of NetCDF: Debian's netcdf.pc and nc-config give the serial one.
rj_dependency(NETCDF rj::netcdf LIBRARIES netcdf_mpi netcdf HEADER netcdf_par.h DEBIAN libnetcdf-mpi-dev
              INCLUDE_PATHS /usr/lib/${arch}/netcdf/mpi/include)
if(TARGET rj::netcdf)
  set_property(TARGET rj::netcdf PROPERTY INTERFACE_LINK_LIBRARIES MPI::MPI_C)
endif()

rj_dependency(JANSSON rj::jansson LIBRARIES jansson HEADER jansson.h DEBIAN libjansson-dev)
rj_dependency(CRYPTO rj::crypto LIBRARIES crypto HEADER openssl/evp.h DEBIAN libssl-dev)
rj_dependency(PCRE2 rj::pcre2 LIBRARIES pcre2-8 HEADER pcre2.h DEBIAN libpcre2-dev)
rj_dependency(UTF8PROC rj::utf8proc LIBRARIES utf8proc HEADER utf8proc.h DEBIAN libutf8proc-dev)
rj_dependency(YAML rj::yaml LIBRARIES yaml HEADER yaml.h DEBIAN libyaml-dev)
if(RESJAC_TESTS)
  rj_dependency(CMOCKA rj::cmocka LIBRARIES cmocka HEADER cmocka.h DEBIAN libcmocka-dev)
endif()
