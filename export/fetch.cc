#include "fetch.h"

#include <time.h>

#include <chrono>

#include "database.h"
#include "tables.h"

namespace jcn_export {
namespace {

using jcn::Code;
using jcn::Error;
using jcn::Result;

constexpr std::chrono::minutes longest_making{30};  // of the daemon's snapshot
constexpr std::chrono::seconds silence_patience{60};
constexpr timespec between_questions{1, 0};  // as Retry-After says

Result<void> download(jcn_client::HttpClient& daemon, const Destination& destination,
                      const Progress& progress) {
  std::uint64_t size = 0;
  bool goes_on = true;
  Result<void> written;
  const auto take = [&](std::string_view piece) {
    written = jcn::write_all(destination.descriptor(), piece, destination.aside());
    size += piece.size();
    goes_on = progress("fetching kB", size / 1000, daemon.announced_bytes() / 1000);
    return written.ok() && goes_on;
  };
  const auto deadline = std::chrono::steady_clock::now() + longest_making;
  for (;;) {
    const auto got = daemon.stream("/v1/export.sqlite", silence_patience, take);
    JCN_CHECK(std::move(written));
    if (!goes_on) return stopped();
    if (got) return {};
    const bool being_made = got.error().code == Code::not_ready && size == 0;
    if (!being_made || std::chrono::steady_clock::now() > deadline) return got.error();
    ::nanosleep(&between_questions, nullptr);
    if (!progress("waiting", 0, 0)) return stopped();
  }
}

Error no_snapshot(const std::string& url, const std::string& finding) {
  return Error{Code::internal, "what " + url + " sent is no whole snapshot of jcn's: " + finding,
               "run it again; if it stays so, ask whether another program listens there"};
}

// What the file says of itself.
Result<Exported> read_summary(Database& file) {
  Exported summary;
  JCN_TRY(Statement head,
          file.prepare(
              R"(SELECT "uuid", "sequence", "time", (SELECT count(*) FROM "rejects"),
                              (SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND
                               type IN ('table', 'virtual') AND name NOT LIKE 'sqlite\_%' ESCAPE '\')
                              FROM "_jcn")"));
  JCN_TRY(const bool there, head.step());
  if (!there) return Error{Code::internal, "_jcn is empty"};
  summary.uuid = head.text(0);
  summary.sequence = static_cast<std::uint64_t>(head.integer(1));
  summary.made = head.text(2);
  summary.rejects = static_cast<std::uint64_t>(head.integer(3));
  summary.tables = static_cast<std::uint64_t>(head.integer(4));
  JCN_TRY(Statement kind, file.prepare(R"(SELECT "kind", "records" FROM "_kinds")"));
  for (;;) {
    JCN_TRY(const bool more, kind.step());
    if (!more) return summary;
    summary.records[std::string(kind.text(0))] = static_cast<std::uint64_t>(kind.integer(1));
  }
}

Result<Exported> look_at(const std::string& path, const Progress& progress) {
  JCN_TRY(Database file, Database::open(path, Database::Access::read));
  JCN_TRY(const auto id, file.value("PRAGMA application_id"));
  if (id != std::to_string(application_id)) {
    return Error{Code::internal, "another program made it"};
  }
  JCN_CHECK(check_file(file, progress));
  JCN_TRY(Exported summary, read_summary(file));
  JCN_CHECK(file.close());
  return summary;
}

}  // namespace

Result<Exported> fetch_snapshot(jcn_client::HttpClient& daemon, const Destination& destination,
                                const Progress& progress) {
  JCN_CHECK(download(daemon, destination, progress));
  destination.begin_sync();
  auto summary = look_at(destination.aside(), progress);
  if (!progress("checking", 0, 0)) return stopped();
  if (!summary) return no_snapshot(daemon.url(), summary.error().message);
  return summary;
}

}  // namespace jcn_export
