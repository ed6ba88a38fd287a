# What `cmake --install` puts where: the programme, the layers' libraries and headers, find_package(resjac), resjac.pc.
# RESJAC_LAYERS: all layer libraries, lower ones first.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(config_folder ${CMAKE_INSTALL_LIBDIR}/cmake/resjac)

foreach(layer IN LISTS RESJAC_LAYERS)
  string(REGEX REPLACE "^rj_" "" export_name ${layer})
  set_target_properties(${layer} PROPERTIES EXPORT_NAME ${export_name})
endforeach()
set_target_properties(rj_flags PROPERTIES EXPORT_NAME flags)
install(TARGETS rj_flags ${RESJAC_LAYERS} EXPORT resjac_targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/resjac DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.h)
install(EXPORT resjac_targets NAMESPACE resjac:: FILE resjacTargets.cmake DESTINATION ${config_folder})
if(TARGET resjac)
  # The install step would strip the path to the pinned OpenBLAS, which the link added, as one of the build tree.
  set_target_properties(resjac PROPERTIES INSTALL_RPATH_USE_LINK_PATH TRUE)
  install(TARGETS resjac RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(FILES docs/resjac.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()

# The locations found here are the consumer's defaults.
set(RESJAC_LOCATIONS "")
foreach(name OPENBLAS SCALAPACK NETCDF GSL JANSSON CRYPTO PCRE2 UTF8PROC YAML)
  foreach(kind LIBRARY INCLUDE)
    string(APPEND RESJAC_LOCATIONS "resjac_location(RESJAC_${name}_${kind} \"${RESJAC_${name}_${kind}}\")\n")
  endforeach()
endforeach()
configure_package_config_file(src/cmake/resjacConfig.cmake.in resjacConfig.cmake INSTALL_DESTINATION ${config_folder})
write_basic_package_version_file(resjacConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/resjacConfig.cmake ${PROJECT_BINARY_DIR}/resjacConfigVersion.cmake
              src/cmake/ResjacDependencies.cmake DESTINATION ${config_folder})

# pkg-config: the layers, upper ones first as a static link needs them, then everything that they need as --static adds it.
set(PC_LIBS "")
foreach(layer IN LISTS RESJAC_LAYERS)
  get_target_property(type ${layer} TYPE)
  if(type STREQUAL STATIC_LIBRARY)
    set(PC_LIBS "-l${layer} ${PC_LIBS}")
  endif()
endforeach()
set(PC_LIBS_PRIVATE "${RESJAC_YAML_LIBRARY} ${RESJAC_PCRE2_LIBRARY} ${RESJAC_UTF8PROC_LIBRARY} ${RESJAC_NETCDF_LIBRARY} \
${RESJAC_JANSSON_LIBRARY} ${RESJAC_CRYPTO_LIBRARY} ${RESJAC_GSL_LIBRARY} ${RESJAC_SCALAPACK_LIBRARY} ${RESJAC_OPENBLAS_LIBRARY} \
-Wl,--disable-new-dtags -Wl,-rpath,${openblas_folder}")
foreach(library IN LISTS MPI_C_LIBRARIES)
  string(APPEND PC_LIBS_PRIVATE " ${library}")
endforeach()
string(APPEND PC_LIBS_PRIVATE " -lm")
file(RELATIVE_PATH PC_UP /${CMAKE_INSTALL_LIBDIR}/pkgconfig /) # the tree may be moved, or installed by --prefix
set(PC_CFLAGS "")
set(folders ${MPI_C_INCLUDE_DIRS} ${RESJAC_JANSSON_INCLUDE})
list(REMOVE_ITEM folders ${CMAKE_C_IMPLICIT_INCLUDE_DIRECTORIES})
foreach(folder IN LISTS folders)
  string(APPEND PC_CFLAGS " -I${folder}")
endforeach()
configure_file(src/cmake/resjac.pc.in resjac.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/resjac.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
