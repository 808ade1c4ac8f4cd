// sync, status, accept.
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>

#include "jcn/canonical.h"
#include "jcnctl.h"
#include "jcnctl_table.h"

namespace jcnctl {
namespace {

using jcn::Result;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

void pause_for(milliseconds time) {
  const timespec wait{time.count() / 1000, (time.count() % 1000) * 1'000'000};
  nanosleep(&wait, nullptr);
}

bool crawl_done(std::string_view status) {
  return text_member(raw_member(status, "crawl"), "state") == "done";
}

std::string members_in_line(std::string_view object) {
  std::string text;
  if (object.empty() || object.front() != '{') return text;
  jcn::JsonCursor members(object);
  while (members.next()) {
    if (!text.empty()) text += ", ";
    text += std::string(members.value()) + " " + jcn::json_unquote(members.name());
  }
  return text;
}

std::string megabytes(std::uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MB", static_cast<double>(bytes) / 1e6);
  return text;
}

// The elements of an array; none where it is no array.
template <class Each>
void each_element(const std::string& array, const Each& each) {
  if (array.empty() || array.front() != '[') return;
  for (jcn::JsonCursor element(array); element.next();) each(element.value());
}

Colour colour_of_root(const std::string& state) {
  return state == "offline" ? Colour::bad : state == "watching" ? Colour::good : Colour::doubtful;
}

// What is asked beside the status; empty where no daemon tells.
struct Beside {
  std::string ready;    // of /readyz
  std::string history;  // of /v1/status/history, the last two minutes
};

// The newest minute in which something became visible.
std::string visible_lately(const std::string& history) {
  std::string text = "nothing changed in the last two minutes";
  each_element(raw_member(history, "rows"), [&](std::string_view row) {
    const std::string visible = raw_member(row, "visible");
    const std::uint64_t count = number_member(visible, "count");
    if (count == 0) return;
    text = std::to_string(count) + (count == 1 ? " change" : " changes") +
           " in a minute, half of them after " + raw_member(visible, "p50_ms") +
           " ms, 99 % after " + raw_member(visible, "p99_ms") + " ms";
  });
  return text;
}

// A screen for people, each line ended.
std::string status_screen(std::string_view status, std::uint64_t rate, const Beside& beside = {}) {
  const std::size_t width = terminal_width();
  std::string out;
  const auto line = [&](const char* name, const std::string& value,
                        std::optional<Colour> colour = std::nullopt) {
    std::string label(name);
    label.resize(10, ' ');
    const std::string text = fitted(label + value, width);
    out += (colour ? in_colour(*colour, text) : text) + "\n";
  };
  line("jcn", text_member(status, "version") + "  at " + text_member(status, "seq"));
  line("records", members_in_line(raw_member(status, "kinds")));
  line("fragments", raw_member(status, "fragments") + "  rejects " + raw_member(status, "rejects"));
  each_element(raw_member(status, "roots"), [&](std::string_view root) {
    const std::string state = text_member(root, "state");
    line("root", text_member(root, "name") + "  " + text_member(root, "path") + "  " + state,
         state.empty() ? std::nullopt : std::optional(colour_of_root(state)));
  });
  line("index",
       text_member(status, "index") + "  " + megabytes(number_member(status, "index_bytes")));
  const std::string crawl = raw_member(status, "crawl");
  if (crawl == "null") {
    line("daemon", "none; read from the index");
  } else if (!crawl_done(status)) {
    line("crawl", progress_line(number_member(crawl, "done"), number_member(crawl, "total"), rate,
                                width > 10 ? width - 10 : width));
  } else {
    line("crawl", "done, " + raw_member(status, "recrawls") + " recrawls, queue " +
                      raw_member(status, "queue") + ", fresh " + raw_member(status, "fresh"));
  }
  const std::string upkeep = raw_member(status, "upkeep");
  if (const std::string state = text_member(upkeep, "state"); !state.empty() && state != "idle") {
    line("upkeep", state + " " +
                       progress_line(number_member(upkeep, "done"), number_member(upkeep, "total"),
                                     0, width > 24 ? width - 24 : width));
  }
  if (!beside.history.empty()) line("visible", visible_lately(beside.history));
  each_element(raw_member(beside.ready, "reasons"), [&](std::string_view reason) {
    line("reason", text_member(reason, "code") + ": " + text_member(reason, "detail"),
         raw_member(beside.ready, "ready") == "true" ? Colour::doubtful : Colour::bad);
  });
  return out;
}

}  // namespace

Result<Exit> run_sync(const Context& context, bool durable, unsigned timeout_ms) {
  JCN_TRY(HttpClient daemon, need_daemon(context));
  std::string target = "/v1/sync?timeout_ms=" + std::to_string(timeout_ms);
  if (durable) target += "&durable=1";
  JCN_TRY(const Answer answer, daemon.post(target, milliseconds(timeout_ms) + milliseconds(5000)));
  const std::string unsettled = raw_member(answer.body, "unsettled");
  const bool settled = unsettled == "[]" || unsettled == "null";
  if (context.json) {
    std::printf("%s\n", answer.body.c_str());
  } else {
    std::printf("visible up to %s\n", text_member(answer.body, "seq").c_str());
    if (!settled) std::printf("still changing: %s\n", fitted(unsettled, 2000).c_str());
  }
  return settled ? Exit::ok : Exit::no;
}

Result<Exit> run_status(const Context& context, bool watch) {
  JCN_TRY(auto daemon, find_daemon(context));
  if (!daemon) {
    JCN_TRY(const jcn::IndexReader index, open_index(context));
    JCN_TRY(const jcn::Snapshot snapshot, index.snapshot());
    const std::string status = offline_status(snapshot, context.index);
    if (context.json)
      std::printf("%s\n", status.c_str());
    else
      std::fputs(status_screen(status, 0).c_str(), stdout);
    return Exit::ok;
  }
  const auto start = steady_clock::now();
  std::optional<std::uint64_t> done_at_start;  // of the crawl, which began before
  std::size_t drawn = 0;                       // lines on the screen
  for (;;) {
    JCN_TRY(const Answer status, daemon->get("/v1/status"));
    if (context.json) {
      std::printf("%s\n", status.body.c_str());
      std::fflush(stdout);
      if (!watch || crawl_done(status.body)) return Exit::ok;
      pause_for(milliseconds(1000));
      continue;
    }
    const std::uint64_t done = number_member(raw_member(status.body, "crawl"), "done");
    if (!done_at_start) done_at_start = done;
    const double seconds = std::chrono::duration<double>(steady_clock::now() - start).count();
    const double rate = seconds > 0.1 && done > *done_at_start
                            ? static_cast<double>(done - *done_at_start) / seconds
                            : 0;
    Beside beside;
    JCN_TRY(const Answer ready, daemon->ask({.target = "/readyz", .any_status = true}));
    beside.ready = ready.body;
    // An older daemon has none.
    if (const auto history = daemon->get("/v1/status/history?minutes=2")) {
      beside.history = history->body;
    }
    const std::string screen = status_screen(status.body, static_cast<std::uint64_t>(rate), beside);
    if (drawn > 0) std::printf("\x1b[%zuA\x1b[J", drawn);
    std::fputs(screen.c_str(), stdout);
    std::fflush(stdout);
    if (!watch) return Exit::ok;
    drawn = static_cast<std::size_t>(std::count(screen.begin(), screen.end(), '\n'));
    pause_for(milliseconds(250));
  }
}

Result<Exit> run_accept(const Context& context, const std::string& root) {
  JCN_TRY(HttpClient daemon, need_daemon(context));
  JCN_TRY(const Answer answer, daemon.post("/v1/status/accept?root=" + percent_encoded(root)));
  if (context.json)
    std::printf("%s\n", answer.body.c_str());
  else
    std::printf("accepted: what %s shows now is the truth\n", root.c_str());
  return Exit::ok;
}

}  // namespace jcnctl
