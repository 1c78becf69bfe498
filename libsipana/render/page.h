// The page's own style sheet and script: page/*.css and page/*.js, embedded by cmake/embed.cmake.
#pragma once

#include <string>
#include <string_view>

namespace sipana::render {

std::string_view
figure_style();                  // page/colors.css and figure.css: all that a stand-alone SVG needs
std::string_view page_style();   // the same with report.css
std::string_view page_script();  // page/report.js
// SHA-256 of the two above, 64 hexadecimal digits, computed while building.
std::string_view page_style_sha256();
std::string_view page_script_sha256();
std::string_view refusals_style();  // page_style() with page/refusals.css, for the page of refusals
std::string_view refusals_style_sha256();
std::string_view live_style();   // page_style() with page/live.css, for the live page
std::string_view live_script();  // page_script() that goes on with page/live.js
std::string_view live_style_sha256();
std::string_view live_script_sha256();

// "sha256-..." as a Content-Security-Policy names it (CSP 3, 2.3.1): the digest in base64.
std::string csp_source(std::string_view sha256_hex);

}  // namespace sipana::render
