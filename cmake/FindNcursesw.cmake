# Finds ncurses for wide characters; gives Ncursesw::Ncursesw.
find_path(Ncursesw_INCLUDE_DIR curses.h)
find_library(Ncursesw_LIBRARY ncursesw)
find_library(Ncursesw_tinfo tinfo)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Ncursesw REQUIRED_VARS Ncursesw_LIBRARY Ncursesw_INCLUDE_DIR)
if(Ncursesw_FOUND AND NOT TARGET Ncursesw::Ncursesw)
  add_library(Ncursesw::Ncursesw UNKNOWN IMPORTED)
  set_target_properties(Ncursesw::Ncursesw PROPERTIES
    IMPORTED_LOCATION "${Ncursesw_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${Ncursesw_INCLUDE_DIR}")
  if(Ncursesw_tinfo)
    set_property(TARGET Ncursesw::Ncursesw PROPERTY INTERFACE_LINK_LIBRARIES "${Ncursesw_tinfo}")
  endif()
endif()
