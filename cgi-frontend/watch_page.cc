#include "watch_page.h"

#include "frame.h"
#include "shown_text.h"

namespace cgi {
namespace {

Html tracks(const Video& video) {
  Html out;
  for (const Track& track : video.tracks) {
    Attributes more;
    if (!track.language.empty()) more.add(R"( srclang="{}")", track.language);
    if (!track.label.empty()) more.add(R"( label="{}")", track.label);
    out.add(R"(    <track src="{}" kind="{}"{}>
)",
            track.address, track.kind, more);
  }
  return out;
}

Html video_element(const Video& video) {
  Attributes looks;
  if (video.poster) looks.add(R"( poster="{}")", *video.poster);
  if (video.width && video.height)
    looks.add(R"( width="{}" height="{}")", *video.width, *video.height);
  Html sources;
  for (const Source& source : video.sources) {
    sources.add(R"(    <source src="{}" type="{}">
)",
                source.address, source.type);
  }
  return Html(R"(  <video controls preload="metadata" playsinline{} aria-label="{}">
{}{}    <p><a href="{}">The video, as a file</a></p>
  </video>
)",
              looks, video.title, sources, tracks(video), video.sources.front().address);
}

Html work(const Video& video, const Request& request) {
  if (video.state == JobState::failed) {
    Html why;
    if (!video.error.empty()) {
      why.add(R"(    <pre>{}</pre>
)",
              video.error);
    }
    return Html(R"(  <div class="work bad">
    <p>This video could not be processed.</p>
{}  </div>
)",
                why);
  }
  if (video.in_work()) {
    Html far(R"(    <p>Processing. The video will be shown here.</p>
    <progress aria-label="Processing"></progress>
)");
    if (video.state == JobState::running && video.percent) {
      far = Html(R"(    <p>Processing: {} %</p>
    <progress max="100" value="{}" aria-label="Processing">{} %</progress>
)",
                 *video.percent, *video.percent, *video.percent);
    }
    return Html(R"(  <div class="work">
{}    <noscript><p><a href="{}">Look again</a></p></noscript>
  </div>
)",
                far, Address::same_page(request.query_string));
  }
  if (!video.sources.empty()) return {};
  return Html(R"(  <p class="work">There is nothing to be played here.</p>
)");
}

// The video, or what is known of its making. site.js puts a new one into its place while there is
// work, which it sees by `events`.
Html player(const Video& video, const Request& request, const Attributes& events) {
  return Html(R"(<div id="player" data-live{}>
{}{}</div>
)",
              events, video.sources.empty() ? Html() : video_element(video), work(video, request));
}

Html about(const Video& video) {
  Html out;
  const auto add = [&](std::string_view part) {
    if (part.empty()) return;
    if (!out.text().empty()) out.add(" · ");
    out.add_text(part);
  };
  add(video.uploader);
  add(day(video.uploaded_at));
  add(video.visibility == Visibility::unlisted ? "unlisted" : "");
  if (video.duration) {
    out.add(R"( · <time datetime="{}">{}</time>)", spoken_length(*video.duration),
            length(*video.duration));
  }
  if (video.width && video.height) out.add(" · {} × {}", *video.width, *video.height);
  return out;
}

Html tags(const Video& video) {
  if (video.tags.empty()) return {};
  Html each;
  for (const std::string& tag : video.tags) {
    each.add(R"(      <li><a href="{}">{}</a></li>
)",
             Address::page("/", {{"tag", tag}}), tag);
  }
  return Html(R"(    <ul class="tags">
{}    </ul>
)",
              each);
}

std::string joined(const std::vector<std::string>& paths) {
  std::string out;
  for (const std::string& path : paths) out += (out.empty() ? "" : ", ") + path;
  return out;
}

Html origins_table(const std::vector<Origin>& origins) {
  Html rows;
  for (const Origin& origin : origins) {
    rows.add(R"(          <tr><th scope="row">{}</th><td>{}</td><td>{}</td></tr>
)",
             origin.member, joined(origin.said_by), joined(origin.overruled));
  }
  return Html(R"(  <details>
    <summary>Who says what</summary>
    <section id="origins" data-live class="scrolls" tabindex="0" aria-label="Who says what">
      <table>
        <thead><tr><th scope="col">Member</th><th scope="col">Said by</th><th scope="col">Overruled</th></tr></thead>
        <tbody>
{}        </tbody>
      </table>
    </section>
  </details>
)",
              rows);
}

Html head(const Video& video, std::string_view origin) {
  Html out;
  if (video.visibility != Visibility::shown_to_all) {
    out.add(R"(  <meta name="robots" content="noindex">
)");
  }
  if (!video.description.empty()) {
    out.add(R"(  <meta name="description" content="{}">
)",
            truncated(video.description, 200));
  }
  const Address watch = Address::page("/watch", {{"v", video.id}}).at(origin);
  out.add(R"(  <link rel="alternate" type="application/json+oembed" title="oEmbed" href="{}">
)",
          Address::page("/oembed", {{"url", watch.text()}, {"format", "json"}}).at(origin));
  return out;
}

}  // namespace

Response watch_page(const SiteSettings& settings, const Request& request, const Video& video,
                    const std::vector<Origin>& origins, std::string_view origin) {
  Attributes events;
  if (video.in_work())
    events.add(R"( data-events="{}")", Address::page("/events", {{"v", video.id}}));
  Html description;
  if (!video.description.empty()) {
    description.add(R"(  <p class="description">{}</p>
)",
                    linked(video.description));
  }
  const Html main(R"(<article class="watch">
{}  <h1>{}</h1>
  <div id="facts" data-live>
    <p class="about">{}</p>
{}  </div>
{}{}</article>
)",
                  player(video, request, events), video.title, about(video), tags(video),
                  description, origins_table(origins));
  Response response;
  response.body = framed({settings.name, video.title, head(video, origin), {}}, main).text();
  return response;
}

Response embed_page(const SiteSettings& settings, const Request& request, const Video& video) {
  const Html page(R"(<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <meta name="robots" content="noindex">
  <title>{} · {}</title>
  <link rel="icon" href="/static/icon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="/static/site.css">
</head>
<body class="embed">
  <main>
{}    <h1><a href="{}" target="_blank" rel="noopener">{}</a></h1>
  </main>
</body>
</html>
)",
                  video.title, settings.name, player(video, request, {}),
                  Address::page("/watch", {{"v", video.id}}), truncated(video.title, 120));
  Response response;
  response.body = page.text();
  return response;
}

}  // namespace cgi
