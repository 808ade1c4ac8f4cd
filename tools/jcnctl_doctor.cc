// doctor: is all as jcn needs it on this machine?
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "config.h"
#include "doctor.h"
#include "doctor_folders.h"
#include "doctor_system.h"
#include "doctor_unit.h"
#include "jcnctl.h"
#include "jcnctl_rows.h"
#include "json_writer.h"
#include "progress_bar.h"

namespace jcn_doctor {

std::string nearest_there(std::string path) {
  struct ::stat found {};
  while (path.size() > 1 && ::stat(path.c_str(), &found) != 0)
    path.resize(std::max<std::size_t>(1, path.rfind('/')));
  return path;
}

bool lies_in(const std::string& path, const std::string& folder) {
  if (folder == "/") return true;
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

}  // namespace jcn_doctor

namespace jcnctl {
namespace {

using jcn::Error;
using jcn::Result;
using jcn_doctor::Finding;
using jcn_doctor::ServiceUnit;
using jcn_doctor::State;

constexpr const char* default_config = "/etc/jcn/jcn.conf";
constexpr const char* service_state = "/var/lib/jcn";  // StateDirectory= of jcn.service

std::string_view word(State state) {
  switch (state) {
    case State::fine:
      return "ok";
    case State::warning:
      return "warning";
    case State::problem:
      return "problem";
  }
  return {};
}

std::string row_of(const Finding& finding) {
  std::string text;
  jcn::JsonWriter json(text);
  json.open('{').key("check").string(finding.check).key("state").string(word(finding.state));
  json.key("detail").bytes(finding.detail).key("fix");
  if (finding.fix.empty()) {
    json.null();
  } else {
    json.bytes(finding.fix);
  }
  json.close('}');
  return text;
}

Colour colour_of(State state) {
  return state == State::fine      ? Colour::good
         : state == State::warning ? Colour::doubtful
                                   : Colour::bad;
}

// People read findings one below the other: commands are to be copied whole.
void print_finding(const Finding& finding) {
  std::string state(word(finding.state));
  state.resize(8, ' ');
  std::printf("%s %-11s %s\n", in_colour(colour_of(finding.state), state).c_str(), finding.check,
              fitted(finding.detail, finding.detail.size()).c_str());
  if (!finding.fix.empty())
    std::printf("%20s -> %s\n", "", fitted(finding.fix, finding.fix.size()).c_str());
}

class Doctor {
 public:
  Doctor(const Context& context, std::string config, std::string unit)
      : context_(context), config_file_(std::move(config)), unit_file_(std::move(unit)) {}

  Result<Exit> run() {
    look_at_unit();
    look_at_config();
    look_at_daemon();
    look_at_folders();
    jcn_doctor::look_at_clock(report_);
    if (!config_.index.empty()) jcn_doctor::look_at_index(config_.index, report_);
    return problems_ == 0 ? Exit::ok : Exit::no;
  }

 private:
  void report(const Finding& finding) {
    if (finding.state == State::problem) ++problems_;
    bar_.clear();
    if (context_.json) {
      print_line(row_of(finding));
    } else {
      print_finding(finding);
    }
  }

  void look_at_unit() {
    Result<std::optional<ServiceUnit>> read = ServiceUnit::installed();
    if (!unit_file_.empty()) {
      Result<ServiceUnit> named = ServiceUnit::read(unit_file_);
      if (named) {
        read = std::optional(std::move(*named));
      } else {
        read = named.error();
      }
    }
    if (!read) {
      report({"unit", State::problem, read.error().message, "reinstall the package jcn"});
    } else if (*read) {
      unit_ = std::move(**read);
      user_ = unit_->user();
      report({"unit", State::fine, unit_->file() + ", as " + user_});
    }
  }

  // Without a configuration file the daemon is asked for its folders.
  void look_at_config() {
    if (config_file_.empty() && ::access(default_config, F_OK) == 0) config_file_ = default_config;
    if (config_file_.empty()) return;
    // As the service has it.
    if (unit_) ::setenv("STATE_DIRECTORY", service_state, 0);
    const char* const arguments[] = {"jcn", "--config", config_file_.c_str()};
    const Result<jcn::Configured> loaded = jcn::load_config(3, arguments);
    if (!loaded) {
      report({"config", State::problem, loaded.error().message, loaded.error().hint});
      return;
    }
    config_ = std::get<jcn::DaemonConfig>(*loaded);
    if (config_.roots.empty()) {
      report({"config", State::warning, config_file_ + " names no folder",
              "add [[root]] with path = \"/the/folder\", then systemctl restart jcn"});
    } else {
      report({"config", State::fine,
              config_file_ + ": " + std::to_string(config_.roots.size()) + " folders, " +
                  std::to_string(config_.rules.rules.size()) + " rules"});
    }
    look_at_webhooks();
  }

  void look_at_webhooks() {
    const auto local = unit_ ? unit_->keeps_local() : std::nullopt;
    if (!local) return;
    for (const jcn::WebhookConfig& hook : config_.webhooks) {
      const std::string& url = hook.url;
      std::string host = url.substr(std::min(url.size(), url.find("://") + 3));
      host.resize(std::min(host.size(), host.find_first_of("/?#")));
      host.resize(std::min(host.size(), host.rfind(':')));
      if (host == "localhost" || jcn::is_loopback(host)) continue;
      report({"unit", State::problem,
              "webhook " + hook.name + " is sent to " + host + ", which " + *local + " of " +
                  unit_->file() + " forbids",
              "systemctl edit jcn, and under [Service]: IPAddressAllow=ADDRESS-OF-" + host});
    }
  }

  void look_at_daemon() {
    auto daemon = find_daemon(context_);
    if (daemon && !*daemon)
      daemon = Error{jcn::Code::not_connected, "no daemon serves the index " + context_.index};
    if (!daemon) {
      report({"daemon", State::problem, daemon.error().message,
              unit_ ? "systemctl start jcn; journalctl -u jcn says why it ended"
                    : "start jcn, or name it with --url"});
      return;
    }
    const auto status = (*daemon)->get("/v1/status");
    const auto ready = (*daemon)->ask({.target = "/readyz", .any_status = true});
    if (!status || !ready) {
      const Error& error = !status ? status.error() : ready.error();
      report({"daemon", State::problem, error.message, error.hint});
      return;
    }
    take_status(status->body);
    take_reasons(ready->body);
  }

  void take_status(const std::string& status) {
    const std::string version = text_member(status, "version");
    if (version == JCN_VERSION) {
      report({"daemon", State::fine,
              (context_.index.empty() ? context_.url : context_.index) + " answers, version " +
                  version});
    } else {
      report({"daemon", State::warning,
              "the daemon has version " + version + ", this jcnctl " JCN_VERSION,
              "systemctl restart jcn"});
    }
    if (const auto rejects = number_member(status, "rejects"); rejects > 0) {
      report({"daemon", State::warning, std::to_string(rejects) + " files are rejected",
              "jcnctl rejects"});
    }
    if (!config_file_.empty()) return;
    config_.index = text_member(status, "index");
    const std::string roots = raw_member(status, "roots");
    if (roots.front() != '[') return;
    for (jcn::JsonCursor each(roots); each.next();) {
      config_.roots.push_back({text_member(each.value(), "name"), text_member(each.value(), "path"),
                               true, text_member(each.value(), "state") == "polling"});
    }
  }

  void take_reasons(const std::string& ready) {
    const std::string reasons = raw_member(ready, "reasons");
    if (reasons.front() != '[') return;
    for (jcn::JsonCursor each(reasons); each.next();) {
      const std::string code = text_member(each.value(), "code");
      const bool passes = code == "crawling" || code == "stopping";
      report({"daemon", passes ? State::warning : State::problem,
              code + ": " + text_member(each.value(), "detail"),
              passes ? "wait; jcnctl status --watch" : "see " + code + " in operating.md"});
    }
  }

  void look_at_folders() {
    std::uint64_t folders = 0;
    {
      const jcn_doctor::AsUser reading(user_);
      if (!reading.known()) {
        report({"permission", State::warning,
                "not looked at with the eyes of " + user_ + ", but of who asks",
                "run it as root, on a machine that has this user"});
      }
      for (const jcn::RootConfig& root : config_.roots) {
        const auto count = jcn_doctor::look_at_folder(
            root, config_.rules, user_, report_,
            [this](const jcn_doctor::FolderCount& so_far) { bar_.show("files", so_far.files, 0); });
        if (!root.poll) folders += count.folders;
      }
    }
    for (const jcn::RootConfig& root : config_.roots) {
      jcn_doctor::look_at_file_system(root.path, root.poll, report_);
      if (unit_) jcn_doctor::look_at_sandbox(root, config_.writable, *unit_, report_);
    }
    if (folders > 0) jcn_doctor::look_at_limits(folders, report_);
  }

  static std::string own_name() {
    const ::passwd* user = ::getpwuid(::geteuid());
    return user == nullptr ? std::to_string(::geteuid()) : user->pw_name;
  }

  const Context& context_;
  std::string config_file_;
  const std::string unit_file_;
  std::optional<ServiceUnit> unit_;
  std::string user_ = own_name();  // who reads
  jcn::DaemonConfig config_;
  ProgressBar bar_;
  std::size_t problems_ = 0;
  const jcn_doctor::Report report_ = [this](const Finding& finding) { report(finding); };
};

}  // namespace

Result<Exit> run_doctor(const Context& context, const std::string& config,
                        const std::string& unit) {
  return Doctor(context, config, unit).run();
}

}  // namespace jcnctl
