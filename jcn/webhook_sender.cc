#include "webhook_sender.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <mutex>
#include <thread>
#include <utility>

#include "webhook_signature.h"

namespace jcn {
namespace {

// Of an answer so much is read, and thrown away; the connection of one that goes on is closed.
constexpr std::size_t read_of_answer = 64 << 10;
constexpr long connect_ms = 10'000;
constexpr long idle_connections = 8;
constexpr std::chrono::milliseconds without_poll{100};

// What an answer's body runs into.
struct Drain {
  std::size_t bytes = 0;
  bool enough = false;
};

extern "C" std::size_t drain(char*, std::size_t size, std::size_t count, void* given) {
  auto& into = *static_cast<Drain*>(given);
  into.bytes += size * count;
  into.enough = into.bytes > read_of_answer;
  return into.enough ? 0 : size * count;
}

// Not for children of this process.
extern "C" curl_socket_t open_socket(void*, curlsocktype, curl_sockaddr* address) {
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

Error refused(CURLcode code) {
  return {Code::internal, std::string("libcurl: ") + curl_easy_strerror(code), ""};
}

}  // namespace

struct WebhookSender::Transfer {
  explicit Transfer(void* given_multi) : multi(given_multi) {}
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() {
    if (added) curl_multi_remove_handle(multi, easy);
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
  }

  Result<void> add_header(const std::string& line) {
    curl_slist* longer = curl_slist_append(headers, line.c_str());
    if (longer == nullptr) return refused(CURLE_OUT_OF_MEMORY);
    headers = longer;
    return {};
  }
  template <class Value>
  Result<void> set(CURLoption option, Value value) {
    const CURLcode code = curl_easy_setopt(easy, option, value);
    return code == CURLE_OK ? Result<void>() : refused(code);
  }

  void* const multi;
  CURL* const easy = curl_easy_init();
  curl_slist* headers = nullptr;
  bool added = false;
  std::uint64_t number = 0;
  WebhookPost post;
  Drain answer;
};

Result<std::unique_ptr<WebhookSender>> WebhookSender::open() {
  static std::once_flag once;
  static CURLcode started = CURLE_OK;
  std::call_once(once, [] { started = curl_global_init(CURL_GLOBAL_DEFAULT); });
  if (started != CURLE_OK) return refused(started);
  CURLM* multi = curl_multi_init();
  if (multi == nullptr) return refused(CURLE_OUT_OF_MEMORY);
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, idle_connections);
  return std::unique_ptr<WebhookSender>(new WebhookSender(multi));
}

WebhookSender::WebhookSender(void* multi) : multi_(multi) {}

WebhookSender::~WebhookSender() {
  transfers_.clear();
  curl_multi_cleanup(multi_);
}

Result<void> WebhookSender::send(std::uint64_t number, const WebhookConfig& to, WebhookPost post,
                                 std::int64_t timestamp) {
  auto made = std::make_unique<Transfer>(multi_);
  Transfer& transfer = *made;
  if (transfer.easy == nullptr) return refused(CURLE_OUT_OF_MEMORY);
  transfer.number = number;
  transfer.post = std::move(post);
  JCN_TRY(const std::string signature,
          webhook_signature(to.secret, transfer.post.id, timestamp, transfer.post.body));
  JCN_CHECK(transfer.add_header("Content-Type: application/json"));
  JCN_CHECK(transfer.add_header("Expect:"));  // no question before the body is sent
  JCN_CHECK(transfer.add_header("webhook-id: " + transfer.post.id));
  JCN_CHECK(transfer.add_header("webhook-timestamp: " + std::to_string(timestamp)));
  JCN_CHECK(transfer.add_header("webhook-signature: " + signature));
  JCN_CHECK(transfer.set(CURLOPT_URL, to.url.c_str()));
  JCN_CHECK(transfer.set(CURLOPT_PROTOCOLS_STR, "http,https"));
  JCN_CHECK(transfer.set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1)));
  JCN_CHECK(transfer.set(CURLOPT_FOLLOWLOCATION, 0L));
  JCN_CHECK(transfer.set(CURLOPT_PROXY, to.proxy.c_str()));  // "" keeps the environment's away, too
  JCN_CHECK(transfer.set(CURLOPT_NOPROXY, ""));
  if (!to.ca_file.empty()) JCN_CHECK(transfer.set(CURLOPT_CAINFO, to.ca_file.c_str()));
  JCN_CHECK(transfer.set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED)));
  JCN_CHECK(transfer.set(CURLOPT_USERAGENT, "jcn/" JCN_VERSION));
  JCN_CHECK(transfer.set(CURLOPT_NOSIGNAL, 1L));
  // A name that is being looked up doesn't hold up the end.
  JCN_CHECK(transfer.set(CURLOPT_QUICK_EXIT, 1L));
  JCN_CHECK(transfer.set(CURLOPT_CONNECTTIMEOUT_MS, connect_ms));
  JCN_CHECK(transfer.set(CURLOPT_TIMEOUT_MS, static_cast<long>(to.timeout.count())));
  JCN_CHECK(transfer.set(CURLOPT_OPENSOCKETFUNCTION, open_socket));
  JCN_CHECK(transfer.set(CURLOPT_WRITEFUNCTION, drain));
  JCN_CHECK(transfer.set(CURLOPT_WRITEDATA, &transfer.answer));
  JCN_CHECK(transfer.set(CURLOPT_PRIVATE, &transfer));
  JCN_CHECK(transfer.set(CURLOPT_HTTPHEADER, transfer.headers));
  JCN_CHECK(transfer.set(CURLOPT_POST, 1L));
  JCN_CHECK(transfer.set(CURLOPT_POSTFIELDS, transfer.post.body.c_str()));
  JCN_CHECK(transfer.set(CURLOPT_POSTFIELDSIZE_LARGE,
                         static_cast<curl_off_t>(transfer.post.body.size())));
  if (const CURLMcode code = curl_multi_add_handle(multi_, transfer.easy); code != CURLM_OK)
    return Error{Code::internal, std::string("libcurl: ") + curl_multi_strerror(code), ""};
  transfer.added = true;
  transfers_[number] = std::move(made);
  return {};
}

void WebhookSender::drop(std::uint64_t number) {
  transfers_.erase(number);
}

WebhookSender::Answered WebhookSender::wait(std::chrono::milliseconds longest) {
  int running = 0;
  curl_multi_perform(multi_, &running);
  Answered answered = take_answered();
  if (!answered.empty()) return answered;
  const CURLMcode code =
      curl_multi_poll(multi_, nullptr, 0, static_cast<int>(longest.count()), nullptr);
  // Without memory, or poll(2): going on at once would be all that this thread ever does.
  if (code != CURLM_OK) std::this_thread::sleep_for(std::min(longest, without_poll));
  curl_multi_perform(multi_, &running);
  return take_answered();
}

WebhookSender::Answered WebhookSender::take_answered() {
  Answered answered;
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* easy = message->easy_handle;
    const CURLcode code = message->data.result;
    Transfer* transfer = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    WebhookOutcome outcome;
    outcome.status = static_cast<int>(status);
    // One that says more than is read has spoken all the same.
    if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && transfer->answer.enough))
      outcome.error = curl_easy_strerror(code);
    curl_off_t seconds = 0;
    if (curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK && seconds > 0)
      outcome.retry_after = std::chrono::seconds(seconds);
    const std::uint64_t number = transfer->number;
    answered.emplace_back(number, std::move(outcome));
    transfers_.erase(number);
  }
  return answered;
}

void WebhookSender::wake() {
  curl_multi_wakeup(multi_);
}

}  // namespace jcn
