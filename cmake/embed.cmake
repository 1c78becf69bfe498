# Embeds the page's style sheet and script (libsipana/render/page) into a C++ source.
#   include(embed)           gives sipana_embed_page(<variable>): the source to compile
#   cmake -DPAGE=... -DOUT=... -P embed.cmake    writes that source (the build calls it so)
if(CMAKE_SCRIPT_MODE_FILE)
  file(READ "${PAGE}/colors.css" colors)
  file(READ "${PAGE}/figure.css" figure)
  file(READ "${PAGE}/report.css" report)
  file(READ "${PAGE}/refusals.css" refusals)
  file(READ "${PAGE}/live.css" live_style)
  file(READ "${PAGE}/report.js" script)
  # The live page's script goes on within the report's, whose functions it uses.
  file(READ "${PAGE}/live.js" live_part)
  string(REGEX REPLACE "}\\)\\(\\);\n$" "" live_script "${script}")
  string(APPEND live_script "${live_part}})();\n")
  string(SHA256 style_hash "${colors}${figure}${report}")
  string(SHA256 refusals_hash "${colors}${figure}${report}${refusals}")
  string(SHA256 script_hash "${script}")
  string(SHA256 live_style_hash "${colors}${figure}${report}${live_style}")
  string(SHA256 live_script_hash "${live_script}")
  foreach(part IN ITEMS colors figure report refusals script live_style live_script)
    # A page is UTF-8 text; the delimiter must not occur in it. (No macros: g++ 12 has no multi-line raw strings there.)
    if("${${part}}" MATCHES "\\)page\"")
      message(FATAL_ERROR "${part}: holds the delimiter of the raw string")
    endif()
  endforeach()
  file(WRITE "${OUT}" "// Made by cmake/embed.cmake from libsipana/render/page.
#include \"libsipana/render/page.h\"
namespace sipana::render {
std::string_view figure_style() { return R\"page(${colors}${figure})page\"; }
std::string_view page_style() { return R\"page(${colors}${figure}${report})page\"; }
std::string_view refusals_style() { return R\"page(${colors}${figure}${report}${refusals})page\"; }
std::string_view refusals_style_sha256() { return \"${refusals_hash}\"; }
std::string_view page_script() { return R\"page(${script})page\"; }
std::string_view page_style_sha256() { return \"${style_hash}\"; }
std::string_view page_script_sha256() { return \"${script_hash}\"; }
std::string_view live_style() { return R\"page(${colors}${figure}${report}${live_style})page\"; }
std::string_view live_style_sha256() { return \"${live_style_hash}\"; }
std::string_view live_script() { return R\"page(${live_script})page\"; }
std::string_view live_script_sha256() { return \"${live_script_hash}\"; }
}  // namespace sipana::render
")
  return()
endif()

function(sipana_embed_page variable)
  set(page "${CMAKE_CURRENT_SOURCE_DIR}/libsipana/render/page")
  set(out "${CMAKE_CURRENT_BINARY_DIR}/page_files.cpp")
  set(script "${CMAKE_CURRENT_SOURCE_DIR}/cmake/embed.cmake")
  add_custom_command(OUTPUT "${out}"
    COMMAND ${CMAKE_COMMAND} "-DPAGE=${page}" "-DOUT=${out}" -P "${script}"
    DEPENDS "${page}/colors.css" "${page}/figure.css" "${page}/report.css" "${page}/refusals.css" "${page}/report.js"
            "${page}/live.css" "${page}/live.js" "${script}"
    VERBATIM)
  set(${variable} "${out}" PARENT_SCOPE)
endfunction()
