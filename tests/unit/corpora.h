// Real input from outside the project: tests that use it are skipped where it is absent.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "temporary_folder.h"

namespace jcn {

// A folder with the corpus `name` (json-conformance, pyvideo, sidecars), from the folder that the
// environment variable JCN_CORPORA names, or from ../shared/corpora beside the project. An archive
// NAME.tar.xz is unpacked into a temporary folder, once per process, and removed at exit.
inline std::optional<std::filesystem::path> corpus(const std::string& name) {
  static std::map<std::string, std::unique_ptr<TemporaryFolder>> unpacked;
  const char* set = std::getenv("JCN_CORPORA");
  const std::filesystem::path folder = set && *set ? set : JCN_CORPORA_DEFAULT;
  if (std::filesystem::is_directory(folder / name)) return folder / name;
  const std::filesystem::path archive = folder / (name + ".tar.xz");
  if (!std::filesystem::exists(archive)) return std::nullopt;
  std::unique_ptr<TemporaryFolder>& folder_of_it = unpacked[name];
  if (!folder_of_it) {
    folder_of_it = std::make_unique<TemporaryFolder>();
    const std::string command =
        "tar -xJf '" + archive.string() + "' -C '" + folder_of_it->string() + "'";
    EXPECT_EQ(std::system(command.c_str()), 0) << "can't unpack " << archive;
  }
  const std::filesystem::path inside = *folder_of_it / name;
  return std::filesystem::is_directory(inside) ? inside : inside.parent_path();
}

inline std::string file_bytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace jcn

#define JCN_CORPUS_OR_SKIP(variable, name)                                     \
  const auto found_##variable = jcn::corpus(name);                             \
  if (!found_##variable) GTEST_SKIP() << "corpus " << name << " is not there"; \
  const std::filesystem::path variable = *found_##variable
