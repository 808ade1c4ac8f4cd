#include "list_page.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "frame.h"
#include "jcn/canonical.h"
#include "shown_text.h"
#include "video.h"

namespace cgi {
namespace {

struct FacetRow {
  std::string_view parameter, member, heading;
};
constexpr std::array<FacetRow, 3> facets = {{{"tag", "tags", "Tag"},
                                             {"uploader", "uploader", "Uploader"},
                                             {"language", "language", "Language"}}};

struct OrderRow {
  std::string_view value, label, parameter, member;
};
constexpr std::array<OrderRow, 3> orders = {
    {{"", "Newest first", "_sort_desc", "uploaded_at"},
     {"title", "By title", "_sort", "title"},
     {"longest", "Longest first", "_sort_desc", "duration"}}};

constexpr std::size_t longest_search = 500;       // characters
constexpr std::size_t longest_facet_value = 200;  // what is longer is not put into an address

// The same list with another order, choice of one facet, or page.
struct Change {
  std::size_t order;
  std::size_t facet = facets.size();  // the facet whose value comes, or goes where it is chosen
  std::string_view value = {};
  std::string_view page = {};
};

Address list_address(const Wishes& wishes, const Change& change) {
  Parameters parameters = {
      {"page", change.page}, {"q", wishes.searched}, {"order", orders[change.order].value}};
  for (std::size_t n = 0; n < facets.size(); ++n) {
    bool chosen = false;
    for (const std::string_view value : wishes.chosen[n]) {
      const bool leaves = n == change.facet && value == change.value;
      chosen = chosen || leaves;
      if (!leaves) parameters.emplace_back(facets[n].parameter, value);
    }
    if (n == change.facet && !chosen) parameters.emplace_back(facets[n].parameter, change.value);
  }
  return Address::page("/", parameters);
}

std::string_view member(std::string_view object, std::string_view name) {
  return jcn::json_member(object, name).value_or("null");
}

std::uint64_t whole_number(std::string_view json) {
  std::uint64_t value = 0;
  std::from_chars(json.data(), json.data() + json.size(), value);
  return value;
}

Attributes current_if(bool current) {
  return current ? Attributes(R"( aria-current="true")") : Attributes();
}

std::string joined(std::string first, const std::string& second) {
  return first + (first.empty() || second.empty() ? "" : " · ") + second;
}

Html card(const Video& video) {
  Html still;
  if (video.poster) {
    still.add(R"(
        <img src="{}" alt="" loading="lazy">)",
              *video.poster);
  }
  if (video.duration) {
    still.add(R"(
        <time datetime="{}">{}</time>)",
              spoken_length(*video.duration), length(*video.duration));
  }
  Html badge;
  if (video.in_work()) {
    badge.add(R"(
    <span class="badge">processing</span>)");
  } else if (video.state == JobState::failed) {
    badge.add(R"(
    <span class="badge bad">failed</span>)");
  }
  return Html(R"(  <li>
    <a href="{}">
      <span class="still">{}
      </span>
      <span class="title">{}</span>
    </a>
    <span class="about">{}</span>{}
  </li>
)",
              Address::page("/watch", {{"v", video.id}}), still, truncated(video.title, 120),
              joined(truncated(video.uploader, 40), day(video.uploaded_at)), badge);
}

Html cards(std::string_view rows) {
  Html found;
  for (jcn::JsonCursor row(rows); row.next();) {
    if (jcn::json_type(row.value()) != jcn::JsonType::object) continue;
    const Video video = read_video(exact_text(member(row.value(), "_id")), row.value());
    // jcn was asked for these only. What it says is looked at all the same.
    if (video.visibility == Visibility::shown_to_all) found.add(card(video));
  }
  if (found.text().empty()) return {};
  return Html(R"(<ul class="cards">
{}</ul>
)",
              found);
}

Html pages(const Wishes& wishes, std::string_view next) {
  const bool more = jcn::json_type(next) == jcn::JsonType::string;
  if (!more && wishes.page.empty()) return {};
  Html links;
  if (!wishes.page.empty()) {
    links.add(R"(  <a href="{}" rel="first">First page</a>
)",
              list_address(wishes, {wishes.order}));
  }
  if (more) {
    const std::string token = jcn::json_unquote(next);
    links.add(R"(  <a href="{}" rel="next">Next page</a>
)",
              list_address(wishes, {.order = wishes.order, .page = token}));
  }
  return Html(R"(<nav class="pages" aria-label="Pages">
{}</nav>
)",
              links);
}

// The values of a facet, as text, and how many videos have each.
Html facet_values(const Wishes& wishes, std::size_t facet, std::string_view results) {
  Html values;
  for (jcn::JsonCursor result(results); result.next();) {
    if (jcn::json_type(result.value()) != jcn::JsonType::object) continue;
    const std::string_view json = member(result.value(), "value");
    const std::string value =
        jcn::json_type(json) == jcn::JsonType::string ? jcn::json_unquote(json) : std::string(json);
    if (first_characters(value, longest_facet_value).size() < value.size()) continue;
    const auto& chosen = wishes.chosen[facet];
    values.add(R"(    <li><a href="{}"{}>{}</a>
      <span class="count">{}</span></li>
)",
               list_address(wishes, {wishes.order, facet, value}),
               current_if(std::find(chosen.begin(), chosen.end(), value) != chosen.end()),
               plain(value, 60), grouped(whole_number(member(result.value(), "count"))));
  }
  return values;
}

Html choices(const Wishes& wishes, std::string_view facet_results) {
  Html out;
  const bool best_first = !wishes.searched.empty() && wishes.order == 0;
  for (std::size_t n = 0; n < orders.size(); ++n) {
    const std::string_view label =
        !wishes.searched.empty() && n == 0 ? "Best match first" : orders[n].label;
    out.add(R"(    <li><a href="{}"{}>{}</a></li>
)",
            list_address(wishes, {n}), current_if(n == wishes.order && !best_first), label);
  }
  Html more;
  for (std::size_t n = 0; n < facets.size() && !facet_results.empty(); ++n) {
    const auto facet = jcn::json_member(facet_results, facets[n].member);
    if (!facet || jcn::json_type(*facet) != jcn::JsonType::object) continue;
    const Html values = facet_values(wishes, n, member(*facet, "results"));
    if (values.text().empty()) continue;
    more.add(R"(  <h2>{}</h2>
  <ul class="facet">
{}  </ul>
)",
             facets[n].heading, values);
  }
  return Html(R"(<aside aria-label="Narrow the list">
  <h2>Order</h2>
  <ul class="facet">
{}  </ul>
{}</aside>
)",
              out, more);
}

Response home(const SiteSettings& settings, const Wishes& wishes, const std::string& heading,
              const Html& found, const Html& narrowing) {
  const Html main(R"(<div class="browse">
  <section aria-labelledby="found">
    <h1 id="found">{}</h1>
{}  </section>
{}</div>
)",
                  heading, found, narrowing);
  const std::string_view title = wishes.searched.empty() ? "Videos" : wishes.searched;
  Response response;
  response.body = framed({settings.name, title, {}, wishes.searched}, main).text();
  return response;
}

std::string count_line(const Wishes& wishes, std::uint64_t count) {
  if (!wishes.searched.empty())
    return grouped(count) + " for “" + std::string(wishes.searched) + "”";
  return grouped(count) + (count == 1 ? " video" : " videos");
}

}  // namespace

Wishes::Wishes(const QueryString& query)
    : searched(first_characters(stripped(query.first("q")), longest_search)),
      page(query.first("page")) {
  for (std::size_t n = 0; n < orders.size(); ++n) {
    if (orders[n].value == query.first("order")) order = n;
  }
  for (const FacetRow& facet : facets) chosen.push_back(query.all(facet.parameter, 10));
}

std::string list_target(const SiteSettings& settings, const Wishes& wishes) {
  const std::string size = std::to_string(settings.page_size);
  Parameters parameters = {{"_col", shown_in_lists},
                           {"_extra", "count"},
                           {"visibility__exact", "public"},
                           {"_size", size},
                           {"_facet_size", "20"}};
  std::string target = "/v1/" + settings.kind + "?";
  std::string conditions;  // an empty value is one, too
  for (std::size_t n = 0; n < facets.size(); ++n) {
    for (const std::string_view value : wishes.chosen[n]) {
      conditions += "&" + std::string(facets[n].member) + "__exact=" + percent_encoded(value);
    }
    parameters.emplace_back("_facet", facets[n].member);
  }
  if (!wishes.searched.empty()) parameters.emplace_back("_search", wishes.searched);
  if (wishes.searched.empty() || wishes.order != 0)
    parameters.emplace_back(orders[wishes.order].parameter, orders[wishes.order].member);
  parameters.emplace_back("_next", wishes.page);
  return target + encoded(parameters) + conditions;
}

Response list_page(const SiteSettings& settings, const Wishes& wishes, std::string_view said) {
  const auto facet_results = jcn::json_member(said, "facet_results");
  Html found = cards(member(said, "rows"));
  found.add(pages(wishes, member(said, "next")));
  const bool narrowed = facet_results && jcn::json_type(*facet_results) == jcn::JsonType::object;
  return home(settings, wishes, count_line(wishes, whole_number(member(said, "count"))), found,
              choices(wishes, narrowed ? *facet_results : std::string_view()));
}

Response no_list_page(const SiteSettings& settings, const Wishes& wishes,
                      std::string_view complaint) {
  Response response =
      home(settings, wishes, "Nothing can be found like this: " + std::string(complaint),
           pages(wishes, "null"), choices(wishes, {}));
  response.status = 400;
  response.cache_control = "no-store";
  return response;
}

}  // namespace cgi
