#include "html.h"

namespace cgi::markup {

// The compiler names them; nothing calls them.
void this_literal_is_no_markup() {}
void this_attribute_is_never_written() {}
void a_value_can_not_stand_here() {}
void this_value_does_not_fit_its_place() {}
void there_are_more_or_fewer_values_than_places() {}

void append(std::string& out, std::string_view text) {
  std::size_t from = 0;
  for (std::size_t at; (at = text.find_first_of("&<>\"'", from)) != std::string_view::npos;
       from = at + 1) {
    out += text.substr(from, at - from);
    switch (text[at]) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&#34;";
        break;
      default:
        out += "&#39;";
        break;
    }
  }
  out += text.substr(from);
}

}  // namespace cgi::markup
