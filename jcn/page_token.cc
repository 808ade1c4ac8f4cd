#include "page_token.h"

#include <cstdint>

#include "jcn/record.h"

namespace jcn {
namespace {

constexpr char version = 1;
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

}  // namespace

std::string page_token(std::string_view listing, const Place& place) {
  std::string payload(listing);
  payload += '\0';
  payload += place.first;
  payload += '\0';
  payload += place.second;
  return base64url(version + checksum(payload) + payload);
}

std::optional<Place> read_page_token(std::string_view listing, std::string_view token) {
  const auto bytes = from_base64url(token);
  if (!bytes || bytes->size() < 1 + checksum_bytes || bytes->front() != version)
    return std::nullopt;
  std::string_view payload = std::string_view(*bytes).substr(1 + checksum_bytes);
  if (checksum(payload) != std::string_view(*bytes).substr(1, checksum_bytes)) return std::nullopt;
  if (payload.substr(0, listing.size()) != listing) return std::nullopt;
  payload.remove_prefix(listing.size());
  if (payload.empty() || payload.front() != '\0') return std::nullopt;
  payload.remove_prefix(1);
  const std::size_t border = payload.find('\0');
  if (border == std::string_view::npos) return std::nullopt;
  return Place{std::string(payload.substr(0, border)), std::string(payload.substr(border + 1))};
}

}  // namespace jcn
