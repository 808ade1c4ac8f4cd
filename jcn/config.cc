#include "config.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "config_file.h"
#include "config_origin.h"
#include "config_table.h"
#include "jcn/check.h"
#include "token_file.h"

namespace jcn {
namespace {

namespace fs = std::filesystem;

// What stands on the command line, before the file is read.
struct CommandLine {
  std::string config_file;
  bool check_only = false, print_only = false;
  std::vector<std::pair<const OptionRow*, OptionValue>> options;
  std::vector<std::string> folders;
};

Error usage(std::string message, std::string hint = "see jcn --help") {
  return Error{Code::bad_usage, std::move(message), std::move(hint)};
}

Error unknown_option(const std::string& word) {
  std::vector<std::string_view> known = {"--config", "--check-config", "--print-config", "--help",
                                         "--version"};
  for (const OptionRow& row : option_table()) {
    if (!row.flag.empty()) known.push_back(row.flag);
  }
  const std::string_view near = nearest_word(word, known);
  return near.empty() ? usage("unknown option " + word)
                      : usage("unknown option " + word, "did you mean " + std::string(near) + "?");
}

std::string help() {
  std::string text =
      "usage: jcn [OPTION...] [NAME=]FOLDER...\n\n"
      "Watches folders of JSON notes and answers for them over HTTP. Folders on the command line\n"
      "replace those of the file; a root may be given a NAME of its own.\n\n";
  const auto add = [&text](std::string words, std::string_view meaning) {
    words.resize(std::max<std::size_t>(words.size() + 2, 34), ' ');
    text += "  " + words + std::string(meaning) + "\n";
  };
  add("--config FILE", "read this file, see jcn.conf(5)");
  add("--check-config", "read the configuration, say whether it is right, and exit");
  add("--print-config", "print what is in force, and where each value came from, and exit");
  for (const OptionRow& row : option_table()) {
    if (row.flag.empty()) continue;
    add(std::string(row.flag) + (row.value_name.empty() ? "" : " ") + std::string(row.value_name),
        row.meaning);
  }
  add("--help", "print this and exit");
  add("--version", "print the version and exit");
  return text;
}

Result<std::variant<CommandLine, PrintAndExit>> read_command_line(int argc,
                                                                  const char* const* argv) {
  CommandLine line;
  CLI::App app("", "jcn");
  app.set_version_flag("--version", std::string("jcn ") + JCN_VERSION);
  app.add_option("--config", line.config_file);
  app.add_flag("--check-config", line.check_only);
  app.add_flag("--print-config", line.print_only);
  for (const OptionRow& row : option_table()) {
    if (row.flag.empty()) continue;
    const OptionRow* option = &row;
    const std::string flag(row.flag);
    if (row.type == OptionType::boolean) {
      const bool value = !flag.starts_with("--no-");
      app.add_flag_callback(flag,
                            [&line, option, value] { line.options.emplace_back(option, value); });
    } else {
      CLI::Option* added = app.add_option_function<std::string>(
          flag,
          [&line, option](const std::string& value) { line.options.emplace_back(option, value); });
      // Each time it is given; CLI11's lists would take the folders behind it, and split "[ab]".
      if (row.type == OptionType::texts) added->trigger_on_parse();
    }
  }
  // Folders come as extras: CLI11 would take a folder named "[a,b]" for a list.
  app.allow_extras();
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return std::variant<CommandLine, PrintAndExit>(PrintAndExit{help()});
  } catch (const CLI::CallForVersion& request) {
    return std::variant<CommandLine, PrintAndExit>(
        PrintAndExit{std::string(request.what()) + "\n"});
  } catch (const CLI::ParseError& error) {
    return usage(error.what());
  }
  bool only_folders = false;
  for (const std::string& word : app.remaining()) {
    if (!only_folders && word == "--") {
      only_folders = true;
    } else if (!only_folders && word.size() > 1 && word.front() == '-') {
      return unknown_option(word);
    } else {
      line.folders.push_back(word);
    }
  }
  return std::variant<CommandLine, PrintAndExit>(std::move(line));
}

// The value of an option as its row's setter takes it; the command line gave it as text.
Result<OptionValue> typed(const OptionRow& row, const OptionValue& given) {
  const std::string* text = std::get_if<std::string>(&given);
  if (text == nullptr) return given;
  if (row.type == OptionType::path && text->empty())
    return usage(std::string(row.flag) + " needs a path");
  if (row.type == OptionType::texts) return OptionValue(std::vector<std::string>{*text});
  if (row.type != OptionType::integer) return given;
  std::int64_t number = 0;
  const char* end = text->data() + text->size();
  const auto [read, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc() || read != end || number < row.low || number > row.high)
    return usage(std::string(row.flag) + " takes " + type_words(row) + ", not \"" + *text + "\"");
  return OptionValue(number);
}

// Absolute, with links resolved as far as the path exists.
Result<std::string> resolved(const std::string& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  fs::path real = error ? fs::path() : fs::weakly_canonical(absolute, error);
  if (error) return system_error("realpath", path, error.value());
  if (!real.has_filename() && real.has_relative_path()) real = real.parent_path();
  return real.string();
}

// `path` is `folder` or lies beneath it; both resolved.
bool within(const std::string& path, const std::string& folder) {
  if (folder == "/") return true;
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

// "NAME=FOLDER" or "FOLDER"; a '=' behind a '/' belongs to the folder.
Result<RootConfig> root_argument(const std::string& word) {
  RootConfig root;
  root.path = word;
  if (const auto sign = word.find('='); sign < word.find('/') && sign != std::string::npos) {
    root.name = word.substr(0, sign);
    root.path = word.substr(sign + 1);
    root.named = true;
    if (!valid_root_name(root.name)) {
      return usage("\"" + root.name + "\" is no name for a root",
                   "1 to 64 bytes of UTF-8 without '/' and control characters, neither . nor ..");
    }
  }
  if (root.path.empty()) return usage("\"" + word + "\" names no folder");
  std::error_code error;
  if (const auto status = fs::status(root.path, error); !fs::is_directory(status)) {
    const char* why = !fs::exists(status) && !error ? "no such folder" : "is no folder";
    return Error{
        Code::root_unavailable, root.path + ": " + (error ? error.message() : why),
        "make the folder first; one that may be away at start belongs into the file, as [[root]]"};
  }
  return root;
}

Result<void> finish_roots(DaemonConfig& config) {
  for (RootConfig& root : config.roots) {
    const std::string given = root.path;
    JCN_TRY(root.path, resolved(given));
    if (root.named) continue;
    // The last component as it was written, not that of a link's target.
    std::error_code error;
    fs::path plain = fs::absolute(given, error).lexically_normal();
    if (!plain.has_filename()) plain = plain.parent_path();
    root.name = plain.filename().string();
    if (!valid_root_name(root.name)) {
      return Error{Code::bad_configuration,
                   root.path + ": its last component can't be a root's name",
                   "give it one: NAME=" + given};
    }
  }
  for (std::size_t i = 0; i < config.roots.size(); ++i) {
    for (std::size_t j = i + 1; j < config.roots.size(); ++j) {
      const RootConfig &a = config.roots[i], &b = config.roots[j];
      if (a.name == b.name) {
        return Error{Code::bad_configuration,
                     "two roots are named \"" + a.name + "\": " + a.path + " and " + b.path,
                     "name one of them differently: NAME=FOLDER"};
      }
      if (within(a.path, b.path) || within(b.path, a.path)) {
        return Error{Code::bad_configuration, "nested roots: " + a.path + " and " + b.path,
                     "watch the outer folder, and tell its parts apart with rules"};
      }
    }
  }
  config.rules.prefix_path_ids =
      config.roots.size() > 1 || std::any_of(config.roots.begin(), config.roots.end(),
                                             [](const RootConfig& r) { return r.named; });
  for (const Rule& rule : config.rules.rules) {
    if (rule.root.empty()) continue;
    std::vector<std::string_view> names;
    for (const RootConfig& root : config.roots) names.push_back(root.name);
    if (std::find(names.begin(), names.end(), rule.root) != names.end()) continue;
    const std::string_view near = nearest_word(rule.root, names);
    return Error{Code::bad_configuration,
                 "a rule of kind \"" + rule.kind + "\" names the root \"" + rule.root +
                     "\", and there is none",
                 near.empty() ? std::string() : "did you mean \"" + std::string(near) + "\"?"};
  }
  return {};
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

Result<std::string> default_index(const DaemonConfig& config) {
  if (std::string state = environment("STATE_DIRECTORY"); !state.empty()) {
    return state.substr(0, state.find(':')) + "/index";  // systemd.exec(5): may list several
  }
  std::string state = environment("XDG_STATE_HOME");
  if (state.empty() || state.front() != '/') {  // relative ones are invalid (XDG Base Directory)
    const std::string home = environment("HOME");
    if (home.empty()) {
      return Error{Code::bad_configuration, "no place for the index: HOME is not set",
                   "say where it shall be: --index DIR"};
    }
    state = home + "/.local/state";
  }
  std::map<std::string, std::string> roots;  // their order does not make another index
  for (const RootConfig& root : config.roots) roots.emplace(root.name, root.path);
  std::string all;
  for (const auto& [name, path] : roots) all += name + '\0' + path + '\0';
  const std::string first = roots.empty() ? "nothing" : roots.begin()->first;
  return state + "/jcn/" + first + "-" + hash128(all).hex().substr(0, 12);
}

Result<void> finish_index(DaemonConfig& config, Origins& origins) {
  if (config.index.empty()) {
    JCN_TRY(config.index, default_index(config));
    const char* by = "HOME";
    if (!environment("STATE_DIRECTORY").empty()) {
      by = "STATE_DIRECTORY";
    } else if (environment("XDG_STATE_HOME").starts_with('/')) {
      by = "XDG_STATE_HOME";
    }
    origins.note(*find_option("", "index"), std::string("default, by ") + by);
  }
  JCN_TRY(config.index, resolved(config.index));
  for (const RootConfig& root : config.roots) {
    if (within(config.index, root.path)) {
      return Error{Code::bad_configuration,
                   "the index " + config.index + " lies inside the root " + root.path,
                   "give it a folder of its own elsewhere: --index DIR"};
    }
    if (within(root.path, config.index)) {
      return Error{Code::bad_configuration,
                   "the root " + root.path + " lies inside the index " + config.index,
                   "give the index a folder of its own elsewhere: --index DIR"};
    }
  }
  return {};
}

// Behind the roots, which it names.
Result<void> finish_tokens(DaemonConfig& config) {
  std::map<std::string, std::string> files;  // by what they hold
  if (!config.token.empty()) files.emplace(config.token, config.token_file);
  for (TokenConfig& token : config.tokens) {
    for (const std::string& root : token.roots) {
      if (std::any_of(config.roots.begin(), config.roots.end(),
                      [&](const RootConfig& known) { return known.name == root; }))
        continue;
      return Error{Code::bad_configuration, "the [[token]] with the file " + token.file +
                                                " names the root \"" + root +
                                                "\", and there is none"};
    }
    JCN_TRY(token.token, read_token_file(token.file));
    const auto [same, added] = files.emplace(token.token, token.file);
    if (added) continue;
    return Error{Code::bad_configuration, "token file " + token.file + " holds the same token as " +
                                              same->second + ", which says what it allows"};
  }
  return {};
}

Result<void> finish_access(DaemonConfig& config) {
  if (!config.token_file.empty()) {
    std::error_code error;
    config.token_file = fs::absolute(config.token_file, error).string();
    JCN_TRY(config.token, read_token_file(config.token_file));
  }
  JCN_CHECK(finish_tokens(config));
  if (!config.export_program.empty()) {
    std::error_code error;
    config.export_program = fs::absolute(config.export_program, error).string();
  }
  if (is_loopback(config.listen_host) || !config.token.empty()) return {};
  return Error{Code::bad_configuration,
               "listening on " + config.listen_host +
                   " without a token: every machine that reaches it could read all records",
               "give --token-file FILE; or listen on 127.0.0.1, behind a web server"};
}

Result<DaemonConfig> configure(const CommandLine& line, Origins& origins) {
  DaemonConfig config;
  if (!line.config_file.empty()) JCN_CHECK(load_config_file(line.config_file, config, origins));
  for (const auto& [row, given] : line.options) {
    JCN_TRY(const OptionValue value, typed(*row, given));
    if (auto done = row->set(config, value); !done.ok()) {
      return usage(std::string(row->flag) + ": " + done.error().message, done.error().hint);
    }
    origins.note(*row, std::string(row->flag));
  }
  if (line.folders.empty() && line.config_file.empty()) {
    return usage("no folder to watch", "name one: jcn FOLDER, or [[root]] in a file for --config");
  }
  if (!line.folders.empty()) {
    config.roots.clear();
    std::erase_if(origins.tables, [](const auto& table) { return table.section == "root"; });
    for (const std::string& word : line.folders) {
      JCN_TRY(RootConfig root, root_argument(word));
      config.roots.push_back(std::move(root));
      origins.tables.push_back({"root", "command line", {}});
    }
  }
  JCN_CHECK(finish_roots(config));
  JCN_CHECK(finish_index(config, origins));
  JCN_CHECK(finish_access(config));
  return config;
}

}  // namespace

Result<Configured> load_config(int argc, const char* const* argv) {
  JCN_TRY(auto read, read_command_line(argc, argv));
  if (auto* print = std::get_if<PrintAndExit>(&read)) return Configured(std::move(*print));
  const auto& line = std::get<CommandLine>(read);
  Origins origins;
  JCN_TRY(DaemonConfig config, configure(line, origins));
  if (line.print_only) return Configured(PrintAndExit{print_config(config, origins)});
  if (!line.check_only) return Configured(std::move(config));
  std::string text = "configuration is valid\nindex: " + config.index + "\n";
  for (const RootConfig& root : config.roots)
    text += "root: " + root.name + " = " + root.path + "\n";
  return Configured(PrintAndExit{std::move(text)});
}

bool is_loopback(std::string_view address) {
  return address.starts_with("127.");
}

bool valid_root_name(std::string_view name) {
  return name.size() <= 64 && name.find('/') == std::string_view::npos && valid_id(name);
}

}  // namespace jcn
