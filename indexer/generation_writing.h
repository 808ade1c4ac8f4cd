// New generations, complete but for being named by CURRENT: a kill at any moment leaves nothing but
// a folder that the next opening removes.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "evidence.h"
#include "history.h"
#include "jcn/index_writer.h"
#include "rewrite.h"

namespace jcn {

EnvOptions env_options(const WriterOptions& options, bool create);

// The folder of a generation that nobody has used yet, with empty tables.
struct NewGeneration {
  std::string name, path;
  std::shared_ptr<LmdbEnv> env;
};
// The map is at least as large as another one.
Result<NewGeneration> make_tables(const std::string& folder, const WriterOptions& options,
                                  std::uint64_t map_bytes = 0);

// `incomplete`: it takes the place of one that had records (see incomplete_note).
Result<NewGeneration> make_empty_generation(const std::string& folder, bool incomplete,
                                            const WriterOptions& options);

// The rows that make a rewritten generation one of its own. With `token` it goes on with the old
// one's uuid and numbers, without it begins a new history.
Result<void> write_identity(const NewGeneration& generation, const IdentityRow& old,
                            const std::optional<TokenRow>& token, const std::string& origin);

// From a generation that nobody writes to.
struct WrittenFrom {
  std::string name;
  bool all_there = true;  // no record was given up
};
Result<WrittenFrom> write_generation_from(const std::string& folder, const std::string& old,
                                          const std::optional<History>& left,
                                          const IndexHealth& health, const WriterOptions& options);

Result<Hash128> random_bytes();
Result<Hash128> random_uuid();

}  // namespace jcn
