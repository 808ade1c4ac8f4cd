#include "page_token.h"

#include <bit>
#include <cmath>
#include <cstdint>

#include "jcn/canonical.h"
#include "jcn/check.h"
#include "jcn/rules.h"
#include "jcn/utf8.h"

namespace jcn {
namespace {

constexpr char place_version = 1, query_version = 2;
constexpr std::size_t checksum_bytes = 4;
constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string base64url(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t held = 0;
  unsigned bits = 0;
  for (const char c : bytes) {
    held = (held << 8) | static_cast<unsigned char>(c);
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      out += alphabet[(held >> bits) & 63];
    }
  }
  if (bits > 0) out += alphabet[(held << (6 - bits)) & 63];
  return out;
}

std::optional<std::string> from_base64url(std::string_view text) {
  std::string out;
  std::uint32_t held = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const std::size_t value = alphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    held = (held << 6) | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>((held >> bits) & 255);
    }
  }
  // One text per value: what is left over are fewer than six bits, all zero.
  if (bits >= 6 || (held & ((1U << bits) - 1)) != 0) return std::nullopt;
  return out;
}

std::string checksum(std::string_view payload) {
  const Hash128 hash = hash128(payload);
  return std::string(reinterpret_cast<const char*>(hash.bytes.data()), checksum_bytes);
}

// version, checksum, payload → token, and back.
std::string seal(char version, std::string_view payload) {
  return base64url(version + checksum(payload) + std::string(payload));
}

std::optional<std::string> unseal(char version, std::string_view token) {
  auto bytes = from_base64url(token);
  if (!bytes || bytes->size() < 1 + checksum_bytes || bytes->front() != version)
    return std::nullopt;
  std::string payload = bytes->substr(1 + checksum_bytes);
  if (checksum(payload) != std::string_view(*bytes).substr(1, checksum_bytes)) return std::nullopt;
  return payload;
}

// LEB128, and texts behind their lengths.
void put_number(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}
void put_text(std::string& out, std::string_view text) {
  put_number(out, text.size());
  out += text;
}

// Takes a payload apart from its front. After anything that is not there, `ok` is false for good.
struct PayloadReader {
  std::string_view rest;
  bool ok = true;

  std::string_view bytes(std::uint64_t length) {
    if (length > rest.size()) ok = false;
    if (!ok) return {};
    const std::string_view taken = rest.substr(0, length);
    rest.remove_prefix(length);
    return taken;
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::string_view byte = bytes(1);
      if (!ok) return 0;
      value |= static_cast<std::uint64_t>(byte.front() & 0x7f) << shift;
      if ((byte.front() & 0x80) == 0) return value;
    }
    ok = false;
    return 0;
  }
  std::string_view text() { return bytes(number()); }
};

constexpr char no_value = '0', string_value = 's', other_value = 'v';

// Strings go without their escapes, which could make them six times as long.
void put_value(std::string& out, std::string_view value) {
  if (value.empty()) {
    out += no_value;
  } else if (json_type(value) == JsonType::string) {
    out += string_value;
    put_text(out, json_unquote(value));
  } else {
    out += other_value;
    put_text(out, value);
  }
}

std::optional<std::string> take_value(PayloadReader& reader) {
  const std::string_view form = reader.bytes(1);
  if (!reader.ok) return std::nullopt;
  if (form.front() == no_value) return std::string();
  const std::string_view text = reader.text();
  if (form.front() == string_value) {
    // One that was cut may end within a character.
    const std::size_t wrong = find_invalid_utf8(text);
    if (wrong != std::string_view::npos && wrong + 4 <= text.size()) return std::nullopt;
    return json_quote(text);
  }
  if (form.front() != other_value) return std::nullopt;
  auto checked = check_json(text, Limits{});
  auto* value = std::get_if<std::string>(&checked);
  if (!value || *value != text) return std::nullopt;
  const JsonType type = json_type(*value);
  if (type == JsonType::string || type == JsonType::array || type == JsonType::object)
    return std::nullopt;
  return std::move(*value);
}

}  // namespace

std::string page_token(std::string_view listing, const Place& place) {
  std::string payload(listing);
  payload += '\0';
  payload += place.first;
  payload += '\0';
  payload += place.second;
  return seal(place_version, payload);
}

std::optional<Place> read_page_token(std::string_view listing, std::string_view token) {
  const auto opened = unseal(place_version, token);
  if (!opened || !opened->starts_with(listing)) return std::nullopt;
  std::string_view payload = *opened;
  payload.remove_prefix(listing.size());
  if (payload.empty() || payload.front() != '\0') return std::nullopt;
  payload.remove_prefix(1);
  const std::size_t border = payload.find('\0');
  if (border == std::string_view::npos) return std::nullopt;
  return Place{std::string(payload.substr(0, border)), std::string(payload.substr(border + 1))};
}

std::string query_token(const Hash128& walk, const PageEnd& end) {
  std::string payload(reinterpret_cast<const char*>(walk.bytes.data()), walk.bytes.size());
  put_text(payload, end.id);
  put_value(payload, end.value);
  put_number(payload, std::bit_cast<std::uint64_t>(end.score));
  if (end.basis) {
    put_number(payload, end.basis->records);
    put_number(payload, end.basis->tokens);
    for (const std::uint64_t documents : end.basis->documents) put_number(payload, documents);
  }
  return seal(query_version, payload);
}

std::optional<PageEnd> read_query_token(const Hash128& walk, std::string_view token) {
  const auto payload = unseal(query_version, token);
  if (!payload) return std::nullopt;
  PayloadReader reader{*payload};
  if (reader.bytes(walk.bytes.size()) !=
      std::string_view(reinterpret_cast<const char*>(walk.bytes.data()), walk.bytes.size()))
    return std::nullopt;
  PageEnd end;
  end.id = reader.text();
  auto value = take_value(reader);
  if (!value) return std::nullopt;
  end.value = std::move(*value);
  end.score = std::bit_cast<double>(reader.number());
  if (!reader.rest.empty()) {
    end.basis.emplace();
    end.basis->records = reader.number();
    end.basis->tokens = reader.number();
    while (reader.ok && !reader.rest.empty()) end.basis->documents.push_back(reader.number());
  }
  if (!reader.ok || !valid_id(end.id) || std::isnan(end.score)) return std::nullopt;
  return end;
}

}  // namespace jcn
