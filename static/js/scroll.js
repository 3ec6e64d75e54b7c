/** Stays at the end while the reader is there, and says so when there is more below. */

import { announce } from "./words.js";

const NEAR = 48; // pixels from the end that still count as the end

/** Watch a scrolling element whose content grows; returns a function that goes to the end. */
export function wireScroll(scroll, content) {
  let atEnd = true;
  let lastTop = 0;
  let seen = lastOf(content);
  const below = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight;
  const isAtEnd = () => below() < NEAR;
  const toEnd = () => {
    atEnd = true;
    seen = lastOf(content);
    scroll.scrollTop = scroll.scrollHeight;
    lastTop = scroll.scrollTop;
    offer(false);
  };
  scroll.addEventListener("scroll", () => {
    // Growing content fires this too: only the reader's own move upwards leaves the end, and be it a small one.
    const moved = scroll.scrollTop - lastTop;
    if (moved < -1 && below() > 1) atEnd = false;
    else if (below() <= 1 || (moved > 0 && isAtEnd())) atEnd = true;
    lastTop = scroll.scrollTop;
    if (atEnd) offer(false);
  }, { passive: true });
  new ResizeObserver(() => {
    if (atEnd) toEnd();
    else if (isMore(content, seen) && !isAtEnd()) offer(true);
  }).observe(content);
  new ResizeObserver(() => atEnd && toEnd()).observe(scroll);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-to-end]")) return;
    toEnd();
    scroll.focus({ preventScroll: true });
  });
  document.addEventListener("wiz:sent", toEnd);
  keepPlace(scroll, content, () => { atEnd = isAtEnd(); });
  const wanted = content.querySelector(`#${CSS.escape(location.hash.slice(1)) || "none"}`);
  if (!wanted) {
    toEnd();
    return;
  }
  atEnd = false;
  wanted.scrollIntoView({ block: "start" });
  lastTop = scroll.scrollTop;
}

/** The last message of the transcript. */
function lastOf(content) {
  let last = content.lastElementChild;
  while (last && !last.matches(".message")) last = last.previousElementSibling;
  return last;
}

/** Whether what makes the content higher is said at its end: not a menu that opens, not what is older. */
function isMore(content, seen) {
  const last = lastOf(content);
  return last !== seen || ["queued", "running"].includes(last?.dataset.status);
}

let known = null;

/** Show the button that goes to the end, or take it away. The composer, in which it is, may be another by now. */
function offer(flag) {
  if (!known?.isConnected) known = document.querySelector("[data-to-end]");
  if (!known || known.hidden !== flag) return;
  known.hidden = !flag;
  if (flag) announce(known.textContent.trim());
}

/** Whatever replaces the content, what has the focus stays where it is on the screen. */
function keepPlace(scroll, content, moved) {
  let place = null;
  document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const focused = document.activeElement;
    const isInside = detail.target === content && focused.id && content.contains(focused);
    place = isInside ? { id: focused.id, top: focused.getBoundingClientRect().top } : null;
  });
  document.body.addEventListener("htmx:afterSwap", ({ detail }) => {
    const found = detail.target === content && place && document.getElementById(place.id);
    if (!found) return;
    scroll.scrollTop += found.getBoundingClientRect().top - place.top;
    place = null;
    moved();
  });
}
