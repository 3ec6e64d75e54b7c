/** What the composer holds is kept on the server; a temporary conversation ends with its page. */

const PAUSE = 800; // milliseconds without a key until the draft is kept

const token = () => document.querySelector("[name=csrfmiddlewaretoken]").value;

function body(content) {
  const form = new FormData();
  form.set("csrfmiddlewaretoken", token());
  form.set("content", content);
  return form;
}

function wireDraft(url) {
  const field = () => document.getElementById("composer-text");
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

/** Start, on the page of a conversation. */
export function wireKeeping(transcript) {
  const { draft, leave } = transcript.dataset;
  if (draft) wireDraft(draft);
  if (leave) addEventListener("pagehide", () => navigator.sendBeacon(leave, body("")));
}
