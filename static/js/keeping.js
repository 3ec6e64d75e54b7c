/** What the composer holds is kept: on the server, before a conversation begins in this tab; a temporary one ends with its page. */

const PAUSE = 800; // milliseconds without a key until the draft is kept

const token = () => document.querySelector("[name=csrfmiddlewaretoken]").value;
const field = () => document.getElementById("composer-text");

function body(content) {
  const form = new FormData();
  form.set("csrfmiddlewaretoken", token());
  form.set("content", content);
  return form;
}

function wireDraft(url) {
  let kept = field()?.value ?? "";
  let timer = 0;
  const keep = () => {
    clearTimeout(timer);
    const text = field()?.value ?? "";
    if (text === kept) return;
    kept = text;
    fetch(url, { method: "POST", body: body(text), keepalive: text.length < 20000 }).catch(() => { kept = null; });
  };
  document.addEventListener("input", (event) => {
    if (event.target !== field()) return;
    clearTimeout(timer);
    timer = setTimeout(keep, PAUSE);
  });
  document.addEventListener("wiz:sent", () => {
    if (field()?.value) return; // an older message was changed; these words are still to be sent
    clearTimeout(timer);
    kept = "";
  });
  document.addEventListener("visibilitychange", () => document.hidden && keep());
}

/** The first words outlast whatever happens to their page; those of a temporary conversation are not put down even here. */
function wireBeginning(name) {
  const isTemporary = () => document.querySelector("#composer-place [name=temporary]");
  const bring = () => { field().value ||= sessionStorage.getItem(name) ?? ""; };
  const keep = () => sessionStorage.setItem(name, field().value);
  if (!isTemporary()) bring();
  document.addEventListener("input", (event) => event.target === field() && !isTemporary() && keep());
  document.body.addEventListener("htmx:oobAfterSwap", ({ detail }) => {
    if (detail.target.id !== "composer-place") return;
    if (isTemporary()) {
      sessionStorage.removeItem(name);
    } else {
      bring();
      keep();
    }
  });
}

/** They are kept no longer once a conversation has begun with them. */
function forgetBeginning(name, transcript) {
  const [first, second] = transcript.querySelectorAll(".message.user");
  if (!second && first?.querySelector(".words")?.textContent === sessionStorage.getItem(name)) sessionStorage.removeItem(name);
}

/** Start. The first words are kept under the person's name: the next one in this tab does not find them. */
export function wireKeeping(transcript) {
  const { draft, leave, person } = transcript.dataset;
  const name = `wiz:beginning:${person}`;
  if (transcript.dataset.socket) forgetBeginning(name, transcript);
  else wireBeginning(name);
  if (draft) wireDraft(draft);
  if (leave) addEventListener("pagehide", () => navigator.sendBeacon(leave, body("")));
}
