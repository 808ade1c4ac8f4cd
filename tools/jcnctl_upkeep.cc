// verify, compact, reindex: the index itself.
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <set>

#include "jcn/verify.h"
#include "jcn/verify_content.h"
#include "jcnctl.h"
#include "jcnctl_rows.h"
#include "json_writer.h"
#include "progress_bar.h"

namespace jcnctl {
namespace {

using jcn::Code;
using jcn::Error;
using jcn::FileDifference;
using jcn::Result;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::string row_of(std::string_view problem, const jcn::FragmentName* name,
                   std::string_view detail) {
  std::string text;
  jcn::JsonWriter json(text);
  json.open('{').key("problem").string(problem).key("root");
  if (name) {
    json.string(name->root).key("path").bytes(name->path);
  } else {
    json.null().key("path").null();
  }
  json.key("detail").bytes(detail).close('}');
  return text;
}

std::string_view detail_of(FileDifference::Kind kind) {
  switch (kind) {
    case FileDifference::Kind::content:
      return "other bytes under the same size and mtime";
    case FileDifference::Kind::changed:
      return "changed since it was read";
    case FileDifference::Kind::missing:
      return "gone since it was read";
    case FileDifference::Kind::unknown:
      return "there, and not in the index";
  }
  return {};
}

// What verify looks at, and what it finds.
class Verification {
 public:
  Verification(const Context& context, std::optional<HttpClient> daemon, std::string index)
      : daemon_(std::move(daemon)),
        index_(std::move(index)),
        rows_(context, {"problem", "root", "path", "detail"},
              {"problem", "root", "path", "detail"}) {}

  Result<Exit> run(const Context& context) {
    JCN_CHECK(sync());
    JCN_TRY(const jcn::IndexHealth health,
            jcn::examine_index(index_, [this](std::uint64_t done, std::uint64_t of) {
              bar_.show("pages", done, of);
            }));
    if (!health.whole()) {
      bar_.clear();
      for (const std::string& what : health.findings) rows_.add(row_of("damage", nullptr, what));
    }
    Result<void> compared;
    if (health.whole()) compared = compare();
    bar_.clear();
    rows_.flush();
    JCN_CHECK(compared);
    summary(context, health);
    if (!health.whole()) return Exit::failed;
    return rows_.count() == 0 ? Exit::ok : Exit::no;
  }

 private:
  // What was dropped before is folded then.
  Result<void> sync() {
    if (!daemon_) return {};
    JCN_TRY([[maybe_unused]] const Answer answer,
            daemon_->post("/v1/sync?durable=1&timeout_ms=600000", milliseconds(610'000)));
    return {};
  }

  Result<void> compare() {
    const char* stage = "sections";
    const jcn::ContentProgress progress = [&, this](std::uint64_t done, std::uint64_t of) {
      bar_.show(stage, done, of);
      return true;
    };
    {
      JCN_TRY(const jcn::IndexReader reader, jcn::IndexReader::open(index_));
      JCN_TRY(const jcn::Snapshot snapshot, reader.snapshot());
      JCN_CHECK(jcn::verify_sections(
          snapshot,
          [this](const std::string& what) { rows_.add(row_of("section", nullptr, what)); },
          progress));
    }
    stage = "files";
    JCN_TRY(Differences found, compare_files(progress));
    // What changes under way is no difference: one is there after all of that was read, too, in the
    // same file.
    if (daemon_ && !found.empty()) {
      JCN_CHECK(sync());
      JCN_TRY(const Differences again, compare_files(progress));
      std::erase_if(found, [&again](const auto& difference) {
        const auto same = again.find(difference.first);
        return same == again.end() || same->second != difference.second;
      });
    }
    bar_.clear();
    for (const auto& [difference, facts] : found) {
      const auto& [kind, name] = difference;
      rows_.add(row_of(jcn::difference_name(kind), &name, detail_of(kind)));
    }
    for (const std::string& root : offline_) {
      const jcn::FragmentName name{root, ""};
      rows_.add(row_of("offline", &name, "the root cannot be opened: its files were not compared"));
    }
    return {};
  }

  using Differences = std::map<std::pair<FileDifference::Kind, jcn::FragmentName>, jcn::FileFacts>;
  Result<Differences> compare_files(const jcn::ContentProgress& progress) {
    JCN_TRY(const jcn::IndexReader reader, jcn::IndexReader::open(index_));
    JCN_TRY(const jcn::Snapshot snapshot, reader.snapshot());
    const auto note = snapshot.note(jcn::roots_note);
    if (!note) {
      return Error{Code::index_unreadable, index_ + " does not say where its roots are",
                   "start jcn on it once"};
    }
    files_ = snapshot.counts().fragments;
    Differences found;
    offline_.clear();
    JCN_CHECK(jcn::verify_files(
        snapshot, jcn::decode_roots(*note),
        [&found](const FileDifference& difference) {
          found.emplace(std::pair(difference.kind, difference.name), difference.found);
        },
        [this](const std::string& root) { offline_.insert(root); }, progress));
    return found;
  }

  void summary(const Context& context, const jcn::IndexHealth& health) {
    const jcn::VerifyReport& report = health.report;
    if (!context.json) {
      if (!health.whole()) {
        std::printf("damaged: start jcn, or wait for it, to have it repaired\n");
      } else if (rows_.count() == 0) {
        std::printf("all as it should be: %llu records, %llu entries, %llu blocks, %llu files\n",
                    static_cast<unsigned long long>(report.records),
                    static_cast<unsigned long long>(report.entries),
                    static_cast<unsigned long long>(report.blocks),
                    static_cast<unsigned long long>(files_));
      } else {
        std::printf("the index is whole; jcnctl reindex reads what is different\n");
      }
      return;
    }
    std::string text;
    jcn::JsonWriter json(text);
    json.open('{').key("ok").boolean(health.whole() && rows_.count() == 0);
    json.key("records").number(report.records).key("entries").number(report.entries);
    json.key("blocks").number(report.blocks).key("files").number(files_);
    json.key("problems").number(rows_.count()).close('}');
    print_line(text);
  }

  std::optional<HttpClient> daemon_;
  const std::string index_;
  Rows rows_;
  ProgressBar bar_;
  std::set<std::string> offline_;
  std::uint64_t files_ = 0;
};

// Has the daemon write its index anew, and waits for that.
Result<Exit> write_anew(const Context& context, const std::string& what) {
  JCN_TRY(HttpClient daemon, need_daemon(context));
  JCN_TRY(const Answer begun, daemon.post("/v1/status/" + what));
  const std::uint64_t asked = number_member(begun.body, "asked");
  ProgressBar bar;
  for (;;) {
    JCN_TRY(const Answer status, daemon.get("/v1/status"));
    const std::string upkeep = raw_member(status.body, "upkeep");
    if (number_member(upkeep, "finished") >= asked) {
      bar.clear();
      if (raw_member(upkeep, "failure") != "null") {
        return Error{Code::internal, text_member(upkeep, "failure"), "the index is as it was"};
      }
      const std::uint64_t bytes = number_member(status.body, "index_bytes");
      if (context.json) {
        std::string text;
        jcn::JsonWriter(text)
            .open('{')
            .key("ok")
            .boolean(true)
            .key("index_bytes")
            .number(bytes)
            .close('}');
        print_line(text);
      } else {
        std::printf("done: the index has %.1f MB\n", static_cast<double>(bytes) / 1e6);
      }
      return Exit::ok;
    }
    bar.show(what.c_str(), number_member(upkeep, "done"), number_member(upkeep, "total"));
    const timespec pause{0, 50'000'000};
    nanosleep(&pause, nullptr);
  }
}

}  // namespace

Result<Exit> run_verify(const Context& context) {
  JCN_TRY(auto daemon, find_daemon(context));
  std::string index = context.index;
  if (index.empty()) {
    JCN_TRY(const Answer status, daemon->get("/v1/status"));
    index = text_member(status.body, "index");
  }
  return Verification(context, std::move(daemon), index).run(context);
}

Result<Exit> run_compact(const Context& context) {
  return write_anew(context, "compact");
}

Result<Exit> run_reindex(const Context& context) {
  return write_anew(context, "reindex");
}

}  // namespace jcnctl
