# rj_build_info: the folder of resjac_build.h, what `resjac version` and the provenance of a result say of the build.
# The header is looked at in every build, because the commit may have moved, and rewritten only where it changed.

string(TOUPPER "${CMAKE_BUILD_TYPE}" upper_type)
string(STRIP "${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_${upper_type}} -ffp-contract=off" flags)
add_custom_target(rj_build_header
  COMMAND ${CMAKE_COMMAND}
          "-DSOURCE_FOLDER=${PROJECT_SOURCE_DIR}"
          "-DHEADER=${PROJECT_BINARY_DIR}/generated/resjac_build.h"
          "-DVERSION=${PROJECT_VERSION}"
          "-DCOMPILER=${CMAKE_C_COMPILER_ID} ${CMAKE_C_COMPILER_VERSION}"
          "-DBUILD_TYPE=${CMAKE_BUILD_TYPE} (${flags})"
          "-DBLAS_LIBRARY=${RESJAC_OPENBLAS_LIBRARY}"
          "-DSCALAPACK_LIBRARY=${RESJAC_SCALAPACK_LIBRARY}"
          "-DNETCDF_LIBRARY=${RESJAC_NETCDF_LIBRARY}"
          -P ${CMAKE_CURRENT_LIST_DIR}/write_build_header.cmake
  BYPRODUCTS ${PROJECT_BINARY_DIR}/generated/resjac_build.h
  COMMENT "Looking at resjac_build.h" VERBATIM)
add_library(rj_build_info INTERFACE)
target_include_directories(rj_build_info INTERFACE ${PROJECT_BINARY_DIR}/generated)
add_dependencies(rj_build_info rj_build_header)
