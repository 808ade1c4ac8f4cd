// A folder with a root, a configuration file and what it names.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <variant>
#include <vector>

#include "config.h"

namespace jcn {

class ConfigFixture : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "jcn-config-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = std::filesystem::canonical(name);
    std::filesystem::create_directory(folder_ / "talks");
    unsetenv("STATE_DIRECTORY");
    setenv("XDG_STATE_HOME", (folder_ / "state").c_str(), 1);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  Result<Configured> load(std::vector<std::string> words) const {
    words.insert(words.begin(), "jcn");
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    return load_config(static_cast<int>(argv.size()), argv.data());
  }
  DaemonConfig good(const std::vector<std::string>& words) const {
    auto loaded = load(words);
    if (!loaded.ok()) {
      ADD_FAILURE() << loaded.error().message;
      return {};
    }
    return std::get<DaemonConfig>(*loaded);
  }
  Error bad(const std::vector<std::string>& words) const {
    auto loaded = load(words);
    if (!loaded.ok()) return loaded.error();
    ADD_FAILURE() << "accepted";
    return {};
  }

  // The file's text, with the folder "talks" as a root behind it.
  std::vector<std::string> file(const std::string& text) const {
    std::ofstream(path("jcn.conf")) << text;
    return {"--config", path("jcn.conf"), path("talks")};
  }

  // A file that keeps a secret.
  void write(const std::string& name, const std::string& secret, unsigned mode = 0600) const {
    std::ofstream(path(name)) << secret << '\n';
    std::filesystem::permissions(path(name), std::filesystem::perms(mode));
  }

  std::filesystem::path folder_;
};

}  // namespace jcn
