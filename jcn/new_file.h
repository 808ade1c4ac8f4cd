// A file in the making, under a temporary name in the folder where it will stand, and the folders
// that had to be made for it: gone again, unless it was brought to its place.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "jcn/file_descriptor.h"
#include "jcn/result.h"

namespace jcn {

class NewFile {
 public:
  // The folder is the caller's, and outlives this. Errors: as write_fault's.
  static Result<NewFile> make(int folder, std::string temporary);
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();

  // As far as this process may: the permissions and the owner of the file that it will replace.
  void take_after(const std::string& replaced);
  Result<void> write(std::string_view bytes);  // down to the disk
  void stands() { temporary_.clear(); }        // its name holds it no more, or is no more

 private:
  NewFile(int folder, std::string temporary, FileDescriptor file)
      : folder_(folder), temporary_(std::move(temporary)), file_(std::move(file)) {}
  int folder_;
  std::string temporary_;  // empty: nothing to remove
  FileDescriptor file_;
};

// A folder of jcn's own, made where there is none and then on the disk. Errors: as write_fault's.
Result<void> make_own_folder(const std::string& path);

// Not thread-safe.
class NewFolders {
 public:
  explicit NewFolders(int root) : root_(root) {}  // the caller's
  NewFolders(const NewFolders&) = delete;
  NewFolders& operator=(const NewFolders&) = delete;
  ~NewFolders();

  // Opens the folder beneath the root, and makes it and those above it where they are missing.
  // Errors: bad_path (something else stands in the way), symlink, as write_fault's.
  Result<FileDescriptor> make(const std::string& path);
  void stay() { made_.clear(); }

 private:
  const int root_;
  std::vector<std::string> made_;  // beneath the root, outer ones first
};

}  // namespace jcn
