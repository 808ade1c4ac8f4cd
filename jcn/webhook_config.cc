#include "webhook_config.h"

#include <algorithm>

#include "token_file.h"

namespace jcn {
namespace {

constexpr std::size_t longest_name = 64, longest_url = 2000;
constexpr std::size_t shortest_key = 24, longest_key = 64;  // of Standard Webhooks

Error unusable(std::string message, std::string hint) {
  return Error{Code::bad_configuration, std::move(message), std::move(hint)};
}

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

}  // namespace

bool valid_webhook_name(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= longest_name && plain(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return plain(c) || c == '_' || c == '-'; });
}

Result<void> check_webhook_url(std::string_view url) {
  const bool printable =
      std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  std::string_view rest = url;
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (rest.starts_with(scheme)) rest.remove_prefix(scheme.size());
  }
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (rest.size() == url.size() || authority.empty() || !printable || url.size() > longest_url)
    return unusable("the url is none that can be posted to",
                    "write it as https://hooks.example/jcn, at most 2000 bytes of ASCII");
  if (authority.find('@') != std::string_view::npos)
    return unusable("the url holds a user's name or password",
                    "receivers know jcn by its signature; leave out what stands before the @");
  if (url.find('#') != std::string_view::npos)
    return unusable("the url has a fragment, which is never sent", "leave out the # and the rest");
  return {};
}

Result<FeedRequest> webhook_feed(const WebhookConfig& webhook) {
  JCN_TRY(const QueryParameters given, QueryParameters::read(webhook.filter));
  for (const Parameter& parameter : given.all()) {
    if (names_filter(parameter.name) && !is_feed_parameter(parameter.name)) continue;
    return unusable("\"" + parameter.name + "\" is no filter",
                    "filters are field__op=value, with & between them; kinds have a key of their "
                    "own, as has include_docs");
  }
  std::vector<Parameter> all = given.all();
  for (const std::string& kind : webhook.kinds) all.push_back({"kind", kind});
  JCN_TRY(FeedRequest asked, read_feed(QueryParameters(std::move(all)), std::nullopt));
  asked.include_docs = webhook.include_docs;
  asked.only_matching = webhook.only_matching;
  return asked;
}

Result<std::string> read_webhook_secret(const std::string& path) {
  JCN_TRY(const std::string line, read_token_file(path, "secret file"));
  std::string_view text = line;
  if (text.starts_with("whsec_")) text.remove_prefix(6);
  const auto key = decode_base64(text);
  if (key && key->size() >= shortest_key && key->size() <= longest_key) return *key;
  return unusable("secret file " + path + ": its first line is no base64 of 24 to 64 bytes",
                  "make one: (umask 077; echo whsec_$(head -c 32 /dev/urandom | base64) >FILE)");
}

std::optional<std::string> decode_base64(std::string_view text) {
  std::size_t padding = 0;
  while (padding < 2 && text.ends_with('=')) {
    text.remove_suffix(1);
    ++padding;
  }
  if ((text.size() + padding) % 4 != 0) return std::nullopt;
  std::string bytes;
  unsigned bits = 0, held = 0;
  for (const char c : text) {
    const int digit = base64_digit(c);
    if (digit < 0) return std::nullopt;
    bits = (bits << 6 | static_cast<unsigned>(digit)) & 0xffffU;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes += static_cast<char>(bits >> held & 0xffU);
  }
  // What is left over is zero where it was written by a program.
  if ((bits & ((1U << held) - 1)) != 0) return std::nullopt;
  return bytes;
}

}  // namespace jcn
