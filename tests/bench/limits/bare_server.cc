// The least that a daemon of this kind could take: CivetWeb with one handler, which answers from a
// map.
//   bare_server FOLDER [RECORDS]
// A file that is renamed into FOLDER is opened, read, parsed by RapidJSON, and from then on
// answered as /v1/videos/ID; ID is its member "id". RECORDS: lines "ID<tab>DOCUMENT", answered from
// the start. The port goes to standard output; ends when standard input does.
#include <civetweb.h>
#include <fcntl.h>
#include <poll.h>
#include <rapidjson/document.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

constexpr std::string_view prefix = "/v1/videos/";

struct Map {
  std::shared_mutex lock;
  std::unordered_map<std::string, std::shared_ptr<const std::string>> documents;

  std::shared_ptr<const std::string> find(const std::string& id) {
    const std::shared_lock held(lock);
    const auto found = documents.find(id);
    return found == documents.end() ? nullptr : found->second;
  }
  void put(std::string id, std::string document) {
    auto kept = std::make_shared<const std::string>(std::move(document));
    const std::unique_lock held(lock);
    documents[std::move(id)] = std::move(kept);
  }
};

int answer(mg_connection* connection, void* given) {
  const mg_request_info* request = mg_get_request_info(connection);
  const std::string_view uri = request->local_uri_raw;
  const auto document = uri.starts_with(prefix)
                            ? static_cast<Map*>(given)->find(std::string(uri.substr(prefix.size())))
                            : nullptr;
  const int status = document ? 200 : 404;
  std::string text = status == 200 ? "HTTP/1.1 200 OK\r\n" : "HTTP/1.1 404 Not Found\r\n";
  text += "Content-Type: application/json\r\nContent-Length: " +
          std::to_string(document ? document->size() : 0) + "\r\nConnection: keep-alive\r\n\r\n";
  if (document) text += *document;
  mg_write(connection, text.data(), text.size());
  return status;
}

void take(int folder, const char* name, Map& map) {
  const int fd = ::openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  struct stat facts {};
  if (fd < 0 || ::fstat(fd, &facts) != 0) return;
  std::string text(static_cast<std::size_t>(facts.st_size), '\0');
  const ssize_t bytes = ::read(fd, text.data(), text.size());
  ::close(fd);
  if (bytes < 0) return;
  rapidjson::Document document;
  document.Parse(text.data(), static_cast<std::size_t>(bytes));
  if (document.HasParseError() || !document.IsObject() || !document.HasMember("id")) return;
  map.put(document["id"].GetString(), std::move(text));
}

[[noreturn]] void fail(const char* doing) {
  std::fprintf(stderr, "bare_server: %s: %s\n", doing, std::strerror(errno));
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bare_server FOLDER [RECORDS]\n");
    return 2;
  }
  Map map;
  if (argc > 2) {
    std::ifstream records(argv[2]);
    for (std::string line; std::getline(records, line);) {
      const std::size_t tab = line.find('\t');
      if (tab != std::string::npos) map.put(line.substr(0, tab), line.substr(tab + 1));
    }
  }
  const int folder = ::open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int events = ::inotify_init1(IN_CLOEXEC);
  if (folder < 0 || events < 0 || ::inotify_add_watch(events, argv[1], IN_MOVED_TO) < 0) {
    fail(argv[1]);
  }
  const char* options[] = {"listening_ports",
                           "127.0.0.1:0",
                           "num_threads",
                           "64",
                           "enable_keep_alive",
                           "yes",
                           "tcp_nodelay",
                           "1",
                           "keep_alive_timeout_ms",
                           "60000",
                           "decode_url",
                           "no",
                           nullptr};
  mg_init_library(0);
  mg_callbacks callbacks{};
  mg_context* server = mg_start(&callbacks, nullptr, options);
  if (server == nullptr) fail("mg_start");
  mg_set_request_handler(server, "/", answer, &map);
  mg_server_port port{};
  mg_get_server_ports(server, 1, &port);
  std::printf("%d\n", port.port);
  std::fflush(stdout);

  pollfd waiting[] = {{events, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
  while (::poll(waiting, 2, -1) > 0 && waiting[1].revents == 0) {
    alignas(inotify_event) char buffer[1 << 16];
    const ssize_t bytes = ::read(events, buffer, sizeof buffer);
    for (ssize_t at = 0; at < bytes;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      if (event->len > 0) take(folder, event->name, map);
      at += static_cast<ssize_t>(sizeof *event + event->len);
    }
  }
  mg_stop(server);
}
