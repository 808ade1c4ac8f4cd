// Destination: a file that is written aside, and takes its place in one step.
//
// Until commit() has returned, what stood at the place stands there untouched; whatever ends the
// process, all that stays is the file aside (".NAME.jcn-export", beside the destination), which the
// next run takes over. It also is the lock: two runs never write one destination at a time.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "jcn/file_descriptor.h"
#include "jcn/result.h"

namespace jcn_export {

class Destination {
 public:
  // What may stand at the place before. Whatever else stands there is refused.
  enum class Replaces { own_databases, texts };  // texts: any file that is no database

  // The path may be a symbolic link: the file that it leads to is replaced.
  // Errors: bad_usage (a folder, a device, a file of another program, a journal or log without its
  // database), system.
  static jcn::Result<Destination> open(const std::string& path, Replaces replaces);
  Destination(Destination&&) noexcept = default;
  Destination& operator=(Destination&&) = delete;
  ~Destination();  // removes the file aside, unless it was put into place

  const std::string& path() const { return path_; }    // resolved
  const std::string& aside() const { return aside_; }  // exists, and is empty at first
  int descriptor() const { return aside_file_.get(); }
  bool exists() const { return exists_; }  // one of ours, at open()

  // What was written so far may go to the disk now, while something else is done.
  void begin_sync() const;
  // Syncs the file aside, puts it into place, syncs the folder. Errors: system.
  jcn::Result<void> commit();

 private:
  Destination() = default;
  jcn::Result<void> look();
  jcn::Result<void> look_beside() const;
  jcn::Result<void> lock();
  jcn::Result<void> settle_old_database() const;

  std::string path_, folder_, aside_;
  bool database_ = false;  // what is written; else a text
  bool exists_ = false;
  std::optional<mode_t> mode_;      // of what stands there: the new file gets the same
  jcn::FileDescriptor aside_file_;  // holds the lock; invalid once committed
};

}  // namespace jcn_export
