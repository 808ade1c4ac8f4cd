#include "descriptor_limit.h"

#include <sys/resource.h>

#include <algorithm>
#include <string>

namespace jcn {
namespace {

// About 25 are open at rest: standard streams, index, logs, events. A generation that is written
// beside the one in use, a child that examines an index, readers and reserves come on top.
constexpr std::uint64_t own_descriptors = 64;
constexpr unsigned fewest_threads = 8, fewest_queued = 8;

}  // namespace

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;  // what Linux starts with
  if (limit.rlim_cur < limit.rlim_max) {
    rlimit raised = limit;
    raised.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return limit.rlim_cur;
}

Result<Connections> share_descriptors(std::uint64_t limit, std::size_t roots, std::size_t webhooks,
                                      const Connections& wanted) {
  // Each root's folder, twice while it is looked at anew; each webhook's connection, twice while it
  // is made (IPv4 and IPv6); and a connection just taken.
  const std::uint64_t needed = own_descriptors + 2 * roots + 2 * webhooks + 1;
  const std::uint64_t fewest = needed + fewest_threads + fewest_queued;
  if (limit < fewest) {
    return Error{Code::bad_configuration,
                 "the limit of open files is " + std::to_string(limit) + ", jcn needs " +
                     std::to_string(fewest) + " at least",
                 "raise it: ulimit -n, or LimitNOFILE= in the unit"};
  }
  // Threads first: they serve, the queue only waits.
  const std::uint64_t left = limit - needed;
  Connections given;
  given.threads = static_cast<unsigned>(
      std::clamp<std::uint64_t>(left - fewest_queued, fewest_threads, wanted.threads));
  given.queue = static_cast<unsigned>(
      std::clamp<std::uint64_t>(left - given.threads, fewest_queued, wanted.queue));
  return given;
}

}  // namespace jcn
