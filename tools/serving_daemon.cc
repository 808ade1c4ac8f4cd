#include "serving_daemon.h"

#include <filesystem>
#include <fstream>

#include "answer_members.h"

namespace jcn_client {

jcn::Result<std::optional<HttpClient>> serving_daemon(const std::string& index,
                                                      const std::string& token) {
  using jcn::Code;
  // The address may be left from a daemon that was killed: whoever answers there must serve this
  // index.
  std::ifstream file(index + "/daemon.addr");
  std::string url;
  if (!std::getline(file, url) || url.empty()) return std::optional<HttpClient>();
  HttpClient daemon(url, token);
  const auto status = daemon.get("/v1/status");
  if (!status.ok() && status.error().code != Code::not_connected &&
      status.error().code != Code::internal) {
    return status.error();
  }
  if (!status.ok()) return std::optional<HttpClient>();
  std::error_code error;
  if (!std::filesystem::equivalent(text_member(status->body, "index"), index, error)) {
    return std::optional<HttpClient>();
  }
  return std::optional<HttpClient>(std::move(daemon));
}

}  // namespace jcn_client
