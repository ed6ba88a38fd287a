# cmake -DSOURCE_FOLDER=.. -DHEADER=.. -DVERSION=.. [..] -P write_build_header.cmake, at build time.

set(GIT_HASH unknown)
# Not where only a folder above is a repository: a release unpacked inside one is not its commit.
if(EXISTS ${SOURCE_FOLDER}/.git)
  find_program(GIT git)
  if(GIT)
    # A build as root of a folder that is another user's is no reason to distrust it; no lock is left to disturb anyone.
    execute_process(COMMAND ${GIT} -c safe.directory=${SOURCE_FOLDER} -C ${SOURCE_FOLDER} --no-optional-locks
                            describe --always --dirty --exclude=* --abbrev=40
                    RESULT_VARIABLE result OUTPUT_VARIABLE hash ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(result EQUAL 0 AND hash)
      set(GIT_HASH ${hash})
    endif()
  endif()
endif()
foreach(fact COMPILER BUILD_TYPE BLAS_LIBRARY SCALAPACK_LIBRARY NETCDF_LIBRARY)
  string(REGEX REPLACE "([\"\\])" "\\\\\\1" ${fact} "${${fact}}")
endforeach()
configure_file(${CMAKE_CURRENT_LIST_DIR}/resjac_build.h.in ${HEADER} @ONLY)
