/** Older and newer messages, fetched when the reader comes near to where they belong; nothing on the screen moves. */

const NEAR = "600px"; // how far below the edge of the screen they are fetched already

/** Whether a transcript's end is further down than what is shown of it. */
export const isCut = (transcript) => Boolean(transcript.querySelector(":scope > [data-newer]"));

/** Which messages are shown, for a request that wants the same ones as they are now. */
export function shownOf(transcript) {
  const ids = [...transcript.querySelectorAll(":scope > [data-message]")].map(({ dataset }) => dataset.message);
  const isWhole = !transcript.querySelector(":scope > [data-older]");
  const names = {};
  if (!isWhole && ids.length) names.from = ids[0];
  if (isCut(transcript) && ids.length) Object.assign(names, { from: ids[0], until: ids.at(-1) });
  return names;
}

/** Put the fetched messages in the place of their link; what was in sight stays where it is. */
function put(fetched, place, scroll) {
  const isOlder = place.matches("[data-older]");
  // The link of the side that is shown already is not needed again.
  fetched.querySelector(isOlder ? "[data-newer]" : "[data-older]")?.remove();
  fetched.querySelector(".elsewhere")?.remove();
  const mark = isOlder ? place.nextElementSibling : place.previousElementSibling;
  const before = mark.getBoundingClientRect().top;
  const fresh = [...fetched.children];
  place.replaceWith(fetched);
  scroll.scrollTop += mark.getBoundingClientRect().top - before;
  fresh.forEach((element) => window.htmx?.process(element));
}

/** Start. `fetch(url)` gives a part of the transcript; `came()` is called when messages have come. */
export function wireBeyond(scroll, transcript, fetch, came) {
  const load = async (link) => {
    const place = link.closest("[data-older], [data-newer]");
    if (place.ariaBusy === "true") return;
    place.ariaBusy = "true";
    const fetched = await fetch(link.dataset.from).catch(() => null);
    place.ariaBusy = "false";
    if (!fetched || !place.isConnected) return;
    const isFocused = document.activeElement === link;
    put(fetched, place, scroll);
    if (isFocused) scroll.focus({ preventScroll: true });
    came();
  };
  const watch = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) load(target);
  }, { root: scroll, rootMargin: `${NEAR} 0px` });
  const observe = () => {
    watch.disconnect();
    for (const link of transcript.querySelectorAll(":scope > .beyond [data-from]")) watch.observe(link);
  };
  transcript.addEventListener("click", (event) => {
    const link = event.target.closest(".beyond [data-from]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    load(link);
  });
  // What asks for another version of the transcript gets as much of it as is shown.
  document.body.addEventListener("htmx:configRequest", ({ detail }) => {
    if (detail.target === transcript && detail.elt.id !== "composer") Object.assign(detail.parameters, shownOf(transcript));
  });
  new MutationObserver(observe).observe(transcript, { childList: true });
  // Not before the page has found its place: the beginning of the transcript is in sight until then.
  requestAnimationFrame(() => requestAnimationFrame(observe));
}
