#include "run_export.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "datasette.h"
#include "destination.h"
#include "fetch.h"
#include "incremental.h"
#include "progress_bar.h"
#include "serving_daemon.h"
#include "terminal.h"
#include "text_export.h"
#include "token_file.h"

namespace jcn_export {
namespace {

using jcn::Code;
using jcn::Error;
using jcn::Result;

// What is exported, opened: a state that stays as it is, whatever the daemon does meanwhile.
struct Opened {
  jcn::IndexReader index;
  jcn::Snapshot snapshot;
  jcn::Rules rules;
};

// Of an index that a daemon serves, what was dropped before is in it.
Result<void> sync_index(const Options& options) {
  std::string token;
  if (!options.token_file.empty()) {
    JCN_TRY(token, jcn::read_token_file(options.token_file));
  }
  JCN_TRY(auto daemon, jcn_client::serving_daemon(options.index, token));
  if (!daemon) return {};
  JCN_TRY([[maybe_unused]] const jcn_client::Answer answer,
          daemon->post("/v1/sync?durable=1&timeout_ms=120000", std::chrono::seconds(125)));
  return {};
}

Result<Opened> open_index(const Options& options) {
  JCN_CHECK(sync_index(options));
  JCN_TRY(jcn::IndexReader index, jcn::IndexReader::open(options.index));
  JCN_TRY(jcn::Snapshot snapshot, index.snapshot());
  JCN_TRY(jcn::Rules rules, jcn::rules_of(snapshot, options.index));
  return Opened{std::move(index), std::move(snapshot), std::move(rules)};
}

void print_summary(const Exported& done, const std::string& path, double seconds) {
  std::uint64_t records = 0;
  std::string kinds;
  for (const auto& [kind, count] : done.records) {
    records += count;
    kinds += (kinds.empty() ? "" : ", ") + std::to_string(count) + ' ' + kind;
  }
  if (records == 0) kinds = "no records";
  struct stat file {};
  const bool known = ::stat(path.c_str(), &file) == 0;
  std::string rest;
  if (done.tables > 0) {
    rest = "; " + std::to_string(done.rejects) + " rejects; " + std::to_string(done.tables) +
           " tables";
  }
  if (known) rest += ", " + size_text(static_cast<std::uint64_t>(file.st_size));
  std::fprintf(stderr, "%s: %s%s; state %s-%llu\n", path.c_str(), kinds.c_str(), rest.c_str(),
               done.uuid.c_str(), static_cast<unsigned long long>(done.sequence));
  if (!done.made.empty()) {
    std::fprintf(stderr, "made at %s; fetched in %.1f s\n", done.made.c_str(), seconds);
  } else if (done.changes) {
    std::fprintf(stderr, "%llu changes in %.3f s\n", static_cast<unsigned long long>(*done.changes),
                 seconds);
  } else {
    std::fprintf(stderr, "%.1f s, %.0f records/s\n", seconds,
                 static_cast<double>(records) / std::max(seconds, 1e-3));
  }
}

// The destination, brought up to date. Absent: it has to be made anew.
Result<std::optional<Exported>> update(const Destination& destination, const Source& source,
                                       const Progress& progress) {
  if (!destination.exists()) return std::optional<Exported>();
  JCN_TRY(Update updated, update_file(destination.path(), source, progress));
  if (!updated.done) {
    std::fprintf(stderr, "jcn-export: %s is made anew: %s\n", destination.path().c_str(),
                 updated.reason.c_str());
  }
  return std::move(updated.done);
}

Result<Exported> replace(Destination& destination, const Source& source, const Progress& progress) {
  JCN_TRY(Database file, Database::open(destination.aside(), Database::Access::make));
  JCN_TRY(Exported done, export_into(file, source, progress));
  destination.begin_sync();
  JCN_CHECK(check_file(file, progress));
  JCN_CHECK(file.close());
  if (!progress("syncing", 0, 0)) return stopped();
  JCN_CHECK(destination.commit());
  return done;
}

// Works, with a bar, and tells the summary of what came of it.
Result<void> with_bar(const std::string& path,
                      const std::function<Result<Exported>(const Progress&)>& work) {
  const auto begun = std::chrono::steady_clock::now();
  Exported done;
  {
    jcnctl::ProgressBar bar;
    JCN_TRY(done, work([&bar](const char* stage, std::uint64_t so_far, std::uint64_t of) {
              bar.show(stage, so_far, of);
              return !asked_to_stop();
            }));
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  print_summary(done, path, took.count());
  return {};
}

// What Datasette shows beside the database that is named `database`.
Result<void> write_metadata(Destination& destination, const std::string& database) {
  JCN_TRY(Database file, Database::open(database, Database::Access::read));
  JCN_TRY(const std::string text, datasette_metadata(file, database));
  JCN_CHECK(jcn::write_all(destination.descriptor(), text, destination.aside()));
  return destination.commit();
}

Result<void> export_sqlite(const Options& options) {
  if (options.output == "-") {
    return Error{Code::bad_usage, "a SQLite file can't be written to standard output",
                 "name a file with --output"};
  }
  JCN_TRY(const Selection selection, read_selection(options.kind, options.terms));
  JCN_TRY(Destination destination,
          Destination::open(options.output, Destination::Replaces::own_databases));
  std::optional<Destination> metadata;  // what is wrong with it is said before anything is done
  if (!options.metadata.empty()) {
    JCN_TRY(Destination named, Destination::open(options.metadata, Destination::Replaces::texts));
    metadata.emplace(std::move(named));
  }
  JCN_TRY(const Opened opened, open_index(options));
  const Source source{opened.snapshot, opened.rules, selection};
  JCN_CHECK(with_bar(destination.path(), [&](const Progress& progress) -> Result<Exported> {
    std::optional<Exported> done;
    if (options.incremental) {
      JCN_TRY(done, update(destination, source, progress));
    }
    if (done) return std::move(*done);
    return replace(destination, source, progress);
  }));
  return metadata ? write_metadata(*metadata, options.output) : Result<void>();
}

Result<void> export_text(const Options& options) {
  if (options.incremental || !options.metadata.empty()) {
    return Error{Code::bad_usage, "--incremental and --datasette-metadata are for SQLite files",
                 "leave them out, or use --format sqlite"};
  }
  const TextFormat format = options.format == "csv" ? TextFormat::csv : TextFormat::ndjson;
  JCN_TRY(const Selection selection, read_selection(options.kind, options.terms));
  std::optional<Destination> destination;
  if (options.output != "-") {
    JCN_TRY(Destination opened, Destination::open(options.output, Destination::Replaces::texts));
    destination.emplace(std::move(opened));
  }
  JCN_TRY(const Opened opened, open_index(options));
  const Source source{opened.snapshot, opened.rules, selection};
  const int fd = destination ? destination->descriptor() : STDOUT_FILENO;
  const std::string path = destination ? destination->path() : "standard output";
  return with_bar(path, [&](const Progress& progress) -> Result<Exported> {
    JCN_TRY(Exported done, write_text(format, source, fd, path, progress));
    if (destination) JCN_CHECK(destination->commit());
    return done;
  });
}

Result<void> export_from_url(const Options& options) {
  const bool plain = options.kind.empty() && options.terms.empty() && !options.incremental &&
                     options.metadata.empty() && options.format == "sqlite";
  if (!plain || options.output == "-") {
    return Error{Code::bad_usage, "--url fetches the daemon's own snapshot, whole, into a file",
                 "with --index there is more to choose from"};
  }
  JCN_TRY(Destination destination,
          Destination::open(options.output, Destination::Replaces::own_databases));
  std::string token;
  if (!options.token_file.empty()) {
    JCN_TRY(token, jcn::read_token_file(options.token_file));
  }
  jcn_client::HttpClient daemon({.url = options.url,
                                 .token = token,
                                 .hint = "is jcn running? name it with --url, or its index with "
                                         "--index"});
  return with_bar(destination.path(), [&](const Progress& progress) -> Result<Exported> {
    JCN_TRY(Exported fetched, fetch_snapshot(daemon, destination, progress));
    JCN_CHECK(destination.commit());
    return fetched;
  });
}

}  // namespace

Result<void> run_export(const Options& options) {
  if (!options.url.empty()) return export_from_url(options);
  return options.format == "sqlite" ? export_sqlite(options) : export_text(options);
}

}  // namespace jcn_export
