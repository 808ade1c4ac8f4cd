#include "http_client.h"

#include <curl/curl.h>

#include <algorithm>

#include "answer_members.h"

namespace jcn_client {
namespace {

using jcn::Code;
using jcn::Error;

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

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

bool append(HeaderList& list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) return false;
  (void)list.release();
  list.reset(longer);
  return true;
}

bool ends_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

// The lines of a request's headers, for libcurl.
jcn::Result<HeaderList> header_lines(const Request& request) {
  HeaderList lines;
  bool whole = append(lines, "Expect:");  // no body is held back until it is asked for
  if (request.method == Method::post || request.method == Method::put)
    whole = whole && append(lines, "Content-Type: application/json");
  for (const auto& [name, value] : request.headers) {
    if (ends_line(name) || ends_line(value))
      return Error{Code::bad_usage, "a line ends within the header " + name.substr(0, 40)};
    whole = whole && append(lines, name + ": " + value);
  }
  if (!whole) return Error{Code::system, "no memory is left for a request"};
  return lines;
}

std::vector<Header> headers_of(CURL* curl) {
  std::vector<Header> found;
  curl_header* each = nullptr;
  while ((each = curl_easy_nextheader(curl, CURLH_HEADER, -1, each)) != nullptr) {
    std::string name = each->name;
    std::transform(name.begin(), name.end(), name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    found.emplace_back(std::move(name), each->value);
  }
  return found;
}

// A body that is collected, up to what it may have.
struct Collector {
  std::string body;
  std::uint64_t room;
  bool overrun = false;
};

extern "C" std::size_t collect(char* bytes, std::size_t size, std::size_t count, void* given) {
  auto& collector = *static_cast<Collector*>(given);
  const std::size_t length = size * count;
  if (length > collector.room) {
    collector.overrun = true;
    return 0;
  }
  collector.room -= length;
  collector.body.append(bytes, length);
  return length;
}

extern "C" int asked_to_give_up(void* give_up, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return (*static_cast<const std::function<bool()>*>(give_up))() ? 1 : 0;
}

void set_method(CURL* curl, const Request& request) {
  switch (request.method) {
    case Method::get:
      break;
    case Method::remove:
      curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "DELETE");
      break;
    case Method::put:
      curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "PUT");
      [[fallthrough]];
    case Method::post:
      curl_easy_setopt(curl, CURLOPT_POST, 1L);
      curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(request.body.size()));
      curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
      break;
  }
}

}  // namespace

Library::Library() {
  curl_global_init(CURL_GLOBAL_DEFAULT);
}

Library::~Library() {
  curl_global_cleanup();
}

std::string_view Answer::header(std::string_view name) const {
  for (const auto& [each, value] : headers) {
    if (each == name) return value;
  }
  return {};
}

HttpClient::HttpClient(Settings settings)
    : settings_(std::move(settings)), handle_(curl_easy_init()) {
  while (settings_.url.ends_with('/')) settings_.url.pop_back();
}

void HttpClient::Close::operator()(void* handle) const {
  curl_easy_cleanup(handle);
}

void HttpClient::begin(const std::string& target) {
  CURL* curl = handle_.get();
  curl_easy_reset(curl);  // keeps the connection
  curl_easy_setopt(curl, CURLOPT_URL, (settings_.url + target).c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_PROXY, "");       // the daemon is on this machine
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);  // ids may look like ../x
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(settings_.connect_timeout.count()));
  if (settings_.give_up) {
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, asked_to_give_up);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &settings_.give_up);
  }
  if (settings_.token.empty()) return;
  curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
  curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, settings_.token.c_str());
}

Error HttpClient::failure(int curl_code) const {
  switch (curl_code) {
    case CURLE_OPERATION_TIMEDOUT:
      return Error{Code::not_connected, settings_.url + ": no answer in time"};
    case CURLE_ABORTED_BY_CALLBACK:
      return Error{Code::not_connected, settings_.url + ": not waited for any longer"};
    default:
      return Error{Code::not_connected,
                   settings_.url + ": " + curl_easy_strerror(static_cast<CURLcode>(curl_code)),
                   settings_.hint};
  }
}

jcn::Result<Answer> HttpClient::ask(const Request& request) {
  CURL* curl = handle_.get();
  if (curl == nullptr) return Error{Code::internal, "libcurl can't start"};
  begin(request.target);
  JCN_TRY(const HeaderList lines, header_lines(request));
  Collector collector{{}, settings_.max_answer};
  const auto timeout = request.timeout.count() > 0 ? request.timeout : settings_.timeout;
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, lines.get());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &collector);
  set_method(curl, request);
  const CURLcode code = curl_easy_perform(curl);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, nullptr);  // the list goes now, the handle stays
  if (collector.overrun) {
    return Error{Code::internal, settings_.url + " said more than " +
                                     std::to_string(settings_.max_answer) + " bytes"};
  }
  if (code != CURLE_OK) return failure(code);
  Answer answer;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
  answer.headers = headers_of(curl);
  answer.body = minified(collector.body);
  const bool fine = (answer.status >= 200 && answer.status < 300) || answer.status == 304;
  if (!fine && !request.any_status) return problem_error(settings_.url, answer);
  if (answer.body.empty()) answer.body = std::move(collector.body);
  return answer;
}

namespace {

// What a streamed answer's bytes go to.
struct Receiver {
  CURL* curl;
  const std::function<bool(std::string_view)>& sink;
  Collector refusal;  // the body, where the status says no
  bool enough = false;
};

extern "C" std::size_t receive(char* bytes, std::size_t size, std::size_t count, void* given) {
  auto& receiver = *static_cast<Receiver*>(given);
  long status = 0;
  curl_easy_getinfo(receiver.curl, CURLINFO_RESPONSE_CODE, &status);
  if (status != 200) return collect(bytes, size, count, &receiver.refusal);
  if (!receiver.sink({bytes, size * count})) {
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
  Receiver receiver{curl, sink, {{}, settings_.max_answer}};
  begin(target);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(patience.count()));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &receiver);
  const CURLcode code = curl_easy_perform(curl);
  if (receiver.enough) return {};
  if (code != CURLE_OK) return failure(code);
  Answer answer;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
  if (answer.status == 200) return {};
  answer.body = minified(receiver.refusal.body);
  return problem_error(settings_.url, answer);
}

std::uint64_t HttpClient::announced_bytes() const {
  curl_off_t length = -1;
  curl_easy_getinfo(handle_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  return length > 0 ? static_cast<std::uint64_t>(length) : 0;
}

}  // namespace jcn_client
