// Facts of CivetWeb 1.15 that this file rests on; http_server_test.cc tests each:
// - begin_request sees a request before CivetWeb acts on it; a positive return value means
// "answered".
// - At a header line that it cannot parse (a folded one) it stops in silence and passes the headers
// so
//   far; beyond 64 headers it does the same. Bare line feeds and spaces before a colon it forgives.
// - Names and values are NUL-terminated in place, in the order in which they came.
#include "http_server.h"

#include <civetweb.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <optional>
#include <system_error>
#include <utility>

#include "access_token.h"
#include "http_guard.h"
#include "problem.h"
#include "server_threads.h"
#include "slow_clients.h"

namespace jcn {
namespace {

using Awaited = SlowClients::Awaited;

// Head and body leave in one write up to this size: two small segments would cost a round trip.
constexpr std::size_t one_write_bytes = 64 * 1024;
// A refused body up to this size is read all the same, so that the answer is not lost to a reset.
constexpr std::uint64_t drained_bytes = 4 << 20;

constexpr std::string_view out_of_memory =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n"
    "Content-Length: 112\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"
    "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,"
    "\"detail\":\"Out of memory.\",\"code\":\"overloaded\"}\n";
static_assert(out_of_memory.size() - out_of_memory.find('{') == 112);

std::string_view view(const char* text) {
  return text ? std::string_view(text) : std::string_view();
}

std::vector<Header> headers_of(const mg_request_info& info) {
  std::vector<Header> headers;
  headers.reserve(static_cast<std::size_t>(info.num_headers));
  for (int i = 0; i < info.num_headers; ++i)
    headers.push_back({view(info.http_headers[i].name), view(info.http_headers[i].value)});
  return headers;
}

// True when the headers tile the head without a gap: NAME, NUL for the colon, spaces, VALUE, two
// NULs for CR LF, the next one; behind the last, the CR of the empty line. Folded lines, bare line
// feeds, spaces before a colon and whatever else CivetWeb passes over or takes leniently leave a
// gap. (Without any header nothing keeps the connection, and the guard lets HTTP/1.0 alone pass.)
bool headers_tile_the_head(const std::vector<Header>& headers) {
  const char* expected = nullptr;
  for (const Header& header : headers) {
    const char* at = header.name.data();
    if (expected && at != expected) return false;
    at += header.name.size();
    for (++at; at != header.value.data(); ++at) {
      if (*at != ' ') return false;
    }
    at += header.value.size();
    if (at[0] != '\0' || at[1] != '\0') return false;
    expected = at + 2;
  }
  return !expected || *expected == '\r';
}

// What CivetWeb itself will decide; known beforehand so that the answer can say it.
bool client_closes(const std::vector<Header>& headers, std::string_view version) {
  for (const Header& header : headers) {
    if (!equal_ignoring_case(header.name, "Connection")) continue;
    static constexpr std::string_view keep_alive = "keep-alive";
    const auto at =
        std::search(header.value.begin(), header.value.end(), keep_alive.begin(), keep_alive.end(),
                    [](char a, char b) { return (a | 0x20) == (b | 0x20); });
    return at == header.value.end();
  }
  return version != "1.1";
}

// One connection's bytes. While they move, its client is waited for.
class Wire {
 public:
  Wire(mg_connection* connection, const SlowClients& clients)
      : connection_(connection),
        clients_(clients),
        client_(static_cast<SlowClients::Client*>(mg_get_user_connection_data(connection))) {}

  // A client that went away is no failure of ours: what cannot be written ends the connection.
  bool write(std::string_view text) {
    await(Awaited::reading);
    bool whole = true;
    while (whole && !text.empty()) {
      const std::string_view piece = text.substr(0, piece_bytes);
      text.remove_prefix(piece.size());
      whole = mg_write(connection_, piece.data(), piece.size()) == static_cast<int>(piece.size());
      if (!text.empty()) moved(piece.size());
    }
    served();
    return whole;
  }

  // Memory grows with what comes, not with what was announced.
  bool read(std::uint64_t length, std::string& body) {
    await(Awaited::body);
    std::size_t have = 0;
    bool more = true;
    while (more && have < length) {
      body.resize(have + std::min<std::uint64_t>(length - have, read_bytes));
      const int got = mg_read(connection_, body.data() + have, body.size() - have);
      more = got > 0;
      if (more) have += static_cast<std::size_t>(got);
      if (more) moved(static_cast<std::size_t>(got));
    }
    served();
    return have == length;
  }
  void drain(std::uint64_t length) {
    await(Awaited::body);
    std::array<char, 4096> scratch;
    for (std::uint64_t had = 0; had < std::min(length, drained_bytes);) {
      const int got = mg_read(connection_, scratch.data(), scratch.size());
      if (got <= 0) break;
      had += static_cast<std::uint64_t>(got);
      moved(static_cast<std::uint64_t>(got));
    }
    served();
  }

  void close_after() { mg_disable_connection_keep_alive(connection_); }
  bool given_up() const { return client_ && client_->given_up(); }
  void await(Awaited what) {
    if (client_) client_->await(what, SlowClients::Clock::now());
  }
  void served() {
    if (client_) client_->served();
  }

 private:
  static constexpr std::size_t piece_bytes = 64 * 1024;
  static constexpr std::size_t read_bytes = 8 * 1024;

  void moved(std::uint64_t bytes) {
    if (client_) client_->moved(clients_.worth(bytes), SlowClients::Clock::now());
  }

  mg_connection* const connection_;
  const SlowClients& clients_;
  SlowClients::Client* const client_;  // null: nobody watches it
};

void send(Wire& wire, const Response& response, bool head_only, bool close) {
  if (close) wire.close_after();
  std::string text = response_head(response, close);
  std::string_view rest;
  if (!head_only && response.status != 304) {
    rest = response.body;
    const std::size_t first = std::min(rest.size(), one_write_bytes);
    text += rest.substr(0, first);
    rest.remove_prefix(first);
  }
  if (!wire.write(text) || (!rest.empty() && !wire.write(rest))) wire.close_after();
}

// The body of an answer that goes on, in the order in which its pieces are made.
class StreamedBody {
 public:
  StreamedBody(Wire& wire, Framing framing) : wire_(wire), framing_(framing) {}

  bool send(std::string_view piece) {
    if (piece.empty()) return true;  // an empty chunk would be the last one
    if (framing_ != Framing::chunked) return wire_.write(piece);
    // The size goes ahead by itself: when the client is gone, its system says so to this write, and
    // the next one hears it. In one write, nobody would know before the next piece.
    std::array<char, 24> size{};
    const auto end = std::to_chars(size.data(), size.data() + size.size(), piece.size(), 16);
    std::string rest("\r\n");
    rest.append(piece).append("\r\n");
    return wire_.write({size.data(), static_cast<std::size_t>(end.ptr - size.data())}) &&
           wire_.write(rest);
  }
  bool end() { return framing_ != Framing::chunked || wire_.write("0\r\n\r\n"); }

 private:
  Wire& wire_;
  const Framing framing_;
};

}  // namespace

struct HttpServer::Inside {
  // Constant once the server has started.
  HttpOptions options;
  Handler handler;
  GuardOptions guarded;
  mg_context* context = nullptr;
  // Complaints before any thread runs; later ones go to options.log.
  std::string start_complaint;
  bool threads_run = false;

  // Any thread.
  std::optional<SlowClients> clients;
  std::mutex token_lock;
  std::shared_ptr<const std::vector<AccessToken>> tokens;  // guarded by token_lock
  std::mutex acceptor_lock;
  std::condition_variable acceptor_changed;
  bool acceptor_runs = false;  // guarded by acceptor_lock

  Inside() { mg_init_library(0); }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
  ~Inside() {
    if (context) {
      const StopWaker waker(options.address, guarded.port);
      clients->hurry();
      mg_stop(context);
    }
    mg_exit_library();
  }

  void complain(std::string_view text) const {
    if (options.log) options.log(text);
  }
  std::shared_ptr<const std::vector<AccessToken>> current_tokens() {
    const std::lock_guard lock(token_lock);
    return tokens;
  }

  void answer(Wire& wire, const mg_request_info& info);
  std::optional<Refusal> authorize(Request& request);
  void refuse(Wire& wire, const Refusal& refusal, const std::vector<Header>& headers,
              bool head_only);
  Response handled(const Request& request) const;
  void send_stream(Wire& wire, const Response& response, bool close, Framing framing,
                   bool head_only) const;

  // CivetWeb does not say when its last thread, the accepting one, could not be made.
  bool wait_for_acceptor() {
    std::unique_lock lock(acceptor_lock);
    return acceptor_changed.wait_for(lock, std::chrono::seconds(5), [&] { return acceptor_runs; });
  }

  bool cut_off_given_up(std::span<const SlowClients::GivenUp> given_up) const;

  // CivetWeb's callbacks. No exception leaves them.
  static Inside& of(const mg_connection* connection) {
    return *static_cast<Inside*>(mg_get_user_data(mg_get_context(connection)));
  }
  static void init_context(const mg_context* context);
  static void* init_thread(const mg_context* context, int thread_type);
  static int begin_request(mg_connection* connection);
  static int http_error(mg_connection* connection, int status, const char* message);
  static int init_connection(const mg_connection* connection, void** data);
  static void connection_close(const mg_connection* connection);
  static int log_message(const mg_connection* connection, const char* message);
};

Response HttpServer::Inside::handled(const Request& request) const {
  try {
    return handler(request);
  } catch (const std::bad_alloc&) {
    throw;  // answered from constant text
  } catch (const std::exception& failure) {
    complain(failure.what());
  } catch (...) {
    complain("a request failed by an unknown exception");
  }
  return problem(Code::internal, "The request failed inside the server; its log says more.");
}

void HttpServer::Inside::refuse(Wire& wire, const Refusal& refusal,
                                const std::vector<Header>& headers, bool head_only) {
  options.counters->refused.fetch_add(1, std::memory_order_relaxed);
  const Response response = problem(refusal.code, refusal.detail);
  send(wire, response, head_only, true);
  // A body that is not read would reset the connection, and the answer with it; but a client that
  // waits for "100 Continue" sends none after a refusal. The guard has passed the length.
  const bool waits = std::any_of(headers.begin(), headers.end(), [](const Header& header) {
    return equal_ignoring_case(header.name, "Expect");
  });
  if ((refusal.code == Code::body_too_large || refusal.code == Code::unauthorized) && !waits)
    wire.drain(body_length(headers));
}

std::optional<Refusal> HttpServer::Inside::authorize(Request& request) {
  const auto expected = current_tokens();
  if (expected->empty() && !options.token_for_all) return std::nullopt;
  const auto [given, token] = presented(request.headers, *expected);
  request.tokens_exist = true;
  if (token) request.token = {expected, token};
  if (given == Credentials::bad)
    return Refusal{Code::unauthorized, "The Authorization header has another token."};
  if (given == Credentials::none && options.token_for_all)
    return Refusal{Code::unauthorized, "Requests must carry the server's bearer token."};
  return std::nullopt;
}

void HttpServer::Inside::answer(Wire& wire, const mg_request_info& info) {
  Request request;
  request.method = view(info.request_method);
  request.raw_path = view(info.local_uri_raw);
  request.raw_query = view(info.query_string);
  request.headers = headers_of(info);
  const std::string_view version = view(info.http_version);
  const bool head_only = request.method == "HEAD";

  // An absolute target would name a second host beside the Host header. (With another port than
  // ours CivetWeb closes without a word.)
  if (view(info.request_uri).substr(0, 1) != "/")
    return refuse(wire, {Code::bad_target, "The target is not a path."}, {}, head_only);
  if (!headers_tile_the_head(request.headers) && request.headers.size() < MG_MAX_HEADERS)
    return refuse(wire, {Code::bad_request, "A header is malformed."}, {}, head_only);
  if (auto refusal = guard(
          {request.method, version, request.raw_path, request.raw_query, request.headers}, guarded))
    return refuse(wire, *refusal, request.headers, head_only);
  if (auto refusal = authorize(request)) return refuse(wire, *refusal, request.headers, head_only);

  if (const std::uint64_t length = body_length(request.headers); length > 0) {
    if (request.header("Expect") && !wire.write("HTTP/1.1 100 Continue\r\n\r\n"))
      return wire.close_after();
    if (!wire.read(length, request.body)) {
      const Code code = wire.given_up() ? Code::request_timeout : Code::bad_request;
      return refuse(wire, {code, "The body did not arrive."}, {}, head_only);
    }
  }
  const Response response = handled(request);
  const bool close =
      response.close || clients->crowded() || client_closes(request.headers, version);
  if (!response.stream) return send(wire, response, head_only, close);
  if (response.stream_length) return send_stream(wire, response, close, Framing::length, head_only);
  if (version == "1.1") return send_stream(wire, response, close, Framing::chunked, head_only);
  send_stream(wire, response, true, Framing::until_close, head_only);
}

// However the body ends before its end, the client must not take it for whole.
void HttpServer::Inside::send_stream(Wire& wire, const Response& response, bool close,
                                     Framing framing, bool head_only) const {
  bool whole = wire.write(response_head(response, close, framing));
  if (whole && !head_only) {
    try {
      StreamedBody body(wire, framing);
      whole = response.stream([&body](std::string_view piece) { return body.send(piece); }) &&
              body.end();
    } catch (const std::exception& failure) {
      whole = false;
      complain(failure.what());
    } catch (...) {
      whole = false;
      complain("an answer was cut off by an unknown exception");
    }
  }
  if (close || !whole) wire.close_after();
}

// CivetWeb tells who is at the other end once init_connection has returned, and from then on until
// connection_close: so it is asked here, by the reviewing thread.
bool HttpServer::Inside::cut_off_given_up(std::span<const SlowClients::GivenUp> given_up) const {
  std::vector<PeerConnection> connections;
  connections.reserve(given_up.size());
  for (const SlowClients::GivenUp& one : given_up) {
    const auto* info = mg_get_request_info(static_cast<const mg_connection*>(one.connection));
    if (!info) continue;
    const bool reading = one.awaited == Awaited::reading;
    connections.push_back({info->remote_addr, info->remote_port, reading});
  }
  if (connections.size() < given_up.size() || !cut_off(connections, guarded.port)) return false;
  options.counters->given_up.fetch_add(given_up.size(), std::memory_order_relaxed);
  return true;
}

void* HttpServer::Inside::init_thread(const mg_context* context, int thread_type) {
  if (thread_type != 0) return nullptr;  // one that answers
  Inside& inside = *static_cast<Inside*>(mg_get_user_data(context));
  {
    const std::lock_guard lock(inside.acceptor_lock);
    inside.acceptor_runs = true;
  }
  inside.acceptor_changed.notify_all();
  return nullptr;
}

// The sockets listen, no thread runs yet.
void HttpServer::Inside::init_context(const mg_context* context) {
  Inside& inside = *static_cast<Inside*>(mg_get_user_data(context));
  mg_server_port port{};
  if (mg_get_server_ports(context, 1, &port) == 1)
    inside.guarded.port = static_cast<std::uint16_t>(port.port);
  inside.threads_run = true;
}

int HttpServer::Inside::begin_request(mg_connection* connection) {
  Inside& inside = of(connection);
  Wire wire(connection, *inside.clients);
  wire.served();
  inside.options.counters->requests.fetch_add(1, std::memory_order_relaxed);
  try {
    inside.answer(wire, *mg_get_request_info(connection));
  } catch (...) {  // out of memory
    wire.close_after();
    wire.write(out_of_memory);
  }
  wire.await(Awaited::next_request);
  return 200;  // answered; the number would only go into CivetWeb's access log
}

// What CivetWeb refuses before begin_request: heads that are too long or no HTTP, or that did not
// come whole. It closes then.
int HttpServer::Inside::http_error(mg_connection* connection, int status, const char* message) {
  Inside& inside = of(connection);
  Wire wire(connection, *inside.clients);
  inside.options.counters->requests.fetch_add(1, std::memory_order_relaxed);
  inside.options.counters->refused.fetch_add(1, std::memory_order_relaxed);
  try {
    if (status >= 500 && status != 505) {
      inside.complain(view(message));
      send(wire, problem(Code::internal, "The server failed before it read the request."), false,
           true);
    } else if (wire.given_up()) {
      send(wire, problem(Code::request_timeout, "The request did not arrive in time."), false,
           true);
    } else {
      send(wire,
           problem(Code::bad_request, "This is no HTTP/1.1 request, or its head is beyond 16 KiB.",
                   "In an address, characters beyond ASCII are percent-encoded; curl does it with "
                   "-G --data-urlencode."),
           false, true);
    }
  } catch (...) {
    wire.write(out_of_memory);
  }
  return 0;
}

int HttpServer::Inside::init_connection(const mg_connection* connection, void** data) {
  *data = of(connection).clients->open(connection, SlowClients::Clock::now());
  return 0;
}

void HttpServer::Inside::connection_close(const mg_connection* connection) {
  of(connection)
      .clients->close(static_cast<SlowClients::Client*>(mg_get_user_connection_data(connection)));
}

int HttpServer::Inside::log_message(const mg_connection* connection, const char* message) {
  if (!connection || !mg_get_context(connection)) return 1;
  Inside& inside = of(connection);
  try {
    if (inside.threads_run) {
      inside.complain(view(message));
    } else {
      inside.start_complaint = view(message);
    }
  } catch (...) {  // out of memory: the complaint is lost, the server goes on
  }
  return 1;
}

HttpServer::HttpServer(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
HttpServer::HttpServer(HttpServer&&) noexcept = default;
HttpServer& HttpServer::operator=(HttpServer&&) noexcept = default;
HttpServer::~HttpServer() = default;

std::uint16_t HttpServer::port() const {
  return inside_->guarded.port;
}
void HttpServer::replace_tokens(std::vector<AccessToken> tokens) {
  auto fresh = std::make_shared<const std::vector<AccessToken>>(std::move(tokens));
  const std::lock_guard lock(inside_->token_lock);
  inside_->tokens = std::move(fresh);
}

Result<HttpServer> HttpServer::start(HttpOptions options, Handler handler) {
  auto inside = std::make_unique<Inside>();
  inside->options = std::move(options);
  inside->handler = std::move(handler);
  inside->tokens = std::make_shared<const std::vector<AccessToken>>(inside->options.tokens);
  inside->guarded.host_names = inside->options.host_names;
  inside->guarded.host_names.push_back(inside->options.address);
  inside->guarded.numeric_hosts = inside->options.address == "0.0.0.0";
  inside->guarded.max_body = inside->options.max_body;

  const std::string listen = inside->options.address + ":" + std::to_string(inside->options.port);
  const std::array<std::pair<const char*, std::string>, 11> settings = {{
      {"listening_ports", listen},
      {"num_threads", std::to_string(inside->options.threads)},
      // For connections that nobody watches; the others are given up before.
      {"request_timeout_ms", std::to_string(2 * inside->options.request_timeout.count())},
      {"enable_keep_alive", "yes"},
      {"keep_alive_timeout_ms", std::to_string(2 * inside->options.keep_alive_timeout.count())},
      {"tcp_nodelay", "1"},
      {"decode_url", "no"},
      {"decode_query_string", "no"},
      {"enable_auth_domain_check", "no"},
      {"connection_queue", std::to_string(inside->options.queue)},
      // The kernel's own limit is smaller. One that is full would cost a good client a second.
      {"listen_backlog", "65535"},
  }};
  std::vector<const char*> configuration;
  for (const auto& [name, value] : settings) {
    configuration.push_back(name);
    configuration.push_back(value.c_str());
  }
  configuration.push_back(nullptr);
  mg_callbacks callbacks{};
  callbacks.init_context = Inside::init_context;
  callbacks.init_thread = Inside::init_thread;
  callbacks.begin_request = Inside::begin_request;
  callbacks.http_error = Inside::http_error;
  callbacks.init_connection = Inside::init_connection;
  callbacks.connection_close = Inside::connection_close;
  callbacks.log_message = Inside::log_message;

  std::array<char, 256> text{};
  unsigned code = 0;
  mg_error_data error{&code, text.data(), text.size()};
  mg_init_data init{&callbacks, inside.get(), configuration.data()};
  {
    const SignalsBlocked blocked;
    SlowClients::Options slow;
    slow.places = inside->options.threads;
    slow.patience = inside->options.request_timeout;
    slow.idle = inside->options.keep_alive_timeout;
    try {
      inside->clients.emplace(
          slow, [&in = *inside](const auto& given_up) { return in.cut_off_given_up(given_up); });
    } catch (const std::system_error& failure) {
      return no_thread("a thread: " + std::string(failure.what()));
    }
    inside->context = mg_start2(&init, &error);
  }
  if (!inside->context) {
    const std::string& why = inside->start_complaint;
    return Error{
        Code::system,
        "cannot listen on " + listen + ": " + (why.empty() ? std::string(text.data()) : why),
        "Is another program on this port? Port 0 picks a free one."};
  }
  if (!inside->wait_for_acceptor()) {
    // Left as it is: mg_stop waits for that thread, which is not there.
    static_cast<void>(inside.release());
    return no_thread("the thread that accepts connections");
  }
  if (inside->guarded.port == 0) return Error{Code::system, "cannot tell the port of " + listen};
  return HttpServer(std::move(inside));
}

}  // namespace jcn
