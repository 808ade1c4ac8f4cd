#include "site_settings.h"

#include <algorithm>
#include <charconv>
#include <fstream>

#include "jcn/check.h"

namespace cgi {
namespace {

jcn::Error wrong(const std::string& name, const std::string& what) {
  return {jcn::Code::bad_configuration, name + " " + what, "see cgi-frontend/README.md"};
}

jcn::Result<void> read_number(const Variables& environment, const char* name, unsigned most,
                              unsigned& number) {
  const char* value = environment(name);
  if (value == nullptr) return {};
  const std::string_view text = value;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1 || number > most)
    return wrong(name, "is no number from 1 to " + std::to_string(most));
  return {};
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace

jcn::Result<SiteSettings> read_site_settings(const Variables& environment) {
  SiteSettings settings;
  const auto text = [&](const char* name, std::string& value) {
    if (const char* said = environment(name); said != nullptr && *said != '\0') value = said;
  };
  text("JCN_URL", settings.jcn);
  if (!settings.jcn.starts_with("http://") && !settings.jcn.starts_with("https://"))
    return wrong("JCN_URL", "is no http address");
  text("JCN_KIND", settings.kind);
  if (!jcn::valid_kind(settings.kind)) return wrong("JCN_KIND", "is no kind");
  text("JCN_SITE_NAME", settings.name);
  std::string hosts, token_file;
  text("JCN_SITE_HOSTS", hosts);
  settings.hosts = words(hosts);
  text("JCN_TOKEN_FILE", token_file);
  if (!token_file.empty()) {
    std::ifstream file(token_file);
    if (!std::getline(file, settings.token) || settings.token.empty())
      return wrong("JCN_TOKEN_FILE", "names a file without a token: " + token_file);
  }
  JCN_CHECK(read_number(environment, "JCN_PAGE_SIZE", 1000, settings.page_size));
  JCN_CHECK(read_number(environment, "JCN_THREADS", 256, settings.threads));
  // Apache waits for ten seconds (apache/cgi.conf).
  auto timeout = static_cast<unsigned>(settings.timeout.count());
  JCN_CHECK(read_number(environment, "JCN_TIMEOUT_MS", 9'000, timeout));
  settings.timeout = std::chrono::milliseconds(timeout);
  return settings;
}

}  // namespace cgi
