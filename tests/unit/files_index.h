// An index that is filled as the daemon fills it, beside the files that it was filled from.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "index_model.h"
#include "jcn/ingest.h"
#include "temporary_folder.h"

namespace jcn {

class FilesIndex : public testing::Test {
 protected:
  void SetUp() override { writer = open_writer((folder / "index").string()); }

  void put(const FragmentName& name, const std::string& text) {
    files[name] = text;
    Look look;
    look.name = name;
    look.content = hash128(text);
    auto verdict = judge(rules, name, text);
    if (auto* good = std::get_if<GoodFragment>(&verdict)) {
      look.found = *good;
    } else {
      look.found = std::get<Reject>(verdict);
    }
    take(std::move(look));
  }
  void put(const std::string& path, const std::string& text) { put({"r", path}, text); }
  void remove(const FragmentName& name) {
    files.erase(name);
    Look look;
    look.name = name;
    take(std::move(look));
  }
  void take(Look look) {
    auto snapshot = must(writer->snapshot());
    std::vector<Look> looks;
    looks.push_back(std::move(look));
    Batch batch = must(plan_batch(snapshot, rules, std::move(looks), 99));
    if (!batch.empty()) must(writer->publish(std::move(batch)));
  }
  void fold() { must(writer->fold()); }

  TemporaryFolder folder;
  Rules rules;
  std::map<FragmentName, std::string> files;
  std::unique_ptr<IndexWriter> writer;
};

}  // namespace jcn
