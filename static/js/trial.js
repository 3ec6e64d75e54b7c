/** The test chat: asks with what the form says at this moment; the talk lives in this page only. */

import { readEvents } from "./sse.js";

const BLOCK = "trial-turn";
const NEAR = 48; // pixels from the end that still count as the end

export function wireTrial(panel, form) {
  const log = panel.querySelector(".trial-log");
  const ask = panel.querySelector("form");
  const field = ask.querySelector("textarea");
  const send = ask.querySelector(".send");
  const stop = ask.querySelector("[data-trial-stop]");
  const clear = panel.querySelector("[data-trial-clear]");
  const say = panel.dataset;
  let talk = [];
  let running = null;
  let atEnd = true;

  function add(kind, text = "") {
    const block = document.createElement("div");
    block.className = `${BLOCK} ${kind}`;
    block.textContent = text;
    log.append(block);
    show();
    return block;
  }

  /** Keep the end in view, unless the reader has scrolled up. */
  function show() {
    if (atEnd) log.scrollTop = log.scrollHeight;
  }

  function setRunning(controller) {
    running = controller;
    send.hidden = Boolean(controller);
    stop.hidden = !controller;
    clear.hidden = !log.querySelector(`.${BLOCK}`);
  }

  function complain(text, hint = "", detail = "") {
    const block = add("problem");
    const words = document.createElement("div");
    words.textContent = `${text} ${hint}`.trim();
    block.append(panel.querySelector("[data-warning]").content.cloneNode(true), words);
    if (!detail) return words;
    const more = document.createElement("details");
    const summary = document.createElement("summary");
    const pre = document.createElement("pre");
    summary.textContent = say.details;
    pre.textContent = detail;
    more.append(summary, pre);
    words.append(more);
    return words;
  }

  /** Sentences about the form, each with a way to its field. */
  function complainOfForm(problems) {
    problems.forEach(({ field: id, text }) => {
      const words = complain(text);
      if (!id || !document.getElementById(id)) return;
      const link = document.createElement("a");
      link.href = `#${id}`;
      link.textContent = say.fix;
      words.append(" ", link);
    });
  }

  function turn(answer, state) {
    return {
      "text-delta": ({ text }) => {
        state.textContent = "";
        answer.textContent += text;
      },
      "reasoning-delta": () => { state.textContent = say.thinking; },
      notice: ({ text }) => state.before(note(text)),
      "generation-end": ({ error, finish_reason: reason }) => {
        if (error) complain(error.message, error.hint, error.detail);
        else if (reason === "length") state.before(note(say.length));
      },
    };
  }

  function note(text) {
    const line = document.createElement("div");
    line.className = "trial-note";
    line.textContent = text;
    return line;
  }

  async function refused(response) {
    if (response.status === 401 || response.status === 403) return complain(say.login);
    const body = await response.json().catch(() => ({}));
    if (body.problems) return complainOfForm(body.problems);
    const { message = say.lost, detail } = body.error ?? {};
    const words = detail && !detail.hint ? Object.values(detail).flat().filter((text) => typeof text === "string") : [];
    return complain(words.join(" ") || message, detail?.hint, detail?.provider_message);
  }

  async function answer(text) {
    const controller = new AbortController();
    const mine = talk; // another one may have begun when the answer ends
    const body = new FormData(form);
    body.set("try-message", text);
    body.set("try-history", JSON.stringify(talk.slice(-40)));
    atEnd = true;
    add("user", text);
    const block = add("agent");
    const state = note(say.working);
    block.append(state);
    const words = document.createElement("div");
    block.append(words);
    setRunning(controller);
    try {
      const response = await fetch(say.url, {
        method: "POST", body, signal: controller.signal, headers: { "X-CSRFToken": body.get("csrfmiddlewaretoken") },
      });
      if (response.ok) await readEvents(response.body, turn(words, state), show);
      else await refused(response);
    } catch (error) {
      if (error.name === "AbortError") words.after(note(say.stopped));
      else complain(say.lost);
    }
    state.remove();
    if (!block.textContent) block.remove();
    if (words.textContent) mine.push({ role: "user", content: text }, { role: "assistant", content: words.textContent });
    setRunning(null);
    show();
  }

  log.addEventListener("scroll", () => {
    atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;
  }, { passive: true });
  ask.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (!text || running) return;
    field.value = "";
    answer(text);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || matchMedia("(pointer: coarse)").matches) return;
    event.preventDefault();
    ask.requestSubmit();
  });
  stop.addEventListener("click", () => running?.abort());
  clear.addEventListener("click", () => {
    running?.abort();
    talk = [];
    log.querySelectorAll(`.${BLOCK}`).forEach((block) => block.remove());
    clear.hidden = true;
    field.focus();
  });
  panel.hidden = false;
  document.querySelectorAll(".to-trial").forEach((link) => { link.hidden = false; });
}
