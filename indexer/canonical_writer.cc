#include "canonical_writer.h"

#include <xxhash.h>

#include <charconv>

#include "jcn/canonical.h"
#include "json_pointer.h"

namespace jcn {
namespace {

constexpr std::size_t none = std::string_view::npos;

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

unsigned hex_value(char c) {
  return static_cast<unsigned>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

// The fault of a \uXXXX whose backslash is at `at`, or its code unit.
std::optional<Fault> read_unit(std::string_view bytes, std::size_t at, unsigned& unit) {
  unit = 0;
  for (std::size_t i = at + 2; i < at + 6; ++i) {
    if (i >= bytes.size()) {
      return Fault{Code::unexpected_end, bytes.size(), "the file ends within an escape", true};
    }
    if (!is_hex(bytes[i])) {
      return Fault{Code::invalid_escape, at, "\\u must be followed by four hexadecimal digits",
                   true};
    }
    unit = unit << 4 | hex_value(bytes[i]);
  }
  return std::nullopt;
}

Fault lone(std::size_t at) {
  return {Code::lone_surrogate, at,
          "this \\u escape is half of a surrogate pair; the other half is missing", true};
}

// Sets how long the escape at `at` is when it has no fault.
std::optional<Fault> escape_fault(std::string_view bytes, std::size_t at, std::size_t& length) {
  if (at + 1 >= bytes.size()) {
    return Fault{Code::unexpected_end, bytes.size(), "the file ends within an escape", true};
  }
  length = 2;
  if (bytes[at + 1] != 'u') {
    if (std::string_view("\"\\/bfnrt").find(bytes[at + 1]) != none) return std::nullopt;
    return Fault{Code::invalid_escape, at,
                 "JSON has only the escapes \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\uXXXX", true};
  }
  length = 6;
  unsigned unit = 0, second = 0;
  if (auto fault = read_unit(bytes, at, unit)) return fault;
  if (unit < 0xD800 || unit > 0xDFFF) return std::nullopt;
  if (unit >= 0xDC00) return lone(at);
  for (std::size_t i = 0; i < 2; ++i) {
    if (at + 6 + i >= bytes.size()) {
      return Fault{Code::unexpected_end, bytes.size(), "the file ends within a surrogate pair",
                   true};
    }
    if (bytes[at + 6 + i] != "\\u"[i]) return lone(at);
  }
  if (auto fault = read_unit(bytes, at + 6, second)) return fault;
  if (second < 0xDC00 || second > 0xDFFF) return lone(at);
  length = 12;
  return std::nullopt;
}

// RFC 8259 §6: numbers beyond a double are not interoperable. What is too small to be told from
// zero is kept; its text says what was meant.
bool fits_double(std::string_view number) {
  if (number.size() < 300 && number.find_first_of("eE") == none) return true;
  double value = 0;
  const auto [stop, problem] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (problem == std::errc()) return true;
  if (number.starts_with('-')) number.remove_prefix(1);
  return compare_numbers(number, "1") < 0;
}

}  // namespace

std::optional<Fault> find_escape_fault(std::string_view bytes, std::size_t open, std::size_t end) {
  for (std::size_t at = open + 1; at < end && bytes[at] != '"';) {
    std::size_t length = 1;
    if (bytes[at] == '\\') {
      if (auto fault = escape_fault(bytes, at, length)) return fault;
    }
    at += length;
  }
  return std::nullopt;
}

bool NameTable::insert(std::uint32_t object, std::string_view name) {
  const auto hash =
      static_cast<std::uint32_t>(XXH3_64bits_withSeed(name.data(), name.size(), object));
  if ((used_ + 1) * 2 > slots_.size()) grow();
  for (std::size_t i = hash;; ++i) {
    Slot& slot = slots_[i & (slots_.size() - 1)];
    if (slot.object == 0) {
      slot = {object, hash, name};
      ++used_;
      return true;
    }
    if (slot.hash == hash && slot.object == object && slot.name == name) return false;
  }
}

void NameTable::grow() {
  std::vector<Slot> old(slots_.size() * 4);
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.object == 0) continue;
    std::size_t i = slot.hash;
    while (slots_[i & (slots_.size() - 1)].object != 0) ++i;
    slots_[i & (slots_.size() - 1)] = slot;
  }
}

CanonicalWriter::CanonicalWriter(std::string_view bytes, const BoundedStream& stream,
                                 const Limits& limits)
    : bytes_(bytes), stream_(stream), limits_(limits) {
  out_.reserve(bytes.size());
  frames_.reserve(16);
}

bool CanonicalWriter::refuse(Code code, std::size_t offset, std::string message, bool in_value) {
  fault_ = Fault{code, offset, std::move(message), in_value};
  return false;
}

void CanonicalWriter::before_value() {
  if (!frames_.empty() && !frames_.back().object && frames_.back().count > 0) out_ += ',';
}

void CanonicalWriter::after_value(std::size_t end) {
  last_end_ = end;
  last_was_number_ = false;
  if (frames_.empty()) return;
  ++frames_.back().count;
  frames_.back().named = false;
}

bool CanonicalWriter::scalar(std::string_view text) {
  before_value();
  out_ += text;
  after_value(stream_.Tell());
  return true;
}

bool CanonicalWriter::RawNumber(const char* text, rapidjson::SizeType length, bool) {
  const std::string_view number(text, length);
  if (!fits_double(number)) {
    return refuse(Code::number_out_of_range, stream_.Tell() - length,
                  "the number is larger than a double can hold", true);
  }
  scalar(number);
  last_was_number_ = true;
  return true;
}

bool CanonicalWriter::append_string(std::size_t open, std::string_view decoded, bool in_value) {
  const std::string_view source = bytes_.substr(open, stream_.Tell() - open);
  if (source.find('\\') == none) {
    out_ += source;  // without escapes the source is canonical as it stands
    return true;
  }
  // RapidJSON refuses a lone high half, but encodes a lone low one as if it were a character.
  if (auto fault = find_escape_fault(bytes_, open, stream_.Tell())) {
    return refuse(fault->code, fault->offset, std::move(fault->message), in_value);
  }
  json_quote_onto(out_, decoded);
  return true;
}

bool CanonicalWriter::String(const char* text, rapidjson::SizeType length, bool) {
  before_value();
  if (!append_string(next_quote(), {text, length}, true)) return false;
  after_value(stream_.Tell());
  return true;
}

bool CanonicalWriter::Key(const char* text, rapidjson::SizeType length, bool) {
  Frame& frame = frames_.back();
  const std::size_t open = next_quote();
  if (++members_ > limits_.max_members) {
    return refuse(Code::too_many_members, open,
                  "more than " + std::to_string(limits_.max_members) + " members", false);
  }
  if (frame.count > 0) out_ += ',';
  frame.name = out_.size();
  if (!append_string(open, {text, length}, false)) return false;
  frame.name_length = out_.size() - frame.name;
  frame.named = true;
  const std::string_view name = std::string_view(out_).substr(frame.name, frame.name_length);
  if (!names_.insert(frame.number, name)) {
    return refuse(Code::duplicate_member, open, "the object has a member of this name already",
                  true);
  }
  out_ += ':';
  last_end_ = stream_.Tell();
  last_was_number_ = false;
  return true;
}

bool CanonicalWriter::start(bool object) {
  if (frames_.size() >= limits_.max_depth) {
    return refuse(Code::too_deep, stream_.Tell(),
                  "nested deeper than " + std::to_string(limits_.max_depth) + " levels", true);
  }
  before_value();
  out_ += object ? '{' : '[';
  frames_.emplace_back().object = object;
  if (object) frames_.back().number = ++objects_;
  last_end_ = stream_.Tell() + 1;
  last_was_number_ = false;
  return true;
}

bool CanonicalWriter::finish(char bracket) {
  out_ += bracket;
  frames_.pop_back();
  after_value(stream_.Tell() + 1);
  return true;
}

std::string CanonicalWriter::pointer(bool in_value) const {
  std::string out;
  for (const Frame& frame : frames_) {
    if (&frame == &frames_.back() && !in_value) break;
    if (!frame.object) {
      out += '/' + std::to_string(frame.count);
    } else if (frame.named) {
      append_pointer_token(
          out, json_unquote(std::string_view(out_).substr(frame.name, frame.name_length)));
    }
  }
  return out;
}

}  // namespace jcn
