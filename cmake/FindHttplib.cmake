# Finds cpp-httplib as a compiled library; gives Httplib::Httplib. Debian compiles it with OpenSSL, and whoever
# includes it without would see its classes in another layout (Httplib_WITHOUT_OPENSSL says that yours is so).
find_path(Httplib_INCLUDE_DIR httplib.h)
find_library(Httplib_LIBRARY cpp-httplib)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Httplib REQUIRED_VARS Httplib_LIBRARY Httplib_INCLUDE_DIR)
if(Httplib_FOUND AND NOT TARGET Httplib::Httplib)
  add_library(Httplib::Httplib UNKNOWN IMPORTED)
  set_target_properties(Httplib::Httplib PROPERTIES
    IMPORTED_LOCATION "${Httplib_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${Httplib_INCLUDE_DIR}")
  if(NOT Httplib_WITHOUT_OPENSSL)
    target_compile_definitions(Httplib::Httplib INTERFACE CPPHTTPLIB_OPENSSL_SUPPORT)
  endif()
endif()
