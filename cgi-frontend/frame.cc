#include "frame.h"

namespace cgi {

Html framed(const Frame& frame, const Html& main) {
  return Html(R"(<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>{} · {}</title>
  <link rel="icon" href="/static/icon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="/static/site.css">
  <script src="/static/site.js" defer></script>
{}</head>
<body>
  <a class="skip" href="#main">Skip to content</a>
  <header class="site">
    <a class="name" href="/">{}</a>
    <form role="search" action="/">
      <label class="unseen" for="q">Search videos</label>
      <input type="search" id="q" name="q" value="{}" placeholder="Search" maxlength="500">
      <button type="submit">Search</button>
    </form>
  </header>
  <main id="main" tabindex="-1">
{}  </main>
</body>
</html>
)",
              frame.title, frame.site, frame.head, frame.site, frame.searched, main);
}

}  // namespace cgi
