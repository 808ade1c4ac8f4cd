#include <optional>

#include "jcn/canonical.h"
#include "jcn/check.h"
#include "jcn/percent.h"
#include "jcn/utf8.h"

namespace jcn {
namespace {

constexpr std::size_t none = std::string_view::npos;
constexpr std::size_t max_id_bytes = 400;
constexpr std::size_t kept_of_long_path = 360;  // + '~' + 32 digits of the hash
constexpr std::size_t max_kind_bytes = 64;
constexpr std::string_view suffix = ".json";

bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool digit(char c) {
  return c >= '0' && c <= '9';
}

std::string_view without_json(std::string_view name) {
  if (name.ends_with(suffix)) name.remove_suffix(suffix.size());
  return name;
}

// "abc.views" → "abc". A word begins with a letter, so that "talk-1.5" stays whole.
std::string_view without_word(std::string_view stem) {
  const std::size_t dot = stem.rfind('.');
  if (dot == none || dot == 0 || dot + 1 == stem.size() || !letter(stem[dot + 1])) return stem;
  for (const char c : stem.substr(dot + 1)) {
    if (!letter(c) && !digit(c) && c != '_' && c != '-') return stem;
  }
  return stem.substr(0, dot);
}

// A path has no say in which bytes it is made of, so what an id can't hold is written as %NN.
std::string id_from_bytes(std::string_view bytes) {
  std::string id;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t length = utf8_length(bytes, at);
    if (length > 0 && !is_control(bytes, at, length)) {
      id.append(bytes, at, length);
      at += length;
      continue;
    }
    const std::size_t end = at + (length ? length : 1);
    for (; at < end; ++at) append_percent(id, bytes[at]);
  }
  if (id == "." || id == "..") {
    std::string dots;
    for (const char dot : id) append_percent(dots, dot);
    return dots;
  }
  if (id.size() <= max_id_bytes) return id;
  std::size_t keep = kept_of_long_path;
  while ((static_cast<unsigned char>(id[keep]) & 0xC0) == 0x80) --keep;
  return id.substr(0, keep) + '~' + hash128(id).hex();
}

// A non-empty string, or an integer's text; -0 is 0. Anything else yields nothing.
std::optional<std::string> id_from_value(std::string_view value) {
  if (json_type(value) == JsonType::string) {
    std::string text = json_unquote(value);
    if (text.empty()) return std::nullopt;
    return text;
  }
  return id_of_integer(value);
}

Reject about_id(Code code, std::string message, std::optional<std::string> pointer) {
  Reject reject;
  reject.code = code;
  reject.message = std::move(message);
  reject.pointer = std::move(pointer);
  return reject;
}

std::string why_invalid(std::string_view id) {
  if (id.size() > max_id_bytes) {
    return "an id has at most 400 bytes, this one has " + std::to_string(id.size());
  }
  if (id == "." || id == "..") return "an id can't be \".\" or \"..\"";
  return "an id can't hold control characters";
}

}  // namespace

std::optional<std::string> id_of_integer(std::string_view value) {
  if (json_type(value) != JsonType::number || value.find_first_of(".eE") != none) {
    return std::nullopt;
  }
  return std::string(value == "-0" ? "0" : value);
}

bool valid_id(std::string_view id) {
  if (id.empty() || id.size() > max_id_bytes || id == "." || id == "..") return false;
  for (std::size_t at = 0; at < id.size();) {
    const std::size_t length = utf8_length(id, at);
    if (length == 0 || is_control(id, at, length)) return false;
    at += length;
  }
  return true;
}

bool valid_kind(std::string_view kind) {
  if (kind.empty() || kind.size() > max_kind_bytes || kind[0] < 'a' || kind[0] > 'z') return false;
  for (const char c : kind) {
    if (!(c >= 'a' && c <= 'z') && !digit(c) && c != '_' && c != '-') return false;
  }
  return true;
}

std::variant<RecordKey, Reject> identify(const Rule& rule, bool prefix_path_ids,
                                         const FragmentName& name, std::string_view canonical) {
  const std::string_view path = without_json(name.path);
  const std::size_t slash = path.rfind('/');
  const std::string_view stem = path.substr(slash == none ? 0 : slash + 1);
  for (const IdSource& source : rule.id) {
    if (source.kind == IdSource::Kind::pointer) {
      const auto value = json_at(canonical, source.pointer);
      auto id = value ? id_from_value(*value) : std::nullopt;
      if (!id) continue;
      if (!valid_id(*id)) return about_id(Code::invalid_id, why_invalid(*id), source.pointer);
      return RecordKey{rule.kind, std::move(*id)};
    }
    if (stem.empty()) continue;  // the file's name is ".json"
    if (source.kind == IdSource::Kind::stem) {
      return RecordKey{rule.kind, id_from_bytes(without_word(stem))};
    }
    const std::string prefix = prefix_path_ids ? name.root + '/' : std::string();
    return RecordKey{rule.kind, id_from_bytes(prefix + std::string(path))};
  }
  std::string sources;
  for (const IdSource& source : rule.id) {
    if (!sources.empty()) sources += ", ";
    switch (source.kind) {
      case IdSource::Kind::pointer:
        sources += source.pointer;
        break;
      case IdSource::Kind::stem:
        sources += "stem";
        break;
      case IdSource::Kind::path:
        sources += "path";
        break;
    }
  }
  return about_id(
      Code::no_id,
      "none of the id's sources (" + sources + ") yields a non-empty string or an integer",
      std::nullopt);
}

}  // namespace jcn
