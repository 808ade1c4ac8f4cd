// get, find, rejects, explain, dump: questions to the daemon, or to the index where none answers.
#include <limits.h>
#include <stdlib.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "jcn/canonical.h"
#include "jcn/dump.h"
#include "jcn/rules.h"
#include "jcnctl.h"
#include "jcnctl_table.h"

namespace jcnctl {
namespace {

using jcn::Code;
using jcn::Error;
using jcn::Result;

void print_line(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
}

// A JSON value as a table shows it.
std::string cell(std::string_view value) {
  if (value == "null") return "";
  return value.front() == '"' ? jcn::json_unquote(value) : std::string(value);
}

// Rows of an answer to people or programs. People get a table a page, so that columns can be set.
class Rows {
 public:
  Rows(const Context& context, std::vector<std::string> headings, std::vector<std::string> fields)
      : json_(context.json), table_(std::move(headings)), fields_(std::move(fields)) {}
  ~Rows() { flush(); }
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  void add(std::string_view row) {
    ++count_;
    if (json_) return print_line(row);
    std::vector<std::string> cells;
    for (const std::string& field : fields_) {
      // An empty name stands for the rest of the row.
      cells.push_back(field.empty() ? rest(row) : cell(raw_member(row, field)));
    }
    table_.add(std::move(cells));
  }
  void flush() {
    if (table_.empty()) return;
    std::fputs(table_.text(terminal_width()).c_str(), stdout);
    table_ = Table(std::vector<std::string>(fields_.size()));  // the headings stand above already
  }
  std::uint64_t count() const { return count_; }

 private:
  static std::string rest(std::string_view row) {
    jcn::JsonCursor members(row);
    members.next();  // _id, which has a column of its own
    std::string text;
    while (members.next()) {
      if (!text.empty()) text += ", ";
      text += jcn::json_unquote(members.name()) + ": " + std::string(members.value());
      if (text.size() > 500) break;  // no terminal shows more
    }
    return text;
  }

  bool json_;
  Table table_;
  std::vector<std::string> fields_;
  std::uint64_t count_ = 0;
};

// Walks the pages of a listing.
Result<void> each_row(HttpClient& daemon, const std::string& target, std::uint64_t limit,
                      Rows& rows) {
  std::string next;
  for (;;) {
    const char* sign = target.find('?') == std::string::npos ? "?" : "&";
    JCN_TRY(const Answer page,
            daemon.get(next.empty() ? target : target + sign + "_next=" + percent_encoded(next)));
    const std::string all = raw_member(page.body, "rows");
    if (all.empty() || all.front() != '[') {
      return Error{Code::internal, daemon.url() + " gave no rows", "is it another program?"};
    }
    jcn::JsonCursor each(all);
    while (each.next()) {
      rows.add(each.value());
      if (limit != 0 && rows.count() >= limit) return {};
    }
    rows.flush();
    next = text_member(page.body, "next");
    if (next.empty()) return {};
  }
}

}  // namespace

Result<jcn::IndexReader> open_index(const Context& context) {
  return jcn::IndexReader::open(context.index);
}

Result<std::optional<HttpClient>> find_daemon(const Context& context) {
  if (context.index.empty()) {
    HttpClient daemon(context.url);
    JCN_TRY(const Answer answer, daemon.get("/healthz"));
    return std::optional<HttpClient>(std::move(daemon));
  }
  // The address may be left from a daemon that was killed: whoever answers there must serve this
  // index.
  std::ifstream file(context.index + "/daemon.addr");
  std::string url;
  if (!std::getline(file, url) || url.empty()) return std::optional<HttpClient>();
  HttpClient daemon(url);
  const auto status = daemon.get("/v1/status");
  if (!status.ok() && status.error().code != Code::not_connected &&
      status.error().code != Code::internal) {
    return status.error();
  }
  if (!status.ok()) return std::optional<HttpClient>();
  std::error_code error;
  if (!std::filesystem::equivalent(text_member(status->body, "index"), context.index, error)) {
    return std::optional<HttpClient>();
  }
  return std::optional<HttpClient>(std::move(daemon));
}

Result<HttpClient> need_daemon(const Context& context) {
  JCN_TRY(auto daemon, find_daemon(context));
  if (daemon) return std::move(*daemon);
  return Error{Code::not_connected, "no daemon serves the index " + context.index,
               "start jcn with --index " + context.index};
}

Result<Exit> run_get(const Context& context, const std::string& kind, const std::string& id) {
  JCN_TRY(auto daemon, find_daemon(context));
  if (daemon) {
    JCN_TRY(const Answer answer,
            daemon->get("/v1/" + percent_encoded(kind) + "/" + percent_encoded(id)));
    print_line(answer.body);
    return Exit::ok;
  }
  JCN_TRY(const jcn::IndexReader index, open_index(context));
  JCN_TRY(const jcn::Snapshot snapshot, index.snapshot());
  JCN_TRY(const auto document, offline_record(snapshot, {kind, id}));
  if (!document)
    return Error{Code::no_such_record, "no record of kind " + kind + " has the id " + id};
  print_line(*document);
  return Exit::ok;
}

Result<Exit> run_find(const Context& context, const FindOptions& options) {
  std::vector<std::string> fields = {"_id"};
  if (options.columns.empty()) fields.push_back("");
  for (const std::string& column : options.columns) fields.push_back(column);
  std::vector<std::string> headings = fields;
  if (options.columns.empty()) headings.back() = "record";
  Rows rows(context, headings, fields);

  JCN_TRY(auto daemon, find_daemon(context));
  if (daemon) {
    const std::uint64_t page =
        options.limit == 0 ? options.page : std::min<std::uint64_t>(options.page, options.limit);
    std::string target = "/v1/" + percent_encoded(options.kind) + "?_size=" + std::to_string(page);
    for (std::size_t i = 0; i < options.columns.size(); ++i) {
      target += (i == 0 ? "&_col=" : ",") + percent_encoded(options.columns[i]);
    }
    JCN_CHECK(each_row(*daemon, target, options.limit, rows));
    return Exit::ok;
  }
  JCN_TRY(const jcn::IndexReader index, open_index(context));
  JCN_TRY(const jcn::Snapshot snapshot, index.snapshot());
  JCN_CHECK(offline_rows(snapshot, options, [&](std::string_view row) {
    rows.add(row);
    if (rows.count() % options.page == 0) rows.flush();
    return true;
  }));
  return Exit::ok;
}

Result<Exit> run_rejects(const Context& context) {
  Rows rows(context, {"root", "path", "line", "column", "code", "message"},
            {"root", "path", "line", "column", "code", "message"});
  JCN_TRY(auto daemon, find_daemon(context));
  if (daemon) {
    JCN_CHECK(each_row(*daemon, "/v1/rejects", 0, rows));
    return Exit::ok;
  }
  JCN_TRY(const jcn::IndexReader index, open_index(context));
  JCN_TRY(const jcn::Snapshot snapshot, index.snapshot());
  JCN_CHECK(offline_rejects(snapshot, [&](std::string_view row) {
    rows.add(row);
    return true;
  }));
  return Exit::ok;
}

namespace {

std::vector<std::string> root_paths(const Answer& status) {
  std::vector<std::string> paths;
  const std::string roots = raw_member(status.body, "roots");
  if (roots.empty() || roots.front() != '[') return paths;
  for (jcn::JsonCursor each(roots); each.next();)
    paths.push_back(text_member(each.value(), "path"));
  return paths;
}

// `path`, absolute, as the daemon names it: links are resolved on the way to a root, as the roots'
// paths are, and kept beneath it, where the daemon follows none.
std::string as_rooted(const std::string& path, const std::vector<std::string>& roots) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::path absolute = fs::absolute(path, error).lexically_normal();
  if (!absolute.has_filename()) absolute = absolute.parent_path();
  const auto beneath_a_root = [&roots](const std::string& folder) {
    return std::any_of(roots.begin(), roots.end(), [&](const std::string& root) {
      return folder == root || folder.starts_with(root == "/" ? root : root + '/');
    });
  };
  fs::path way, resolved;
  for (auto part = absolute.begin(); part != absolute.end(); ++part) {
    if (beneath_a_root(resolved.string())) {
      resolved /= *part;
      continue;
    }
    way /= *part;
    // The last part may be a link itself, which is what is asked about.
    if (std::next(part) == absolute.end()) {
      resolved /= *part;
    } else {
      resolved = fs::weakly_canonical(way, error);
      if (error) return absolute.string();
    }
  }
  return resolved.string();
}

}  // namespace

Result<Exit> run_explain(const Context& context, const std::string& path) {
  JCN_TRY(HttpClient daemon, need_daemon(context));
  JCN_TRY(const Answer status, daemon.get("/v1/status"));
  JCN_TRY(const Answer answer,
          daemon.get("/v1/explain?path=" + percent_encoded(as_rooted(path, root_paths(status)))));
  if (context.json) {
    print_line(answer.body);
    return Exit::ok;
  }
  jcn::JsonCursor members(answer.body);
  while (members.next()) {
    const std::string value = fitted(cell(members.value()), 2000);
    if (!value.empty()) {
      std::printf("%-8s %s\n", jcn::json_unquote(members.name()).c_str(), value.c_str());
    }
  }
  return Exit::ok;
}

Result<Exit> run_dump(const Context& given, bool served) {
  Context context = given;
  JCN_TRY(auto daemon, find_daemon(given));
  if (daemon) {
    JCN_TRY(const Answer synced,
            daemon->post("/v1/sync?durable=1&timeout_ms=120000", std::chrono::seconds(125)));
    JCN_TRY(const Answer status, daemon->get("/v1/status"));
    if (context.index.empty()) context.index = text_member(status.body, "index");
  }
  JCN_TRY(const jcn::IndexReader index, open_index(context));
  JCN_TRY(const jcn::Snapshot snapshot, index.snapshot());
  const auto text = snapshot.note("rules");
  if (!text) {
    return Error{Code::index_unreadable, context.index + " does not say by which rules it was made",
                 "start jcn on it once"};
  }
  JCN_TRY(const jcn::Rules rules, jcn::Rules::from_json(*text));
  JCN_CHECK(jcn::dump(snapshot, rules, served, print_line));
  return Exit::ok;
}

}  // namespace jcnctl
