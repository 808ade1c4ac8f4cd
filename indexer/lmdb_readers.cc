// LMDB tells of its readers in lines of text only: "  PID  THREAD  TXNID", with "-" for a slot
// whose transaction is not under way. lmdb.h, mdb_reader_list.
#include <lmdb.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <vector>

#include "lmdb_env.h"

namespace jcn {
namespace {

// Of one line.
int take_reader(const char* message, void* context) {
  std::string_view line(message);
  while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.remove_suffix(1);
  const std::string_view last = line.substr(line.rfind(' ') + 1);
  std::uint64_t state = 0;
  const auto [end, error] = std::from_chars(last.data(), last.data() + last.size(), state);
  // The heading, and "(no active readers)", end in no number.
  if (error == std::errc() && end == last.data() + last.size())
    static_cast<std::vector<std::uint64_t>*>(context)->push_back(state);
  return 0;
}

}  // namespace

Result<IndexReaders> LmdbEnv::readers() {
  std::vector<std::uint64_t> states;
  if (mdb_reader_list(env_, take_reader, &states) < 0)
    return Error{Code::system, "mdb_reader_list failed"};
  IndexReaders readers{states.size(), 0};
  if (states.empty()) return readers;
  // Behind the list: none of it is newer.
  JCN_TRY(const ReadTxn now, begin_read());
  const std::uint64_t oldest = *std::min_element(states.begin(), states.end());
  readers.oldest_behind = now.id() - std::min(oldest, now.id());
  return readers;
}

}  // namespace jcn
