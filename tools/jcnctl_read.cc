// get, rejects, explain, dump: questions to the daemon, or to the index where none answers.
#include <limits.h>
#include <stdlib.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "jcn/canonical.h"
#include "jcn/dump.h"
#include "jcn/rules.h"
#include "jcn/utf8.h"
#include "jcnctl.h"
#include "jcnctl_rows.h"

namespace jcnctl {
using jcn::Code;
using jcn::Error;
using jcn::Result;

Result<jcn::IndexReader> open_index(const Context& context) {
  return jcn::IndexReader::open(context.index);
}

Result<std::optional<HttpClient>> find_daemon(const Context& context) {
  if (context.index.empty()) {
    HttpClient daemon(
        {.url = context.url,
         .token = context.token,
         .hint = "is jcn running? name it with --url or JCN_URL, or its index with --index"});
    JCN_TRY(const Answer answer, daemon.get("/healthz"));
    return std::optional<HttpClient>(std::move(daemon));
  }
  return jcn_client::serving_daemon(context.index, context.token);
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
          daemon.get("/v1/explain?path=" +
                     percent_encoded(jcn::printable_path(as_rooted(path, root_paths(status))))));
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
  JCN_TRY(const jcn::Rules rules, jcn::rules_of(snapshot, context.index));
  JCN_CHECK(jcn::dump(snapshot, rules, served, print_line));
  return Exit::ok;
}

}  // namespace jcnctl
