#include "webhook_state.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <variant>

#include "jcn/canonical.h"
#include "jcn/check.h"
#include "jcn/file_descriptor.h"
#include "json_writer.h"
#include "new_file.h"
#include "write_fault.h"

namespace jcn {
namespace {

constexpr std::size_t hash_size = 32;
constexpr std::size_t largest_file = 64 << 20;
constexpr const char* suffix = ".state";
constexpr const char* damaged_suffix = ".damaged";

std::string signed_text(std::int64_t value) {
  return std::to_string(value);
}

template <class Integer>
bool take(std::string_view object, std::string_view name, Integer& number) {
  const auto value = json_member(object, name);
  if (!value) return false;
  const char* end = value->data() + value->size();
  const auto [stop, problem] = std::from_chars(value->data(), end, number);
  return problem == std::errc() && stop == end;
}

bool take(std::string_view object, std::string_view name, std::string& text) {
  const auto value = json_member(object, name);
  if (!value || json_type(*value) != JsonType::string) return false;
  text = json_unquote(*value);
  return true;
}

bool take(std::string_view object, std::string_view name, bool& flag) {
  const auto value = json_member(object, name);
  if (!value || json_type(*value) != JsonType::boolean) return false;
  flag = *value == "true";
  return true;
}

bool take_parked(std::string_view row, WebhookState& state) {
  std::uint64_t seq = 0;
  ParkedChange parked;
  const bool whole = json_type(row) == JsonType::object && take(row, "seq", seq) &&
                     take(row, "kind", parked.key.kind) && take(row, "id", parked.key.id) &&
                     take(row, "attempts", parked.attempts) &&
                     take(row, "first_ns", parked.first_ns) &&
                     take(row, "last_ns", parked.last_ns) && take(row, "status", parked.status) &&
                     take(row, "error", parked.error) && take(row, "given_up", parked.given_up);
  return whole && state.parked.emplace(seq, std::move(parked)).second;
}

// Of a file that is larger than any state, as much as shows that.
Result<std::string> read_whole(int file, const std::string& path) {
  std::string bytes;
  char block[4096];
  for (;;) {
    const ssize_t got = ::read(file, block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("read", path, errno);
    if (got == 0 || bytes.size() > largest_file) return bytes;
    bytes.append(block, static_cast<std::size_t>(got));
  }
}

}  // namespace

std::string webhook_address(const std::string& url) {
  return hash128(url).hex();
}

std::string encode_webhook_state(const WebhookState& state) {
  std::string text;
  JsonWriter json(text);
  json.open('{').key("place");
  if (state.place) {
    json.string(feed_seq_text(*state.place));
  } else {
    json.null();
  }
  json.key("fresh").boolean(state.fresh).key("gone").boolean(state.gone);
  json.key("gone_at").string(state.gone_at).key("told").number(state.told);
  json.key("parked").open('[');
  for (const auto& [seq, parked] : state.parked) {
    json.open('{').key("seq").number(seq);
    json.key("kind").string(parked.key.kind).key("id").string(parked.key.id);
    json.key("attempts").number(parked.attempts);
    json.key("first_ns").raw(signed_text(parked.first_ns));
    json.key("last_ns").raw(signed_text(parked.last_ns));
    json.key("status").raw(signed_text(parked.status));
    json.key("error").string(parked.error).key("given_up").boolean(parked.given_up).close('}');
  }
  json.close(']').close('}');
  return text + '\n' + hash128(text).hex() + '\n';
}

std::optional<WebhookState> decode_webhook_state(std::string_view bytes) {
  if (bytes.size() < hash_size + 2 || bytes.back() != '\n') return std::nullopt;
  const std::string_view text = bytes.substr(0, bytes.size() - hash_size - 2);
  if (bytes.substr(text.size()) != '\n' + hash128(text).hex() + '\n') return std::nullopt;
  const Limits generous{.max_bytes = largest_file, .max_depth = 8, .max_members = 10'000'000};
  const auto checked = check_json(text, generous);
  const auto* whole = std::get_if<std::string>(&checked);
  if (!whole || json_type(*whole) != JsonType::object) return std::nullopt;
  WebhookState state;
  const auto place = json_member(*whole, "place"), parked = json_member(*whole, "parked");
  if (!place || !parked || json_type(*parked) != JsonType::array) return std::nullopt;
  if (json_type(*place) == JsonType::string) {
    state.place = read_feed_seq(json_unquote(*place));
    if (!state.place) return std::nullopt;
  }
  if (!take(*whole, "fresh", state.fresh) || !take(*whole, "gone", state.gone)) return std::nullopt;
  (void)take(*whole, "gone_at", state.gone_at);  // earlier versions did not keep these
  (void)take(*whole, "told", state.told);
  for (JsonCursor row(*parked); row.next();) {
    if (!take_parked(row.value(), state)) return std::nullopt;
  }
  return state;
}

Result<LoadedWebhookState> load_webhook_state(const std::string& folder, const std::string& name) {
  const std::string path = folder + '/' + name + suffix;
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  LoadedWebhookState loaded;
  if (!file) {
    if (errno == ENOENT) return loaded;
    return system_error("open", path, errno);
  }
  JCN_TRY(const std::string bytes, read_whole(file.get(), path));
  if (auto state = decode_webhook_state(bytes)) {
    loaded.state = std::move(*state);
    return loaded;
  }
  loaded.damaged = path + damaged_suffix;
  if (::rename(path.c_str(), loaded.damaged.c_str()) != 0)
    return write_fault("rename", path, errno);
  return loaded;
}

Result<void> save_webhook_state(const std::string& folder, const std::string& name,
                                const WebhookState& state) {
  JCN_CHECK(make_own_folder(folder));
  const FileDescriptor held(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!held) return system_error("open", folder, errno);
  const std::string place = name + suffix, aside = place + ".new";
  ::unlinkat(held.get(), aside.c_str(), 0);  // of a process that was killed
  JCN_TRY(NewFile file, NewFile::make(held.get(), aside));
  JCN_CHECK(file.write(encode_webhook_state(state)));
  if (::renameat(held.get(), aside.c_str(), held.get(), place.c_str()) != 0)
    return write_fault("rename", place, errno);
  file.stands();
  if (::fsync(held.get()) != 0) return write_fault("fsync", folder, errno);
  return {};
}

}  // namespace jcn
