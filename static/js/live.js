/** Keeps the transcript in step with the server: frames in, answers out. */

import { Answer } from "./answer.js";
import { dressCode } from "./copy.js";
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

  /** Keep frames back while a send is on its way: its answer is not in the page yet. */
  hold() {
    this.held ??= [];
  }

  /** Take the new messages into account and the frames that waited for them. */
  release() {
    const frames = this.held ?? [];
    this.held = null;
    this.adopt();
    frames.forEach((frame) => this.receive(frame));
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
      this.answers.set(article.dataset.message, new Answer(article));
      found = true;
    }
    this.running(Boolean(this.current));
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
    const answer = this.answers.get(frame.message);
    if (!answer) {
      if (!this.transcript.querySelector(`[data-message="${CSS.escape(frame.message)}"]`)) this.refresh();
      return;
    }
    if (answer.isNew(frame.id)) this.apply(answer, frame);
  }

  apply(answer, { event, data }) {
    if (event === "attempt-start") answer.clear();
    else if (event === "block") answer.block(data.html, data.end);
    else if (event === "reasoning-delta") answer.think(data.text);
    else if (event === "notice") answer.notice(data.text);
    else if (event === "generation-start") answer.article.dataset.status = "running";
    else if (event === "generation-end") this.finish(answer, data);
    else if (event === "text-delta" && !answer.write(data.offset, data.text)) this.rewind(answer);
  }

  rewind(answer) {
    answer.rewind();
    this.follower.follow(null);
  }

  finish(answer, data) {
    answer.finish(data);
    this.running(false);
    announce(data.error ? data.error.message : say("done"));
    setTimeout(() => (answer.verdict ? this.refresh(true) : this.complete(answer.article)), SETTLE);
  }

  /** Take from the finished page what frames do not tell: the model, the usage, where an error is mended. */
  async complete(article) {
    const fetched = await this.fetchTranscript().catch(() => null);
    const finished = fetched?.querySelector(`[data-message="${CSS.escape(article.dataset.message)}"]`);
    if (!finished || ACTIVE.includes(finished.dataset.status)) return;
    for (const part of [".speaker", ".ending", ".actions"]) {
      article.querySelector(part)?.replaceWith(finished.querySelector(part));
    }
    article.querySelector("[data-status-line]")?.remove();
    window.htmx?.process(article);
  }

  lost(times) {
    this.current?.notice(say("offline"));
    if (times === ASK_AFTER) this.refresh();
  }

  cameBack() {
    if (this.current) this.current.notice("");
    else this.refresh();
  }

  /** Fetch the transcript and show it if it is not the one that is shown. */
  async refresh(always = false) {
    if (this.refreshing) {
      this.again = true;
      return;
    }
    this.refreshing = true;
    try {
      const fetched = await this.fetchTranscript();
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

  /** The transcript as the server draws it; null when it cannot be had now. */
  async fetchTranscript() {
    const response = await fetch(this.transcript.dataset.url, { headers: { "HX-Request": "true" } });
    if (response.redirected || response.status === 404) location.reload();
    if (response.redirected || !response.ok) return null;
    const template = document.createElement("template");
    template.innerHTML = await response.text();
    return template.content;
  }

  show(fetched, always) {
    if (this.held || (!always && shape(fetched) === shape(this.transcript))) return;
    dressCode(fetched);
    this.transcript.replaceChildren(fetched);
    window.htmx?.process(this.transcript);
    if (this.adopt()) this.follower.follow(null);
  }
}

/** Which messages there are and whether they are being written. */
function shape(root) {
  const articles = [...root.querySelectorAll("[data-message]")];
  return articles.map(({ dataset }) => `${dataset.message}:${ACTIVE.includes(dataset.status)}`).join();
}
