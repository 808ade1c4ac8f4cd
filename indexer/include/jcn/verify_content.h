// What verify does beyond jcn/verify.h: is what the index holds what its documents, and the files,
// say? The index has to be readable (see IndexHealth); blocks that are not give index_damaged.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "jcn/record.h"
#include "jcn/result.h"
#include "jcn/snapshot.h"

namespace jcn {

// Told now and then how far it is; false ends it.
using ContentProgress = std::function<bool(std::uint64_t done, std::uint64_t of)>;

// Makes every section of every folded segment again, from its documents, and compares the bytes.
// `difference` is called with what is not the same. Large segments are made in pieces of so many
// bytes of documents, which lie in unnamed temporary files. Errors: index_damaged, system,
// not_ready (it was ended).
Result<void> verify_sections(const Snapshot& snapshot,
                             const std::function<void(std::string what)>& difference,
                             const ContentProgress& progress = nullptr,
                             std::size_t piece_bytes = 32 << 20);

struct FileDifference {
  enum class Kind : std::uint8_t {
    content,  // other bytes under the same size and mtime: nothing told of the change
    changed,  // other bytes, and another size or mtime
    missing,  // known, and not there
    unknown,  // there, taken by a rule, and not known
  };
  Kind kind = Kind::content;
  FragmentName name;
  FileFacts found;  // of the file as it is now; all 0 where it is missing
};
std::string_view difference_name(FileDifference::Kind kind);

// Reads every file that the index knows, and walks the roots for others. `roots`: paths by name.
// Files of roots that cannot be opened are left out, and `offline` is called with their names.
// Errors: index_damaged, index_unreadable (the index does not say by which rules it was made),
// not_ready.
Result<void> verify_files(const Snapshot& snapshot, const std::map<std::string, std::string>& roots,
                          const std::function<void(const FileDifference&)>& difference,
                          const std::function<void(const std::string& root)>& offline,
                          const ContentProgress& progress);

// The roots' paths, as the daemon keeps them in the note `roots`.
inline constexpr const char* roots_note = "roots";
std::string encode_roots(const std::map<std::string, std::string>& roots);
std::map<std::string, std::string> decode_roots(std::string_view note);

}  // namespace jcn
