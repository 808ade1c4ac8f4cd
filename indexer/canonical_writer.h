// The SAX side of check: RapidJSON's events → canonical text, and the verdicts that RapidJSON does
// not give: depth, number of members, duplicate names, lone surrogates, numbers beyond a double.
#pragma once

#include <rapidjson/reader.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jcn/rules.h"

namespace jcn {

// Bytes bounded by length. RapidJSON sees '\0' at the end and nowhere else: the caller has made
// sure that the bytes hold none.
class BoundedStream {
 public:
  using Ch = char;
  explicit BoundedStream(std::string_view bytes)
      : begin_(bytes.data()), at_(begin_), end_(begin_ + bytes.size()) {}
  Ch Peek() const { return at_ < end_ ? *at_ : '\0'; }
  Ch Take() { return at_ < end_ ? *at_++ : '\0'; }
  std::size_t Tell() const { return static_cast<std::size_t>(at_ - begin_); }
  // Only for parsing in place, which is never asked for; the interface wants them.
  Ch* PutBegin() { return nullptr; }
  void Put(Ch) {}
  void Flush() {}
  std::size_t PutEnd(Ch*) { return 0; }

 private:
  const char* begin_;
  const char* at_;
  const char* end_;
};

struct Fault {
  Code code = Code::syntax_error;
  std::size_t offset = 0;
  std::string message;
  bool in_value = false;  // its pointer names the member or element under way, not the container
};

// The first fault of the escapes in the string whose opening quote is at `open`, before `end`.
std::optional<Fault> find_escape_fault(std::string_view bytes, std::size_t open, std::size_t end);

// Names seen so far, of all open objects: an open-addressed table over canonical texts in the
// output.
class NameTable {
 public:
  NameTable() : slots_(64) {}
  // False when the object has this name already. `name` lies in `text`, which does not move.
  bool insert(std::uint32_t object, std::string_view name);

 private:
  struct Slot {
    std::uint32_t object = 0;  // 0: free
    std::uint32_t hash = 0;
    std::string_view name;
  };
  void grow();
  std::vector<Slot> slots_;  // a power of two of them
  std::size_t used_ = 0;
};

class CanonicalWriter : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, CanonicalWriter> {
 public:
  CanonicalWriter(std::string_view bytes, const BoundedStream& stream, const Limits& limits);

  bool Null() { return scalar("null"); }
  bool Bool(bool value) { return scalar(value ? "true" : "false"); }
  bool RawNumber(const char* text, rapidjson::SizeType length, bool);
  bool String(const char* text, rapidjson::SizeType length, bool);
  bool Key(const char* text, rapidjson::SizeType length, bool);
  bool StartObject() { return start(true); }
  bool StartArray() { return start(false); }
  bool EndObject(rapidjson::SizeType) { return finish('}'); }
  bool EndArray(rapidjson::SizeType) { return finish(']'); }

  std::string take_text() { return std::move(out_); }
  const std::optional<Fault>& fault() const { return fault_; }
  // Behind the last token that was taken; and whether that was a number.
  std::size_t last_end() const { return last_end_; }
  bool last_was_number() const { return last_was_number_; }
  // Of the innermost open container or, `in_value`, of its member or element under way.
  std::string pointer(bool in_value) const;

 private:
  struct Frame {
    bool object = false;
    bool named = false;                     // objects: a name was read, its value not yet
    std::uint32_t number = 0;               // of the object, from 1
    std::size_t count = 0;                  // complete members or elements
    std::size_t name = 0, name_length = 0;  // in out_, quoted
  };

  bool refuse(Code code, std::size_t offset, std::string message, bool in_value);
  bool scalar(std::string_view text);
  bool start(bool object);
  bool finish(char bracket);
  void before_value();
  void after_value(std::size_t end);
  bool append_string(std::size_t open, std::string_view decoded, bool in_value);
  std::size_t next_quote() const { return bytes_.find('"', last_end_); }

  const std::string_view bytes_;
  const BoundedStream& stream_;
  const Limits& limits_;
  std::string out_;  // never longer than bytes_: reserved at once, so that it does not move
  std::vector<Frame> frames_;
  NameTable names_;
  std::uint32_t objects_ = 0;
  std::uint32_t members_ = 0;
  std::size_t last_end_ = 0;
  bool last_was_number_ = false;
  std::optional<Fault> fault_;
};

}  // namespace jcn
