#include "jcnctl_http.h"

#include <curl/curl.h>

#include <charconv>
#include <filesystem>
#include <fstream>

#include "jcn/canonical.h"
#include "jcn/check.h"

namespace jcnctl {
namespace {

using jcn::Code;
using jcn::Error;

extern "C" std::size_t append_body(char* bytes, std::size_t size, std::size_t count, void* body) {
  static_cast<std::string*>(body)->append(bytes, size * count);
  return size * count;
}

// What the daemon said, or that it isn't one.
Error problem_error(const std::string& url, const Answer& answer) {
  const auto code = jcn::code_from_name(text_member(answer.body, "code"));
  if (!code) {
    return Error{
        Code::internal,
        url + " answered with status " + std::to_string(answer.status) + ", not as jcn does",
        "is another program listening there?"};
  }
  std::string detail = text_member(answer.body, "detail");
  if (detail.empty()) detail = text_member(answer.body, "title");
  std::string hint = text_member(answer.body, "hint");
  if (code == Code::unauthorized)
    hint = "name the file of the daemon's token with --token-file or JCN_TOKEN_FILE";
  return Error{*code, std::move(detail), std::move(hint)};
}

Error not_connected(const std::string& url, CURLcode code) {
  const bool late = code == CURLE_OPERATION_TIMEDOUT;
  return Error{
      Code::not_connected, url + ": " + (late ? "no answer in time" : curl_easy_strerror(code)),
      late ? "" : "is jcn running? name it with --url or JCN_URL, or its index with --index"};
}

}  // namespace

HttpClient::HttpClient(std::string url, std::string token)
    : url_(std::move(url)), token_(std::move(token)), handle_(curl_easy_init()) {
  while (!url_.empty() && url_.back() == '/') url_.pop_back();
}

void HttpClient::Close::operator()(void* handle) const {
  curl_easy_cleanup(handle);
}

jcn::Result<Answer> HttpClient::get(const std::string& target) {
  return perform(target, false, std::chrono::seconds(30));
}

jcn::Result<Answer> HttpClient::post(const std::string& target, std::chrono::milliseconds timeout) {
  return perform(target, true, timeout);
}

void HttpClient::begin(const std::string& target) {
  CURL* curl = handle_.get();
  curl_easy_reset(curl);  // keeps the connection
  curl_easy_setopt(curl, CURLOPT_URL, (url_ + target).c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_PROXY, "");       // the daemon is on this machine
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);  // ids may look like ../x
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 2000L);
  if (token_.empty()) return;
  curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
  curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, token_.c_str());
}

jcn::Result<Answer> HttpClient::perform(const std::string& target, bool post,
                                        std::chrono::milliseconds timeout) {
  CURL* curl = handle_.get();
  if (curl == nullptr) return Error{Code::internal, "libcurl can't start"};
  Answer answer;
  begin(target);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.body);
  if (post) {
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, 0L);
  }
  if (const CURLcode code = curl_easy_perform(curl); code != CURLE_OK)
    return not_connected(url_, code);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
  if (std::string text = minified(answer.body); !text.empty()) answer.body = std::move(text);
  if (answer.status >= 400) return problem_error(url_, answer);
  return answer;
}

namespace {

// What a streamed answer's bytes go to.
struct Receiver {
  CURL* curl;
  const std::function<bool(std::string_view)>& sink;
  std::string refusal;  // the body, where the status says no
  bool enough = false;
};

extern "C" std::size_t receive(char* bytes, std::size_t size, std::size_t count, void* given) {
  auto& receiver = *static_cast<Receiver*>(given);
  long status = 0;
  curl_easy_getinfo(receiver.curl, CURLINFO_RESPONSE_CODE, &status);
  if (status != 200) {
    receiver.refusal.append(bytes, size * count);
  } else if (!receiver.sink({bytes, size * count})) {
    receiver.enough = true;
    return 0;
  }
  return size * count;
}

}  // namespace

jcn::Result<void> HttpClient::stream(const std::string& target, std::chrono::seconds patience,
                                     const std::function<bool(std::string_view)>& sink) {
  CURL* curl = handle_.get();
  if (curl == nullptr) return Error{Code::internal, "libcurl can't start"};
  Receiver receiver{curl, sink, {}};
  begin(target);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(patience.count()));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &receiver);
  const CURLcode code = curl_easy_perform(curl);
  if (receiver.enough) return {};
  if (code != CURLE_OK) return not_connected(url_, code);
  Answer answer;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
  if (answer.status == 200) return {};
  answer.body = minified(receiver.refusal);
  return problem_error(url_, answer);
}

std::uint64_t HttpClient::announced_bytes() const {
  curl_off_t length = -1;
  curl_easy_getinfo(handle_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  return length > 0 ? static_cast<std::uint64_t>(length) : 0;
}

jcn::Result<std::optional<HttpClient>> serving_daemon(const std::string& index,
                                                      const std::string& token) {
  // The address may be left from a daemon that was killed: whoever answers there must serve this
  // index.
  std::ifstream file(index + "/daemon.addr");
  std::string url;
  if (!std::getline(file, url) || url.empty()) return std::optional<HttpClient>();
  HttpClient daemon(url, token);
  const auto status = daemon.get("/v1/status");
  if (!status.ok() && status.error().code != Code::not_connected &&
      status.error().code != Code::internal) {
    return status.error();
  }
  if (!status.ok()) return std::optional<HttpClient>();
  std::error_code error;
  if (!std::filesystem::equivalent(text_member(status->body, "index"), index, error)) {
    return std::optional<HttpClient>();
  }
  return std::optional<HttpClient>(std::move(daemon));
}

std::string percent_encoded(std::string_view bytes) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    const bool alphanumeric =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (alphanumeric || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      out += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return out;
}

std::string minified(std::string_view json) {
  constexpr jcn::Limits as_it_comes{std::uint64_t{1} << 40, 20'000, ~std::uint32_t{0}};
  auto checked = jcn::check_json(json, as_it_comes);
  auto* text = std::get_if<std::string>(&checked);
  return text == nullptr ? std::string() : std::move(*text);
}

std::string text_member(std::string_view object, std::string_view name) {
  if (object.empty() || object.front() != '{') return {};
  const auto value = jcn::json_member(object, name);
  if (!value || value->empty() || value->front() != '"') return {};
  return jcn::json_unquote(*value);
}

std::uint64_t number_member(std::string_view object, std::string_view name) {
  std::uint64_t number = 0;
  if (object.empty() || object.front() != '{') return number;
  if (const auto value = jcn::json_member(object, name)) {
    std::from_chars(value->data(), value->data() + value->size(), number);
  }
  return number;
}

std::string raw_member(std::string_view object, std::string_view name) {
  if (object.empty() || object.front() != '{') return "null";
  const auto value = jcn::json_member(object, name);
  return value ? std::string(*value) : "null";
}

}  // namespace jcnctl
