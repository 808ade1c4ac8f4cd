// What `jcnctl doctor` finds. Each part looks at one thing of the machine, and says what it found
// and what to do about it; nothing is changed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace jcn_doctor {

enum class State : std::uint8_t {
  fine,
  warning,  // goes well as it is, and may not for long
  problem,  // something does not work
};

struct Finding {
  const char* check;  // config, daemon, unit, folder, permission, filesystem, limit, clock, disk
  State state = State::fine;
  std::string detail;
  std::string fix = {};  // for what is not fine: a command where there is one
};

using Report = std::function<void(Finding)>;

// The path itself, or the nearest folder above it that is there.
std::string nearest_there(std::string path);
// `path` is `folder`, or lies in it. Both absolute, without a slash at their ends.
bool lies_in(const std::string& path, const std::string& folder);

}  // namespace jcn_doctor
