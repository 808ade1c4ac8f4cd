// The least that a crawl could take: every *.json file beneath a folder found, and looked at or
// read.
//   bare_walk [--stat] [--threads N] FOLDER: prints {"files":…,"bytes":…,"seconds":…}
// --stat: statx each file, which a restart must do; otherwise open, fstat, read, close.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

struct Found {
  std::vector<std::string> files;  // paths
  std::uint64_t bytes = 0;
};

[[noreturn]] void fail(const char* doing, const std::string& path) {
  std::fprintf(stderr, "bare_walk: %s %s: %m\n", doing, path.c_str());
  std::exit(1);
}

// The folder's files are looked at as they are found (`stat`), or listed.
void walk(int parent, const char* name, const std::string& path, bool stat, Found& found) {
  const int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  DIR* folder = fd < 0 ? nullptr : ::fdopendir(fd);
  if (folder == nullptr) fail("open", path);
  while (const dirent* entry = ::readdir(folder)) {
    const std::string_view each = entry->d_name;
    if (each.starts_with('.')) continue;
    if (entry->d_type == DT_DIR) {
      walk(fd, entry->d_name, path + '/' + entry->d_name, stat, found);
    } else if (each.ends_with(".json")) {
      if (stat) {
        struct statx facts {};
        if (::statx(fd, entry->d_name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &facts) != 0) {
          fail("statx", path);
        }
        found.bytes += facts.stx_size;
      }
      found.files.push_back(path + '/' + entry->d_name);
    }
  }
  ::closedir(folder);
}

std::uint64_t read_file(const std::string& path, std::vector<char>& buffer) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  struct stat facts {};
  if (fd < 0 || ::fstat(fd, &facts) != 0) fail("open", path);
  const ssize_t bytes = ::read(fd, buffer.data(), buffer.size());
  if (bytes < 0) fail("read", path);
  ::close(fd);
  return static_cast<std::uint64_t>(bytes);
}

}  // namespace

int main(int argc, char** argv) {
  bool stat = false;
  unsigned threads = 1;
  std::string folder;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--stat") {
      stat = true;
    } else if (word == "--threads" && i + 1 < argc) {
      threads = static_cast<unsigned>(std::atoi(argv[++i]));
    } else {
      folder = word;
    }
  }
  if (folder.empty() || threads == 0) {
    std::fprintf(stderr, "usage: bare_walk [--stat] [--threads N] FOLDER\n");
    return 2;
  }
  const auto begun = std::chrono::steady_clock::now();
  Found found;
  walk(AT_FDCWD, folder.c_str(), folder, stat, found);
  if (!stat) {
    std::atomic<std::size_t> next = 0;
    std::atomic<std::uint64_t> bytes = 0;
    std::vector<std::jthread> readers;
    for (unsigned i = 0; i < threads; ++i) {
      readers.emplace_back([&] {
        std::vector<char> buffer(1 << 20);
        std::uint64_t mine = 0;
        for (std::size_t at = next++; at < found.files.size(); at = next++) {
          mine += read_file(found.files[at], buffer);
        }
        bytes += mine;
      });
    }
    readers.clear();
    found.bytes = bytes;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::printf("{\"files\":%zu,\"bytes\":%llu,\"seconds\":%.6f}\n", found.files.size(),
              static_cast<unsigned long long>(found.bytes), took.count());
}
