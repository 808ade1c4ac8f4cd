#include "doctor_system.h"

#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "watch_limit.h"

namespace jcn_doctor {
namespace {

enum class Kind : std::uint8_t { network, user_space, memory };
struct FileSystemRow {
  std::uint32_t type;  // statfs(2), f_type; linux/magic.h
  const char* name;
  Kind kind;
};
constexpr std::array file_systems = {
    FileSystemRow{0x00006969, "NFS", Kind::network},
    FileSystemRow{0xff534d42, "CIFS", Kind::network},
    FileSystemRow{0xfe534d42, "SMB", Kind::network},
    FileSystemRow{0x0000517b, "SMB", Kind::network},
    FileSystemRow{0x01021997, "9P", Kind::network},
    FileSystemRow{0x00c36400, "Ceph", Kind::network},
    FileSystemRow{0x5346414f, "AFS", Kind::network},
    FileSystemRow{0x73757245, "Coda", Kind::network},
    FileSystemRow{0x01161970, "GFS2", Kind::network},
    FileSystemRow{0x7461636f, "OCFS2", Kind::network},
    FileSystemRow{0x786f4256, "VirtualBox's shared folders", Kind::network},
    FileSystemRow{0x65735546, "FUSE", Kind::user_space},
    FileSystemRow{0x01021994, "tmpfs", Kind::memory},
    FileSystemRow{0x858458f6, "ramfs", Kind::memory},
};

const FileSystemRow* special(const std::string& path) {
  struct ::statfs found {};
  if (::statfs(path.c_str(), &found) != 0) return nullptr;
  const auto type = static_cast<std::uint32_t>(found.f_type);
  const auto row = std::find_if(file_systems.begin(), file_systems.end(),
                                [type](const FileSystemRow& each) { return each.type == type; });
  return row == file_systems.end() ? nullptr : &*row;
}

std::string megabytes(std::uint64_t bytes) {
  return std::to_string(bytes / 1'000'000) + " MB";
}

// Of its generation in use; 0: there is none, or it may not be seen.
std::uint64_t bytes_of_index(const std::string& index) {
  std::string generation;
  std::ifstream(index + "/CURRENT") >> generation;
  struct ::stat data {};
  if (::stat((index + "/" + generation + "/data.mdb").c_str(), &data) != 0) return 0;
  return static_cast<std::uint64_t>(data.st_blocks) * 512;
}

constexpr std::uint64_t least_room = 256'000'000;  // bytes; less is soon gone
constexpr std::uint64_t default_events = 16'384;   // of a queue, as Linux has it

}  // namespace

void look_at_limits(std::uint64_t folders, const Report& report) {
  const jcn::WatchLimit limit = jcn::watch_limit();
  const std::string wanted = std::to_string(folders) + " folders to watch, " +
                             std::to_string(limit.watches) + " watches allowed";
  const std::string raise =
      std::string("echo ") + limit.sysctl + "=" +
      std::to_string(std::max<std::uint64_t>(2 * folders, 524'288)) +
      " > /etc/sysctl.d/90-jcn.conf && sysctl --system && systemctl reload jcn";
  if (limit.watches == 0) {
    report({"limit", State::problem, "this kernel has no inotify",
            "jcn polls every folder; changes are seen only at poll.interval_ms"});
  } else if (folders > limit.watches) {
    report({"limit", State::problem, wanted + ": the others are polled", raise});
  } else if (folders > limit.watches / 10 * 9) {
    report({"limit", State::warning, wanted, raise});
  } else {
    report({"limit", State::fine, wanted});
  }
  std::uint64_t events = 0;
  if (std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> events &&
      events < default_events) {
    report({"limit", State::warning,
            "only " + std::to_string(events) +
                " events may wait: a storm of changes costs a walk over all folders",
            "sysctl fs.inotify.max_queued_events=" + std::to_string(default_events)});
  }
}

void look_at_clock(const Report& report) {
  ::timex state{};
  if (::adjtimex(&state) == TIME_ERROR || (state.status & STA_UNSYNC) != 0) {
    report(
        {"clock", State::warning,
         "the kernel says that the clock is not synchronised; _created and _updated come from it",
         "timedatectl set-ntp true"});
  } else {
    report({"clock", State::fine, "synchronised"});
  }
}

void look_at_index(const std::string& index, const Report& report) {
  const std::string folder = nearest_there(index);
  struct ::statvfs disk {};
  if (::statvfs(folder.c_str(), &disk) != 0) {
    report({"disk", State::problem,
            "can't tell what " + folder + " lies on: " + std::strerror(errno),
            "put storage.index on a local disk"});
    return;
  }
  if (const FileSystemRow* row = special(folder)) {
    if (row->kind == Kind::network) {
      report({"filesystem", State::problem,
              "the index " + index + " lies on " + row->name +
                  ": its memory map and its locks need a local disk",
              "set index to a folder on a local disk; it is made again from the files"});
    } else if (row->kind == Kind::memory) {
      report({"filesystem", State::warning,
              "the index " + index + " lies in memory (" + row->name +
                  "): it is made again after each boot, without last good content",
              "set index to a folder on a disk"});
    }
  }
  const std::uint64_t room = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  const std::uint64_t taken = bytes_of_index(index);
  const std::uint64_t wanted = std::max(least_room, 2 * taken);
  const std::string said = megabytes(room) + " are free where the index lies";
  if ((disk.f_flag & ST_RDONLY) != 0) {
    report({"disk", State::problem, folder + " is mounted read-only", "mount -o remount,rw"});
  } else if (room < wanted) {
    report({"disk", State::warning, said + "; compacting it wants " + megabytes(wanted),
            "make room, or move the index (jcn/doc/operating.md)"});
  } else if (disk.f_files > 0 && disk.f_favail < 1000) {
    report({"disk", State::warning, "few inodes are left where the index lies", "remove files"});
  } else {
    report({"disk", State::fine, said});
  }
}

void look_at_file_system(const std::string& folder, bool polled, const Report& report) {
  const FileSystemRow* row = special(nearest_there(folder));
  if (row == nullptr || row->kind == Kind::memory) {
    report({"filesystem", State::fine, folder + ": local"});
    return;
  }
  const std::string said = folder + " lies on " + row->name;
  if (polled) {
    report({"filesystem", State::fine, said + ", and is polled"});
  } else if (row->kind == Kind::network) {
    report({"filesystem", State::problem,
            said + ": what other machines write there sends no events here",
            "poll = true in its [[root]]"});
  } else {
    report({"filesystem", State::warning,
            said + ": many of its kind send no events for what is changed behind them",
            "poll = true in its [[root]], unless changes are seen"});
  }
}

}  // namespace jcn_doctor
