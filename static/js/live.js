/** Keeps the transcript in step with the server: frames in, answers out. */

import { Answer } from "./answer.js";
import { isCut, shownOf } from "./beyond.js";
import { dressCode } from "./copy.js";
import { keepEditing } from "./editing.js";
import { Follower } from "./follow.js";
import { announce, say } from "./words.js";

const ACTIVE = ["queued", "running"];
const ASK_AFTER = 3; // failed connections until a request shows whether the session has ended
const SETTLE = 500; // milliseconds after the end within which the last block must have come

export class Live {
  /** `running(flag)` is told whenever a run begins or ends. */
  constructor(transcript, running) {
    this.transcript = transcript;
    this.running = running;
    this.answers = new Map();
    this.held = null;
    this.lookedFor = new Set();
    this.adopt();
    this.follower = new Follower(transcript.dataset.socket, {
      position: () => this.current?.lastId ?? null,
      receive: (frame) => this.receive(frame),
      back: () => this.cameBack(),
      lost: (times) => this.lost(times),
    });
  }

  /** The answer that is being written, if there is one. */
  get current() {
    return [...this.answers.values()].find((answer) => ACTIVE.includes(answer.article.dataset.status));
  }

  /** The id of an answer that is being written on a branch that is not shown. */
  get elsewhere() {
    return this.transcript.querySelector("[data-elsewhere]")?.dataset.elsewhere;
  }

  /** Keep frames back while a send is on its way: its answer is not in the page yet. */
  hold() {
    this.held ??= [];
  }

  /** Take the new messages into account and the frames that waited for them. */
  release() {
    const frames = this.held ?? [];
    this.held = null;
    // What was just said belongs to the end, which is further down.
    if (this.adopt() && isCut(this.transcript)) location.assign(location.pathname);
    frames.forEach((frame) => this.receive(frame));
    this.tellAnswered();
  }

  /** Find answers that came into the page or left it; true when a new one is being written. */
  adopt() {
    for (const [id, answer] of this.answers) {
      if (answer.article.isConnected) continue;
      answer.dispose();
      this.answers.delete(id);
    }
    let found = false;
    for (const article of this.transcript.querySelectorAll("[data-message][data-status]")) {
      if (!ACTIVE.includes(article.dataset.status) || this.answers.has(article.dataset.message)) continue;
      this.answers.set(article.dataset.message, new Answer(article, () => this.complete(article)));
      found = true;
    }
    this.running(Boolean(this.current || this.elsewhere));
    return found;
  }

  receive(frame) {
    if (this.held) {
      this.held.push(frame);
      return;
    }
    if (frame.event === "changed") {
      this.refresh();
      return;
    }
    if (frame.event === "following") {
      this.followed = frame.number;
      return;
    }
    // What an earlier follow has sent does not fit to answers that have begun anew since.
    if (this.followed !== this.follower.number) return;
    const answer = this.answers.get(frame.message);
    if (!answer) this.miss(frame);
    else if (answer.isNew(frame.id)) this.apply(answer, frame);
  }

  /** A frame of a message that is not followed: look for it once; what is on another branch is left alone. */
  miss({ event, message }) {
    if (message === this.elsewhere) {
      if (event === "generation-end") this.refresh(true);
    } else if (!this.lookedFor.has(message) && !this.find(message)) {
      this.lookedFor.add(message);
      this.refresh();
    }
  }

  find(message) {
    return this.transcript.querySelector(`[data-message="${CSS.escape(message)}"]`);
  }

  apply(answer, { event, data, position }) {
    if (event === "queue") answer.queued(position);
    else if (event === "attempt-start") this.begin(answer).clear();
    else if (event === "block") answer.block(data.html, data.end);
    else if (event === "reasoning-delta") answer.think(data.text);
    else if (event === "notice") answer.told(data);
    else if (event === "generation-start") this.begin(answer);
    else if (event === "generation-end") this.finish(answer, data);
    else if (event === "text-delta" && !answer.write(data.offset, data.text)) this.rewind(answer);
  }

  /** A run writes; an answer that had ended goes on then, and the server draws what that takes. */
  begin(answer) {
    const { dataset } = answer.article;
    if (ACTIVE.includes(dataset.status)) dataset.status = "running";
    else this.refresh();
    this.running(true);
    return answer;
  }

  rewind(answer) {
    answer.rewind();
    this.follower.follow(null);
  }

  finish(answer, data) {
    answer.finish(data);
    this.running(false);
    announce(data.error ? data.error.message : say("done"));
    setTimeout(() => answer.verdict && this.refresh(true), SETTLE);
  }

  /** Take what frames do not tell from the server: how it ended, what can be done next, the model, the usage. */
  async complete(article) {
    const fetched = await this.fetch(article.dataset.url).catch(() => null);
    const finished = fetched?.querySelector("[data-message]");
    this.isBehind = !finished;
    if (!finished || !article.isConnected || ACTIVE.includes(finished.dataset.status)) return;
    for (const part of [".speaker", ".ending", ".actions"]) {
      article.querySelector(part)?.replaceWith(finished.querySelector(part));
    }
    article.querySelector(".calls")?.remove();
    const calls = finished.querySelector(".calls");
    if (calls) article.querySelector("[data-body]").before(calls);
    article.querySelector("[data-status-line]")?.remove();
    window.htmx?.process(article);
    this.tellAnswered();
  }

  /** Whoever shows what an answer costs asks anew, however its end came into the page. */
  tellAnswered() {
    if (!this.current) document.body.dispatchEvent(new CustomEvent("wiz:answered"));
  }

  lost(times) {
    this.current?.notice(say("offline"));
    if (times === ASK_AFTER) this.refresh();
  }

  cameBack() {
    if (this.current) this.current.notice("");
    else this.refresh(this.isBehind);
  }

  /** Fetch the transcript and show it if it is not the one that is shown. */
  async refresh(always = false) {
    if (this.refreshing) {
      this.again = true;
      return;
    }
    this.refreshing = true;
    try {
      const fetched = await this.fetch(`${this.transcript.dataset.url}?${new URLSearchParams(shownOf(this.transcript))}`);
      if (fetched) this.show(fetched, always);
    } catch {
      // The socket comes back by itself and asks again then.
    } finally {
      this.refreshing = false;
    }
    if (this.again) {
      this.again = false;
      this.refresh();
    }
  }

  /** A part of the page as the server draws it; null when it cannot be had now. */
  async fetch(url) {
    const response = await fetch(url, { headers: { "HX-Request": "true" } });
    if (response.redirected || response.status === 404) location.reload();
    if (response.redirected || !response.ok) return null;
    const template = document.createElement("template");
    template.innerHTML = await response.text();
    return template.content;
  }

  show(fetched, always) {
    if (this.held || (!always && shape(fetched) === shape(this.transcript))) return;
    dressCode(fetched);
    const focused = document.activeElement;
    keepEditing(this.transcript, fetched);
    this.transcript.replaceChildren(fetched);
    const heir = focused.isConnected ? focused : focused.id && document.getElementById(focused.id);
    if (heir) heir.focus({ preventScroll: true });
    this.isBehind = false;
    window.htmx?.process(this.transcript);
    if (this.adopt()) this.follower.follow(null);
    this.tellAnswered();
  }
}

/** Which messages and versions there are, and what is being written. */
function shape(root) {
  const articles = [...root.querySelectorAll("[data-message]")];
  const parts = articles.map(({ dataset }) => [dataset.message, dataset.versions, ACTIVE.includes(dataset.status)].join());
  return [...parts, root.querySelector("[data-elsewhere]")?.dataset.elsewhere].join(";");
}
