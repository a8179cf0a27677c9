(() => {
  "use strict";
  const root = document.documentElement;

  const theme = document.querySelector(".theme");
  theme.hidden = false; // without script it would do nothing
  theme.addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  // A place of the page has a video, with buttons and charts. Our seconds count from the first picture; the player's
  // are so many (data-shift) later.
  const players = [...document.querySelectorAll("video[data-duration]")].map((video) => ({
    video,
    place: video.closest("[data-player]"),
    shift: Number(video.dataset.shift),
    duration: Number(video.dataset.duration),
    stretch: null, // {start, end} that is being played, in our seconds
  }));

  const say = (player, text) => { player.place.querySelector(".now").textContent = text; };
  const seconds = (player) => player.video.currentTime - player.shift;

  const playerOf = (element) => players.find((player) => player.place === element.closest("[data-player]"));

  function mark(place, button) {
    for (const other of place.querySelectorAll("button[data-start]")) {
      const same = button && other.dataset.start === button.dataset.start && other.dataset.end === button.dataset.end;
      other.setAttribute("aria-pressed", String(Boolean(same)));
    }
  }

  function seek(player, to) {
    player.video.currentTime = Math.max(0, to + player.shift + 0.001); // a hair inside: rounding down would show the picture before
  }

  function play(button) {
    const wanted = { start: Number(button.dataset.start), end: Number(button.dataset.end) };
    const player = playerOf(button);
    player.stretch = null;
    player.video.pause();
    seek(player, wanted.start);
    player.stretch = wanted;
    mark(player.place, button);
    say(player, "Playing " + button.dataset.label);
    player.video.play().catch((reason) => {
      if (reason.name !== "AbortError") say(player, "The browser cannot play this video: " + reason.message);
    }); // AbortError: another moment was clicked meanwhile
  }

  function watch(player) {
    const at = seconds(player);
    player.place.style.setProperty("--played", Math.min(1, Math.max(0, at / player.duration)));
    if (player.stretch && !player.video.seeking && at >= player.stretch.end) {
      const end = player.stretch.end;
      player.stretch = null;
      player.video.pause();
      seek(player, end - 0.003); // the stretch is half-open: its last picture, not the one that follows
      say(player, "Stopped at the end of the moment.");
    }
    if (!player.video.paused) requestAnimationFrame(() => watch(player));
  }

  function leave(player) {
    const at = seconds(player);
    const stretch = player.stretch;
    if (stretch && (at < stretch.start - 0.25 || at > stretch.end + 0.25)) { // the viewer went elsewhere
      player.stretch = null;
      mark(player.place, null);
      say(player, "");
    }
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-start]");
    if (button) return play(button);
    const chart = event.target.closest(".chart");
    const player = chart && playerOf(chart);
    if (!player) return;
    const box = chart.getBoundingClientRect();
    player.stretch = null;
    mark(player.place, null);
    say(player, "");
    seek(player, ((event.clientX - box.left) / box.width) * player.duration);
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !/^[1-9]$/.test(event.key)) return;
    const here = document.activeElement.closest(".answer") || document.querySelector(".answer");
    const bar = here && here.querySelectorAll(".bar")[Number(event.key) - 1];
    if (bar && bar.dataset.start) play(bar);
  });

  for (const player of players) {
    const { video } = player;
    video.addEventListener("play", () => watch(player));
    video.addEventListener("timeupdate", () => watch(player));
    video.addEventListener("seeked", () => { leave(player); watch(player); });
    video.addEventListener("error", () => say(player, "The browser cannot play this video."));
  }
})();
