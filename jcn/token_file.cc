#include "token_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "jcn/file_descriptor.h"

namespace jcn {
namespace {

constexpr std::size_t shortest = 16, longest = 512;

// A file that is named in messages.
struct Named {
  const char* what;
  const std::string& path;
};

Error unusable(const Named& file, const std::string& why, std::string hint) {
  return Error{Code::bad_configuration, file.what + (" " + file.path) + ": " + why,
               std::move(hint)};
}

std::string octal(mode_t mode) {
  std::string text = "0";
  for (int shift = 6; shift >= 0; shift -= 3) text += static_cast<char>('0' + (mode >> shift & 7));
  return text;
}

// RFC 6750 §2.1: b64token.
bool is_token68(std::string_view text) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~+/").find(c) != std::string_view::npos;
  });
}

Result<void> check_owner(const Named& path, const struct stat& facts) {
  if (!S_ISREG(facts.st_mode))
    return unusable(path, "it is no regular file", "give a file that holds it");
  if (facts.st_uid != 0 && facts.st_uid != ::geteuid())
    return unusable(path, "it belongs to another user, who could change it",
                    "chown it to the user that jcn runs as, or to root");
  if ((facts.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) == 0) return {};
  const bool read = (facts.st_mode & S_IROTH) != 0;
  return unusable(path,
                  std::string("others can ") + (read ? "read" : "change") + " it (mode " +
                      octal(facts.st_mode) + ")",
                  "chmod 600 " + path.path + ", and write a new one into it");
}

}  // namespace

Result<std::string> read_token_file(const std::string& name, const char* what) {
  const Named path{what, name};
  // A FIFO must not hold up the start.
  const FileDescriptor file(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat facts {};
  if (!file || ::fstat(file.get(), &facts) != 0)
    return unusable(path, std::strerror(errno), "give a file that jcn can read");
  JCN_CHECK(check_owner(path, facts));
  std::array<char, longest + 2> bytes{};  // the token, a line feed, and whether there is more
  std::size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t got = ::read(file.get(), bytes.data() + size, bytes.size() - size);
    if (got == 0) break;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unusable(path, std::strerror(errno), "give a file that jcn can read");
    size += static_cast<std::size_t>(got);
  }
  std::string_view token(bytes.data(), size);
  token = token.substr(0, token.find('\n'));
  if (token.ends_with('\r')) token.remove_suffix(1);
  static constexpr const char* recipe =
      "make one: (umask 077; head -c 32 /dev/urandom | base64 >FILE)";
  if (token.size() < shortest || token.size() > longest)
    return unusable(path, "its first line has not 16 to 512 characters", recipe);
  if (!is_token68(token))
    return unusable(path, "its first line has characters that no token has", recipe);
  return std::string(token);
}

}  // namespace jcn
