#include "feed_seq.h"

#include <charconv>

namespace jcn {
namespace {

constexpr std::size_t uuid_size = 36;

bool is_uuid(std::string_view text) {
  if (text.size() != uuid_size) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (dash ? c != '-' : !digit) return false;
  }
  return true;
}

// As jcn writes it: no sign, no leading zeros.
std::optional<std::uint64_t> read_number(std::string_view text) {
  if (text.empty() || (text[0] == '0' && text.size() > 1)) return std::nullopt;
  std::uint64_t number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string feed_seq_text(const FeedSeq& seq) {
  std::string text = seq.uuid + '-';
  if (seq.place.until != 0) text += std::to_string(seq.place.until) + '-';
  return text + std::to_string(seq.place.seq);
}

std::optional<FeedSeq> read_feed_seq(std::string_view text) {
  FeedSeq seq;
  if (text.size() <= uuid_size || text[uuid_size] != '-' || !is_uuid(text.substr(0, uuid_size)))
    return std::nullopt;
  seq.uuid = text.substr(0, uuid_size);
  std::string_view rest = text.substr(uuid_size + 1);
  if (const std::size_t dash = rest.find('-'); dash != std::string_view::npos) {
    const auto until = read_number(rest.substr(0, dash));
    if (!until || *until == 0) return std::nullopt;
    seq.place.until = *until;
    rest.remove_prefix(dash + 1);
  }
  const auto number = read_number(rest);
  if (!number || (seq.place.until != 0 && *number > seq.place.until)) return std::nullopt;
  seq.place.seq = *number;
  return seq;
}

}  // namespace jcn
