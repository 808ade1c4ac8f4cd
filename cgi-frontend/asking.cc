#include "asking.h"

#include <cstdio>
#include <memory>

#include "answer_members.h"
#include "http_client.h"
#include "jcn/utf8.h"
#include "problem.h"

namespace cgi {

Ask asking(const SiteSettings& settings) {
  jcn_client::Settings how;
  how.url = settings.jcn;
  how.token = settings.token;
  how.timeout = how.connect_timeout = settings.timeout;
  how.max_answer = 16 << 20;  // a listing ends at half of that
  how.hint = "";
  const auto client = std::make_shared<jcn_client::HttpClient>(std::move(how));
  return [client](const std::string& target) -> jcn::Result<std::string> {
    const auto answer = client->get(target);
    if (answer.ok()) {
      // What is no JSON would have come as it is.
      std::string text = jcn_client::minified(answer->body);
      if (text.starts_with('{')) return text;
    }
    jcn::Error error =
        answer.ok() ? jcn::Error{jcn::Code::internal, client->url() + ": this is not jcn's answer"}
                    : answer.error();
    if (problem_of(error).status >= 500)
      std::fprintf(stderr, "jcn.cgi: %s\n", jcn::printable_path(error.message).c_str());
    return error;
  };
}

}  // namespace cgi
