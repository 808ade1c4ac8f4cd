// What pages do by themselves: follow a video in the making, keep a status fresh, show how far an upload is.
// Without this script everything works by loading pages anew.
"use strict";

// ---- what is told to who does not see it: that something begins, each quarter of it, and how it ends

const told = document.createElement("p");
told.className = "unseen";
told.setAttribute("role", "status");
document.body.append(told);

function tell(text) {
  if (told.textContent !== text) told.textContent = text;
}

const quarters = (percent) => 25 * Math.floor(percent / 25);

// ---- parts of a page that stay up to date: elements with data-live and an id

// Asks for this page again, and puts each live part that differs into the place of the old one. Whether that could be done.
async function refresh() {
  let answer, page;
  try {
    answer = await fetch(location.href, {headers: {Accept: "text/html"}});
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {  // the network is away, or Apache
    sayStale("The site does not answer.");
    return false;
  }
  if (answer.status === 404) {  // deleted
    document.querySelector("main").replaceWith(document.adoptNode(page.querySelector("main")));
    return true;
  }
  if (!answer.ok) {
    sayStale(page.getElementById("complaints")?.textContent ?? "The site does not answer.");
    return false;
  }
  for (const old of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(old.id);
    if (fresh && fresh.outerHTML !== old.outerHTML) old.replaceWith(document.adoptNode(fresh));
  }
  return true;
}

// A page that says how things are does not go on saying so when nobody knows.
function sayStale(why) {
  const line = document.querySelector("[data-every] p");
  if (!line) return;
  line.className = "work bad";
  line.textContent = `${why} What is shown is from before.`;
  tell(line.textContent);
}

// How far the video is that this page follows.
function tellOfWork() {
  const work = document.querySelector("#player .work"), bar = work?.querySelector("progress");
  if (bar?.hasAttribute("value")) return tell(`Processing: ${quarters(bar.value)} %`);
  if (work) return tell((work.querySelector("p") ?? work).textContent);
  tell(document.querySelector("#player") ? "The video is ready." : document.querySelector("#complaints").textContent);
}

// One refresh at a time; what is asked for meanwhile makes one more. Whether the last one could be done.
let running = null, again = false;
function refreshSoon() {
  again = true;
  running ??= (async () => {
    let done = false;
    while (again) {
      again = false;
      done = await refresh();
    }
    running = null;
    return done;
  })();
  return running;
}

// Follows the events of this page's video for as long as the page says that there is work.
function follow() {
  const address = document.querySelector("[data-events]")?.dataset.events;
  if (!address) return;
  const events = new EventSource(address);
  let later = 0;
  const end = () => {
    events.close();
    clearTimeout(later);
  };
  const look = async () => {
    clearTimeout(later);
    const done = await refreshSoon();
    tellOfWork();
    if (!document.querySelector("[data-events]")) return end();
    // It may have been the last event: nobody would say it again.
    if (!done && events.readyState !== EventSource.CLOSED) {
      clearTimeout(later);
      later = setTimeout(look, 5000);
    }
  };
  // A page that was left may be kept, with its connection; six of those, and the next page has none.
  addEventListener("pagehide", end, {once: true});
  events.addEventListener("open", look);  // what happened while nobody listened
  events.addEventListener("message", look);
  events.addEventListener("fresh", look);
  events.addEventListener("error", () => {
    if (events.readyState === EventSource.CLOSED) setTimeout(follow, 5000);  // refused: once more later
  });
}

function keepFresh() {
  const every = document.querySelector("[data-every]")?.dataset.every;
  if (every) setInterval(() => document.hidden || refreshSoon(), every * 1000);
}

// What could not be shown, because jcn was away.
function tryAgain() {
  const after = document.querySelector("[data-reload]")?.dataset.reload;
  if (after) setTimeout(() => location.reload(), after * 1000);
}

// ---- uploads

function showUploads(form) {
  const box = form.querySelector("[data-progress]");
  const [line, bar] = [box.querySelector("p"), box.querySelector("progress")];
  const [file, button] = [form.querySelector("input[type=file]"), form.querySelector("button")];
  const say = (text, bad = false, spoken = text) => {
    tell(spoken);
    box.hidden = false;
    box.classList.toggle("bad", bad);
    bar.hidden = bad;
    line.textContent = text;
    button.disabled = !bad;
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (file.files[0]?.size > Number(file.dataset.limit)) return say("This file is too large.", true);
    const request = new XMLHttpRequest();
    request.upload.addEventListener("progress", ({loaded, total}) => {
      const percent = Math.floor(100 * loaded / total);
      bar.value = percent;
      if (percent === 100) return say("Uploaded. It is being stored.");
      say(`Uploading: ${percent} %`, false, `Uploading: ${quarters(percent)} %`);
    });
    request.addEventListener("load", () => {
      if (request.status === 200) return location.assign(request.responseURL);
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      say(page.getElementById("complaints")?.textContent.trim() || "That did not work.", true);
    });
    request.addEventListener("error", () => say("The connection broke. Nothing was stored.", true));
    request.open("POST", form.action);
    request.send(new FormData(form));
    say("Uploading: 0 %");
  });
}

follow();
addEventListener("pageshow", ({persisted}) => persisted && follow());
keepFresh();
tryAgain();
document.querySelectorAll("form[data-upload]").forEach(showUploads);
