#include "uri.h"

namespace jcn {
namespace {

constexpr std::size_t none = std::string_view::npos;

bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool digit(char c) {
  return c >= '0' && c <= '9';
}
int hex_value(char c) {
  if (digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Length of "scheme:", or 0.
std::size_t scheme_length(std::string_view text) {
  if (text.empty() || !letter(text.front())) return 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ':') return i + 1;
    if (!letter(c) && !digit(c) && c != '+' && c != '-' && c != '.') return 0;
  }
  return 0;
}

struct Pieces {
  std::string_view scheme;     // with ':'
  std::string_view authority;  // with "//"
  std::string_view path;
  std::string_view query;  // with '?'
};

Pieces take_apart(std::string_view uri) {
  Pieces pieces;
  const auto take = [&uri](std::size_t length) {
    const std::string_view taken = uri.substr(0, length);
    uri.remove_prefix(taken.size());
    return taken;
  };
  pieces.scheme = take(scheme_length(uri));
  if (uri.starts_with("//")) pieces.authority = take(uri.find_first_of("/?", 2));
  pieces.path = take(uri.find('?'));
  pieces.query = uri;
  return pieces;
}

// RFC 3986 §5.2.4.
std::string without_dot_segments(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    if (path.starts_with("../")) {
      path.remove_prefix(3);
    } else if (path.starts_with("./") || path.starts_with("/./")) {
      path.remove_prefix(2);
    } else if (path == "/." || path == "/..") {
      if (path.size() == 3) out.erase(out.rfind('/') == none ? 0 : out.rfind('/'));
      out += '/';
      return out;
    } else if (path.starts_with("/../")) {
      path.remove_prefix(3);
      out.erase(out.rfind('/') == none ? 0 : out.rfind('/'));
    } else if (path == "." || path == "..") {
      return out;
    } else {
      const std::size_t end = std::min(path.find('/', 1), path.size());
      out += path.substr(0, end);
      path.remove_prefix(end);
    }
  }
  return out;
}

bool allowed(std::string_view text, std::string_view besides) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (letter(c) || digit(c) || std::string_view("-._~!$&'()*+,;=:@").find(c) != none) continue;
    if (besides.find(c) != none) continue;
    if (c != '%' || text.size() - i < 3 || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0)
      return false;
    i += 2;
  }
  return true;
}

// "//user@host:port"; a literal address stands in brackets.
bool authority_allowed(std::string_view authority) {
  if (authority.empty()) return true;
  authority.remove_prefix(2);
  const std::size_t at = authority.rfind('@');
  if (at != none) {
    if (!allowed(authority.substr(0, at), "")) return false;
    authority.remove_prefix(at + 1);
  }
  std::string_view host = authority;
  if (const std::size_t colon = host.rfind(':'); colon != none && host.find(']', colon) == none) {
    for (const char c : host.substr(colon + 1)) {
      if (!digit(c)) return false;
    }
    host = host.substr(0, colon);
  }
  if (host.starts_with('[')) {
    return host.ends_with(']') && allowed(host.substr(1, host.size() - 2), "");
  }
  return host.find(':') == none && host.find('@') == none && allowed(host, "");
}

bool well_formed(std::string_view text) {
  const UriParts parts = split_uri(text);
  const Pieces pieces = take_apart(parts.document);
  if (pieces.scheme.empty() && pieces.authority.empty()) {
    // A colon in the first segment of a relative path would read as a scheme.
    const std::string_view first = pieces.path.substr(0, pieces.path.find('/'));
    if (first.find(':') != none) return false;
  }
  return authority_allowed(pieces.authority) && allowed(pieces.path, "/") &&
         (pieces.query.empty() || allowed(pieces.query.substr(1), "/?")) &&
         (!parts.fragment || allowed(*parts.fragment, "/?"));
}

}  // namespace

UriParts split_uri(std::string_view reference) {
  const std::size_t hash = reference.find('#');
  if (hash == none) return {reference, std::nullopt};
  return {reference.substr(0, hash), reference.substr(hash + 1)};
}

std::string resolve_uri(std::string_view base, std::string_view reference) {
  const Pieces from = take_apart(split_uri(base).document);
  const Pieces to = take_apart(split_uri(reference).document);
  std::string out;
  const auto join = [&out](const Pieces& start, std::string_view authority, std::string_view path,
                           std::string_view query) {
    out += start.scheme;
    out += authority;
    out += without_dot_segments(path);
    out += query;
  };
  if (!to.scheme.empty()) {
    join(to, to.authority, to.path, to.query);
  } else if (!to.authority.empty()) {
    join(from, to.authority, to.path, to.query);
  } else if (to.path.empty()) {
    join(from, from.authority, from.path, to.query.empty() ? from.query : to.query);
  } else if (to.path.starts_with('/')) {
    join(from, from.authority, to.path, to.query);
  } else {
    const std::size_t slash = from.path.rfind('/');
    std::string path(from.path.substr(0, slash == none ? 0 : slash + 1));
    if (path.empty() && !from.authority.empty()) path = "/";
    path += to.path;
    join(from, from.authority, path, to.query);
  }
  return out;
}

std::optional<std::string> decode_fragment(std::string_view fragment) {
  std::string out;
  for (std::size_t i = 0; i < fragment.size(); ++i) {
    if (fragment[i] != '%') {
      out += fragment[i];
      continue;
    }
    if (fragment.size() - i < 3) return std::nullopt;
    const int high = hex_value(fragment[i + 1]), low = hex_value(fragment[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

bool is_uri(std::string_view text) {
  return scheme_length(text) > 0 && well_formed(text);
}

bool is_uri_reference(std::string_view text) {
  return well_formed(text);
}

}  // namespace jcn
