// Progress: how far a run is, and whether it goes on.
#pragma once

#include <cstdint>
#include <functional>

#include "jcn/result.h"

namespace jcn_export {

// Is told how far a stage is, some times a second; false: stop. `of` 0: not known.
using Progress = std::function<bool(const char* stage, std::uint64_t done, std::uint64_t of)>;

// What follows from that.
jcn::Error stopped();

// Counts what a stage has done, and tells it now and then. One thread.
class Pace {
 public:
  explicit Pace(const Progress& progress) : progress_(&progress) {}

  void begin(const char* stage, std::uint64_t of);
  // Errors: system (stopped).
  jcn::Result<void> one_more();
  std::uint64_t done() const { return done_; }
  // Tells it now. False: stop.
  bool tell() const { return (*progress_)(stage_, done_, of_); }

 private:
  const Progress* progress_;
  const char* stage_ = "";
  std::uint64_t done_ = 0, of_ = 0;
};

}  // namespace jcn_export
