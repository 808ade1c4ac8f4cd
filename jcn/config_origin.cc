#include "config_origin.h"

#include <cstdio>

namespace jcn {
namespace {

void add_line(std::string& out, std::string_view key, std::string_view value,
              std::string_view origin) {
  out.append(key).append(" = ").append(value).append("  # ").append(origin).append("\n");
}

// A path that is not set is no path: its line is there, as a remark.
bool is_unset(const OptionRow& row, const OptionValue& value) {
  return row.type == OptionType::path && std::get<std::string>(value).empty();
}

void add_roots(std::string& out, const DaemonConfig& config, const Origins& origins) {
  std::size_t number = 0;
  for (const Origins::Table& table : origins.tables) {
    if (table.section != "root") continue;
    const RootConfig& root = config.roots[number++];
    out += "\n[[root]]  # " + table.origin + "\n";
    // A name that is given would become part of ids that are paths.
    if (root.named) {
      out += "name = " + toml_string(root.name) + "\n";
    } else {
      out += "#name = " + toml_string(root.name) + "  # the folder's\n";
    }
    out += "path = " + toml_string(root.path) + "\n";
    if (root.poll) out += "poll = true\n";
  }
}

}  // namespace

void Origins::note(const OptionRow& row, std::string origin) {
  std::string& known = options[&row];
  if (row.type != OptionType::texts || known.empty()) {
    known = std::move(origin);
  } else if (!known.ends_with(origin)) {  // an option that is given again
    known += ", " + origin;
  }
}

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.append(1, '\\').append(1, c);
    } else if (byte < 0x20 || byte == 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04X", byte);
      out += escaped;
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string toml_text(const OptionValue& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* text = std::get_if<std::string>(&value)) return toml_string(*text);
  std::string out = "[";
  for (const std::string& text : std::get<std::vector<std::string>>(value)) {
    if (out.size() > 1) out += ", ";
    out += toml_string(text);
  }
  return out + "]";
}

std::string print_config(const DaemonConfig& config, const Origins& origins) {
  std::string out;
  std::string_view section;
  for (const OptionRow& row : option_table()) {
    if (row.get == nullptr) continue;
    if (row.section != section) {
      section = row.section;
      out.append("\n[").append(section).append("]\n");
    }
    const OptionValue value = row.get(config);
    if (is_unset(row, value)) out += '#';
    const auto given = origins.options.find(&row);
    add_line(out, row.key, toml_text(value),
             given == origins.options.end() ? "default" : std::string_view(given->second));
  }
  add_roots(out, config, origins);
  for (const Origins::Table& table : origins.tables) {
    if (table.section == "root") continue;
    out += "\n[[" + table.section + "]]  # " + table.origin + "\n";
    for (const Origins::Member& member : table.members)
      add_line(out, member.key, member.value, member.origin);
  }
  return out;
}

}  // namespace jcn
