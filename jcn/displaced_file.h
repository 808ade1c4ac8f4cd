// A fragment's file that was moved to a temporary name in its folder, so that it could be looked at
// where no name leads to it any more: was it the one that the writer meant? If not, another program
// was quicker, and its file goes back to where it was. Nothing that others write under the
// fragment's name is lost, whenever they do it.
#pragma once

#include <cstdint>
#include <string>

#include "jcn/result.h"
#include "write_journal.h"

namespace jcn {

struct DisplacedFile {
  int folder;                    // of both names; the caller's
  const std::string& temporary;  // is gone after this, unless there was an error
  const std::string& target;
  std::uint64_t max_bytes;  // larger files are not the one that was meant
};

// Behind an exchange of both names, by which the new file took the target's place; also where it is
// not known whether that came about. True: the new file stands, and the old one is gone. False:
// what others put there stands.
Result<bool> conclude_exchange(const DisplacedFile& file, const Displacement& displacement);

// Behind a move of the target to the temporary name. True: it is gone. False: what others put there
// stands.
Result<bool> conclude_removal(const DisplacedFile& file, const Displacement& displacement);

// Both names in one folder. errno, or 0. EEXIST: something stands there.
int rename_to_free_name(int folder, const std::string& from, const std::string& to);
// EINVAL: the file system can't exchange.
int exchange_names(int folder, const std::string& a, const std::string& b);

// Errors: system (there is no such file), as stat_entry's.
Result<FileIdentity> identity_of(int folder, const std::string& name);

}  // namespace jcn
