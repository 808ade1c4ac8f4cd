#include "transcode_notes.h"

#include <array>
#include <charconv>
#include <ctime>

#include "answer_members.h"
#include "jcn/time_text.h"
#include "json_writer.h"

namespace jcn_transcode {
namespace {

using jcn::Code;
using jcn::Result;
using jcn_client::Header;
using jcn_client::Method;

// The shortest text of a number with at most three digits behind the point.
std::string number_text(double value) {
  std::array<char, 64> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                 std::chars_format::fixed, 3);
  std::string text(digits.data(), end.ptr);
  while (text.ends_with('0')) text.pop_back();
  if (text.ends_with('.')) text.pop_back();
  return text;
}

// {"id":ID,…"transcode":{"state":STATE,…"updated_at":NOW}}
class NoteText {
 public:
  explicit NoteText(std::string_view id) { json_.open('{').key("id").string(id); }
  jcn::JsonWriter& json() { return json_; }
  NoteText& state(std::string_view word) {
    json_.key("transcode").open('{').key("state").string(word);
    return *this;
  }
  std::string end(std::string_view now) {
    json_.key("updated_at").string(now).close('}').close('}');
    return std::move(text_);
  }

 private:
  std::string text_;
  jcn::JsonWriter json_{text_};
};

}  // namespace

std::string Notes::target(const std::string& path) const {
  return "/v1/fragments/" + jcn_client::percent_encoded(root_) + '/' +
         jcn_client::percent_encoded(path);
}

Result<std::optional<Note>> Notes::read(const std::string& path) {
  auto said = jcn_.get(target(path));
  if (!said.ok() && said.error().code == Code::no_such_fragment) return std::optional<Note>();
  if (!said.ok()) return std::move(said).error();
  return std::optional(Note{std::move(said->body), std::string(said->header("etag"))});
}

Result<std::optional<std::string>> Notes::write(const std::string& path, const std::string& tag,
                                                const std::string& text, const std::string& first) {
  auto said =
      jcn_.ask({.target = target(path),
                .method = Method::put,
                .body = text,
                .headers = {tag.empty() ? Header{"If-None-Match", "*"} : Header{"If-Match", tag},
                            Header{"Jcn-If-Present", jcn_client::percent_encoded(first)}}});
  if (said.ok()) return std::optional(std::string(said->header("etag")));
  if (said.error().code != Code::precondition_failed) return std::move(said).error();
  JCN_TRY(const std::optional<Note> there, read(path));
  if (there && there->text == text) return std::optional(there->tag);
  return std::optional<std::string>();
}

Result<bool> Notes::remove(const std::string& path, const std::string& tag) {
  const auto said =
      jcn_.ask({.target = target(path), .method = Method::remove, .headers = {{"If-Match", tag}}});
  if (said.ok() || said.error().code == Code::no_such_fragment) return true;
  if (said.error().code == Code::precondition_failed) return false;
  return said.error();
}

bool is_crowded(Code code) {
  switch (code) {
    case Code::overloaded:
    case Code::busy:
    case Code::readers_exhausted:
    case Code::query_timeout:
    case Code::request_timeout:
    case Code::sync_timeout:
      return true;
    default:
      return false;
  }
}

bool passes(Code code) {
  if (is_crowded(code)) return true;
  switch (code) {
    case Code::not_connected:
    case Code::not_ready:
    case Code::disk_full:
    case Code::index_full:
    case Code::index_damaged:
    case Code::root_unavailable:
    case Code::write_error:
      return true;
    default:
      return false;
  }
}

bool lasts(Code code) {
  switch (code) {
    case Code::unauthorized:
    case Code::forbidden:
    case Code::writing_off:
    case Code::no_such_root:
    case Code::foreign_host:
      return true;
    default:
      return false;
  }
}

std::string time_now() {
  return jcn::rfc3339(std::int64_t{std::time(nullptr)} * 1'000'000'000).substr(0, 19) + 'Z';
}

std::string queued_note(std::string_view id, std::string_view now) {
  return NoteText(id).state("queued").end(now);
}

std::string running_note(std::string_view id, std::string_view since, std::string_view now,
                         const std::optional<double>& percent, std::string_view worker) {
  NoteText note(id);
  note.state("running").json().key("since").string(since);
  if (percent) note.json().key("percent").raw(number_text(*percent));
  note.json().key("worker").string(worker);
  return note.end(now);
}

std::string failed_note(std::string_view id, std::string_view now, std::string_view error) {
  NoteText note(id);
  note.state("failed").json().key("error").string(error);
  return note.end(now);
}

std::string done_note(std::string_view id, std::string_view now, const Made& made) {
  NoteText note(id);
  jcn::JsonWriter& json = note.json();
  if (made.duration) json.key("duration").raw(number_text(*made.duration));
  json.key("width").number(static_cast<std::uint64_t>(made.media.width));
  json.key("height").number(static_cast<std::uint64_t>(made.media.height));
  if (!made.poster.empty()) json.key("poster").string(made.poster);
  json.key("renditions").open('[');
  for (const auto& [rendition, path] : made.renditions) {
    json.open('{').key("path").string(path).key("type").string("video/webm");
    json.key("width").number(static_cast<std::uint64_t>(rendition.width));
    json.key("height").number(static_cast<std::uint64_t>(rendition.height)).close('}');
  }
  json.close(']');
  note.state("done").json().key("percent").number(100);
  return note.end(now);
}

}  // namespace jcn_transcode
