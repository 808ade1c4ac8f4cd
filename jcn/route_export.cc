// GET /v1/export.sqlite
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "byte_range.h"
#include "entity_tag.h"
#include "jcn/time_text.h"
#include "problem.h"
#include "routes.h"

namespace jcn {
namespace {

constexpr std::size_t piece_bytes = 64 * 1024;

// Sends a stretch of the file. False: it could not be read, or the client is gone.
bool send_stretch(int fd, const ByteRange& range, const PieceSink& send) {
  std::string piece(piece_bytes, '\0');
  for (std::uint64_t done = 0; done < range.length;) {
    const std::size_t wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), range.length - done));
    const ssize_t got = ::pread(fd, piece.data(), wanted, static_cast<off_t>(range.first + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    if (!send(std::string_view(piece).substr(0, static_cast<std::size_t>(got)))) return false;
    done += static_cast<std::uint64_t>(got);
  }
  return true;
}

Response unsatisfiable(std::uint64_t size) {
  Response response = problem(
      Code::bad_request, "The range lies behind the file's " + std::to_string(size) + " bytes.");
  response.status = 416;
  response.headers.emplace_back("Content-Range", "bytes */" + std::to_string(size));
  return response;
}

}  // namespace

Result<Response> export_sqlite(const Call& call) {
  JCN_CHECK(call.parameters.allow({}));
  JCN_TRY(SnapshotFile file, call.service.snapshot_file());
  Response response;
  response.content_type = "application/vnd.sqlite3";
  response.headers = {{"ETag", file.tag},
                      {"Last-Modified", http_date(file.modified_ns)},
                      {"Cache-Control", "no-cache"},
                      {"Accept-Ranges", "bytes"},
                      {"Content-Disposition", "attachment; filename=\"jcn.sqlite\""}};
  const auto condition = call.request.header("If-None-Match");
  if (condition && none_match_hits(*condition, file.tag)) {
    response.status = 304;
    return response;
  }
  ByteRange range{0, file.size};
  // Of another file than the one that the client has a part of, all is wanted.
  const auto same = call.request.header("If-Range");
  if (const auto asked = call.request.header("Range"); asked && (!same || *same == file.tag)) {
    const auto read = read_byte_range(*asked, file.size);
    if (read && read->length == 0) return unsatisfiable(file.size);
    if (read) {
      range = *read;
      response.status = 206;
      response.headers.emplace_back("Content-Range",
                                    "bytes " + std::to_string(range.first) + '-' +
                                        std::to_string(range.first + range.length - 1) + '/' +
                                        std::to_string(file.size));
    }
  }
  response.stream_length = range.length;
  const auto kept = std::make_shared<const SnapshotFile>(std::move(file));
  response.stream = [kept, range](const PieceSink& send) {
    return send_stretch(kept->file.get(), range, send);
  };
  return response;
}

}  // namespace jcn
