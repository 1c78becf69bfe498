# Finds libtins; gives Tins::Tins.
find_path(Tins_INCLUDE_DIR tins/tins.h)
find_library(Tins_LIBRARY tins)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Tins REQUIRED_VARS Tins_LIBRARY Tins_INCLUDE_DIR)
if(Tins_FOUND AND NOT TARGET Tins::Tins)
  add_library(Tins::Tins UNKNOWN IMPORTED)
  set_target_properties(Tins::Tins PROPERTIES
    IMPORTED_LOCATION "${Tins_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${Tins_INCLUDE_DIR}")
endif()
