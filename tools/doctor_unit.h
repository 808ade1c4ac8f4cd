// The service as systemd runs it: as whom, and what of the file system it sees. systemd.exec(5).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "jcn/result.h"

namespace jcn_doctor {

class ServiceUnit {
 public:
  // `file` and its drop-ins, "FILE.d/*.conf". Errors: system (it can't be read).
  static jcn::Result<ServiceUnit> read(const std::string& file);
  // jcn.service as it is installed, with drop-ins of all places (systemd.unit(5)); absent: it
  // isn't.
  static jcn::Result<std::optional<ServiceUnit>> installed();

  const std::string& file() const { return file_; }
  std::string user() const;  // "root" where none is named

  // The setting that keeps the service from seeing what is there; absent: it sees it.
  std::optional<std::string> hides(const std::string& path) const;
  // The setting that keeps it from writing there; absent: it may, as far as the unit goes.
  std::optional<std::string> write_protects(const std::string& path) const;
  // The setting that keeps it from reaching other machines; absent: it may.
  std::optional<std::string> keeps_local() const;

 private:
  jcn::Result<void> add(const std::string& file);
  std::string last(const std::string& name) const;                // "" where it is not set
  std::vector<std::string> paths(const std::string& name) const;  // of all its lines
  bool among(const std::string& path, const char* list) const;

  std::string file_;
  std::map<std::string, std::vector<std::string>> settings_;  // of [Service]; lists add up
};

}  // namespace jcn_doctor
