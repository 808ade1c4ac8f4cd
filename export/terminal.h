// What jcn-export shows while it works, and how it is told to stop. One thread, but for the
// signals.
#pragma once

#include <cstdint>
#include <string>

namespace jcn_export {

// SIGINT, SIGTERM and SIGHUP no longer end the process, but ask it to stop; SIGXFSZ is ignored, so
// that a limit on file sizes is an error of write(2). For main().
void catch_signals();
bool asked_to_stop();

// "1.5 MB"
std::string size_text(std::uint64_t bytes);

}  // namespace jcn_export
