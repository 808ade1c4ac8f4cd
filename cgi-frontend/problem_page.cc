#include "problem_page.h"

#include "frame.h"

namespace cgi {

Response problem_page(const SiteSettings& settings, const Request& request,
                      const Problem& problem) {
  const std::string_view title = title_of(problem.status);
  Html main(R"(<h1>{}</h1>
<p id="complaints">{}</p>
)",
            title, problem.detail);
  if (problem.retry_after > 0) {
    Attributes reload;
    if (request.method == "GET") reload.add(R"( data-reload="{}")", problem.retry_after);
    main.add(R"(<p><a href="{}"{}>Try again</a></p>
)",
             Address::same_page(request.query_string), reload);
  } else {
    main.add(R"(<p><a href="/">To the videos</a></p>
)");
  }
  Response response;
  response.status = problem.status;
  response.body = framed({settings.name, title, {}, {}}, main).text();
  response.cache_control = "no-store";
  response.retry_after = problem.retry_after;
  return response;
}

}  // namespace cgi
