#include "doctor_unit.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <sstream>

#include "doctor.h"
#include "jcn/folder.h"

namespace jcn_doctor {

using jcn::Error;
using jcn::Result;

namespace {

// systemd.unit(5): of files of one name the first counts.
constexpr std::array places = {"/etc/systemd/system", "/run/systemd/system",
                               "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
                               "/lib/systemd/system"};

bool there(const std::string& path) {
  struct ::stat found {};
  return ::stat(path.c_str(), &found) == 0;
}

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// Drop-ins by name, without those of a name that an earlier place has.
void collect(const std::string& folder, std::map<std::string, std::string>& found) {
  const Result<std::vector<std::string>> names = jcn::names_in(folder);
  if (!names) return;
  for (const std::string& name : *names) {
    if (name.ends_with(".conf")) found.emplace(name, folder + "/" + name);
  }
}

bool is_true(const std::string& value) {
  return value == "yes" || value == "true" || value == "on" || value == "1";
}

}  // namespace

Result<ServiceUnit> ServiceUnit::read(const std::string& file) {
  ServiceUnit unit;
  unit.file_ = file;
  JCN_CHECK(unit.add(file));
  std::map<std::string, std::string> drop_ins;
  collect(file + ".d", drop_ins);
  for (const auto& [name, path] : drop_ins) JCN_CHECK(unit.add(path));
  return unit;
}

Result<std::optional<ServiceUnit>> ServiceUnit::installed() {
  ServiceUnit unit;
  std::map<std::string, std::string> drop_ins;
  for (const std::string place : places) {
    if (unit.file_.empty() && there(place + "/jcn.service")) unit.file_ = place + "/jcn.service";
    collect(place + "/jcn.service.d", drop_ins);
  }
  if (unit.file_.empty()) return std::optional<ServiceUnit>();
  JCN_CHECK(unit.add(unit.file_));
  for (const auto& [name, path] : drop_ins) JCN_CHECK(unit.add(path));
  return std::optional(std::move(unit));
}

Result<void> ServiceUnit::add(const std::string& file) {
  std::ifstream in(file);
  if (!in) return jcn::system_error("open", file, errno);
  std::string section, line;
  while (std::getline(in, line)) {
    while (line.ends_with('\\')) {
      std::string more;
      line.back() = ' ';
      if (!std::getline(in, more)) break;
      line += more;
    }
    line = trimmed(line);
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    if (line[0] == '[') {
      section = line;
      continue;
    }
    const std::size_t equals = line.find('=');
    if (section != "[Service]" || equals == std::string::npos) continue;
    std::vector<std::string>& values = settings_[trimmed(line.substr(0, equals))];
    const std::string value = trimmed(line.substr(equals + 1));
    if (value.empty()) {
      values.clear();  // an empty value takes back what was said before
    } else {
      values.push_back(value);
    }
  }
  return {};
}

std::string ServiceUnit::last(const std::string& name) const {
  const auto found = settings_.find(name);
  return found == settings_.end() || found->second.empty() ? std::string() : found->second.back();
}

std::vector<std::string> ServiceUnit::paths(const std::string& name) const {
  std::vector<std::string> all;
  const auto found = settings_.find(name);
  if (found == settings_.end()) return all;
  for (const std::string& value : found->second) {
    std::istringstream words(value);
    for (std::string word; words >> word;) {
      while (word.starts_with('-') || word.starts_with('+')) word.erase(0, 1);
      // Of "FROM:TO:OPTIONS" what the service sees; of "PATH:OPTIONS" the path.
      const std::size_t colon = word.find(":/");
      if (colon != std::string::npos) word.erase(0, colon + 1);
      word.resize(std::min(word.size(), word.find(':')));
      while (word.size() > 1 && word.ends_with('/')) word.pop_back();
      all.push_back(word);
    }
  }
  return all;
}

bool ServiceUnit::among(const std::string& path, const char* list) const {
  const std::vector<std::string> all = paths(list);
  return std::any_of(all.begin(), all.end(),
                     [&](const std::string& folder) { return lies_in(path, folder); });
}

std::string ServiceUnit::user() const {
  const std::string user = last("User");
  return user.empty() ? "root" : user;
}

std::optional<std::string> ServiceUnit::hides(const std::string& path) const {
  if (among(path, "BindPaths") || among(path, "BindReadOnlyPaths")) return std::nullopt;
  const auto in_one_of = [&](std::initializer_list<const char*> folders) {
    return std::any_of(folders.begin(), folders.end(),
                       [&](const char* folder) { return lies_in(path, folder); });
  };
  const std::string home = last("ProtectHome");
  if ((is_true(home) || home == "tmpfs") && in_one_of({"/home", "/root", "/run/user"}))
    return "ProtectHome=" + home;
  if (is_true(last("PrivateTmp")) && in_one_of({"/tmp", "/var/tmp"})) return "PrivateTmp=yes";
  if (is_true(last("PrivateDevices")) && in_one_of({"/dev"})) return "PrivateDevices=yes";
  for (const char* list : {"InaccessiblePaths", "TemporaryFileSystem"}) {
    if (among(path, list)) return std::string(list) + "=";
  }
  return std::nullopt;
}

std::optional<std::string> ServiceUnit::write_protects(const std::string& path) const {
  // The path named nearest to it counts; one that is named for writing wins.
  if (among(path, "ReadWritePaths") || among(path, "BindPaths")) return std::nullopt;
  const std::array<std::pair<const char*, const char*>, 3> own = {
      {{"StateDirectory", "/var/lib/"},
       {"CacheDirectory", "/var/cache/"},
       {"RuntimeDirectory", "/run/"}}};
  for (const auto& [setting, beneath] : own) {
    for (const std::string& name : paths(setting)) {
      if (lies_in(path, beneath + name)) return std::nullopt;
    }
  }
  if (among(path, "ReadOnlyPaths")) return "ReadOnlyPaths=";
  const std::string system = last("ProtectSystem");
  if (system == "strict") return "ProtectSystem=strict";
  if (last("ProtectHome") == "read-only" &&
      (lies_in(path, "/home") || lies_in(path, "/root") || lies_in(path, "/run/user")))
    return "ProtectHome=read-only";
  const bool usr = lies_in(path, "/usr") || lies_in(path, "/boot") || lies_in(path, "/efi");
  if ((is_true(system) || system == "full") && usr) return "ProtectSystem=" + system;
  if (system == "full" && lies_in(path, "/etc")) return "ProtectSystem=full";
  return std::nullopt;
}

std::optional<std::string> ServiceUnit::keeps_local() const {
  if (is_true(last("PrivateNetwork"))) return "PrivateNetwork=yes";
  if (last("IPAddressDeny") != "any") return std::nullopt;
  const std::vector<std::string> allowed = paths("IPAddressAllow");
  const bool only_local = std::all_of(allowed.begin(), allowed.end(), [](const std::string& word) {
    return word == "localhost" || word.starts_with("127.") || word.starts_with("::1");
  });
  return only_local ? std::optional<std::string>("IPAddressDeny=any") : std::nullopt;
}

}  // namespace jcn_doctor
