(() => {
  "use strict";
  const root = document.documentElement;

  document.querySelector(".theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  const video = document.querySelector("video");
  if (!video) return; // the page was made without the video
  const shift = Number(video.dataset.shift); // our seconds count from the first picture, the player's from the file's start
  const duration = Number(video.dataset.duration);
  const now = document.querySelector(".now");
  let stretch = null; // {start, end} that is being played, in our seconds

  const seconds = () => video.currentTime - shift;

  function mark(button) {
    for (const other of document.querySelectorAll("button[data-start]")) {
      const same = button && other.dataset.start === button.dataset.start && other.dataset.end === button.dataset.end;
      other.setAttribute("aria-pressed", String(Boolean(same)));
    }
  }

  function seek(to) {
    video.currentTime = Math.max(0, to + shift + 0.001); // a hair inside: rounding down would show the picture before
  }

  function play(button) {
    const wanted = { start: Number(button.dataset.start), end: Number(button.dataset.end) };
    stretch = null;
    video.pause();
    seek(wanted.start);
    stretch = wanted;
    mark(button);
    now.textContent = "Playing " + button.dataset.label;
    video.play().catch((reason) => {
      if (reason.name !== "AbortError") now.textContent = "The browser cannot play this video: " + reason.message;
    }); // AbortError: another moment was clicked meanwhile
  }

  function watch() {
    const at = seconds();
    root.style.setProperty("--played", Math.min(1, Math.max(0, at / duration)));
    if (stretch && !video.seeking && at >= stretch.end) {
      const end = stretch.end;
      stretch = null;
      video.pause();
      seek(end - 0.003); // the stretch is half-open: its last picture, not the one that follows
      now.textContent = "Stopped at the end of the moment.";
    }
    if (!video.paused) requestAnimationFrame(watch);
  }

  function leave() {
    const at = seconds();
    if (stretch && (at < stretch.start - 0.25 || at > stretch.end + 0.25)) { // the viewer went elsewhere
      stretch = null;
      mark(null);
      now.textContent = "";
    }
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-start]");
    if (button) return play(button);
    const chart = event.target.closest(".chart");
    if (!chart) return;
    const box = chart.getBoundingClientRect();
    stretch = null;
    mark(null);
    now.textContent = "";
    seek(((event.clientX - box.left) / box.width) * duration);
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !/^[1-9]$/.test(event.key)) return;
    const here = document.activeElement.closest(".answer") || document.querySelector(".answer");
    const bar = here.querySelectorAll(".bar")[Number(event.key) - 1];
    if (bar) play(bar);
  });

  video.addEventListener("play", watch);
  video.addEventListener("timeupdate", watch);
  video.addEventListener("seeked", () => { leave(); watch(); });
  video.addEventListener("error", () => { now.textContent = "The browser cannot play this video."; });
})();
