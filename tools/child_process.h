// Another program, run as a child: without a shell, in a process group of its own, at low priority,
// with few variables of the environment. It ends with us, however we end.
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jcn/result.h"

namespace jcn_transcode {

struct Ended {
  int status = 0;      // as of wait(2)
  bool ended = false;  // by us, because it was not to go on
  std::string errors;  // the end of what it wrote to standard error

  bool fine() const { return !ended && status == 0; }
};

struct Child {
  std::string program;  // looked for in PATH, unless there is a '/' in it
  std::vector<std::string> arguments = {};
  std::span<const int> descriptors = {};  // what it gets as 3, 4, …; nothing else but 0, 1 and 2
  // What it writes to standard output, in pieces.
  std::function<void(std::string_view)> output = [](std::string_view) {};
  // Asked several times a second, also when it says nothing; false: it and its group are killed.
  std::function<bool()> goes_on = [] { return true; };
};

// Returns once it has ended. For a process with one thread. Errors: system (it can't be started;
// the message names it).
jcn::Result<Ended> run_child(const Child& child);

}  // namespace jcn_transcode
