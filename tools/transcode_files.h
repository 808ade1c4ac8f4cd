// The files of one video on the disk: the source, and what is made of it, beside its first note.
//
// 1. Folders are opened beneath the root, and no link is followed.
// 2. What is being made is called STEM.720p.webm.MARK.part, with a mark that its worker has drawn;
// jcn
//    ignores such names, and the site does not serve them. It gets its name when it is whole and on
//    the disk.
// 3. What is not brought to its place is removed; what a killed worker left, by who takes over.
#pragma once

#include <string>
#include <vector>

#include "jcn/file_descriptor.h"
#include "jcn/record.h"
#include "jcn/result.h"

namespace jcn_transcode {

// "k7/abc" → "k7" and "abc"; "abc" → "" and "abc".
struct Place {
  std::string folder, name;
};
Place place_of(const std::string& path);

struct Source {
  jcn::FileDescriptor file;
  jcn::FileFacts facts;

  // Whether it is what it was, as far as the facts tell.
  bool same(const Source& other) const;
};

// Errors: no_such_fragment (there is no such file, or the way to it leads through a link), device
// (it is no regular file), others as the system's.
jcn::Result<Source> open_source(int root_fd, const std::string& path);

class VideoFiles {
 public:
  // `stem`: the path of the video's first note, without ".json". `mark`: 16 hexadecimal digits.
  // Errors: as open_folder's.
  static jcn::Result<VideoFiles> open(int root_fd, const std::string& stem, std::string mark);
  VideoFiles(VideoFiles&&) noexcept = default;
  VideoFiles& operator=(VideoFiles&&) = delete;
  ~VideoFiles();

  // Temporaries of this video that have another mark; how many there were.
  unsigned remove_leftovers() const;
  // Opens a new temporary for STEM.`suffix`; the descriptor stays ours. Errors: system.
  jcn::Result<int> make(const std::string& suffix);
  bool is_empty(int descriptor) const;
  // Brings all that was made down to the disk. Errors: system.
  jcn::Result<void> sync() const;
  // Gives them their names. Errors: system; then some may have theirs.
  jcn::Result<void> settle();
  // Removes what has been made, settled or not.
  void remove();
  // The path beneath the root of STEM.`suffix`.
  std::string path(const std::string& suffix) const { return stem_ + '.' + suffix; }

 private:
  struct Made {
    std::string temporary, name;  // in the folder
    jcn::FileDescriptor file;
    bool settled = false;
  };
  VideoFiles(jcn::FileDescriptor folder, std::string stem, std::string mark)
      : folder_(std::move(folder)), stem_(std::move(stem)), mark_(std::move(mark)) {}
  jcn::FileDescriptor folder_;
  std::string stem_, mark_;
  std::vector<Made> made_;
};

// Whether a file in the folder is a temporary of the video called `stem` there: "abc.720p.webm."
// and 16 hexadecimal digits and ".part" are of "abc", and not of "ab".
bool is_temporary(const std::string& name, const std::string& stem);

}  // namespace jcn_transcode
