/**
 * One answer on its way: finished blocks as HTML, the open tail as plain text. Offsets count UTF-16 units.
 * What comes is only remembered; the page is changed once in a frame, when nobody has to measure it any more.
 */

import { dressCode } from "./copy.js";
import { Growing } from "./growing.js";
import { appendBlocks } from "./parts.js";
import { Tail } from "./tail.js";
import { cast, say } from "./words.js";

const HIDDEN = 250; // milliseconds between two changes of a page that nobody sees: it has no frames
const PATIENCE = 3; // seconds of silence before the wait is put into words

/** Whether the event id `a` is later than `b`; ids look like `<epoch>-<sequence>`. */
function isLater(a, b) {
  const [epochA, sequenceA] = a.split("-").map(Number);
  const [epochB, sequenceB] = b.split("-").map(Number);
  return epochA > epochB || (epochA === epochB && sequenceA > sequenceB);
}

export class Answer {
  /** `settled()` is called when the run is over and all of its text is there. */
  constructor(article, settled) {
    this.article = article;
    this.settled = settled;
    this.body = article.querySelector("[data-body]");
    this.tail = new Tail(article.querySelector("[data-tail]"));
    this.line = article.querySelector("[data-status-line]");
    this.lastId = null;
    this.since = Date.now();
    this.lasting = new Set();
    this.retry = null;
    this.timer = setInterval(() => this.tick(), 1000);
    this.clear();
  }

  get position() {
    return this.end + this.tail.length;
  }

  /** Void what was written: a new attempt, or a replay from the start. */
  clear() {
    this.end = 0;
    this.tail.clear();
    this.blocks = [];
    this.thought = null;
    this.thinking = "";
    this.thoughtAt = null;
    this.verdict = null;
    this.body.replaceChildren();
    this.article.querySelector(".reasoning")?.remove();
    this.paint();
  }

  /** Start over from the beginning of the log. */
  rewind() {
    this.lastId = null;
    this.lasting.clear();
    this.clear();
  }

  /** Whether the event is new; a replay repeats old ones. */
  isNew(id) {
    if (!id) return true;
    if (this.lastId && !isLater(id, this.lastId)) return false;
    this.lastId = id;
    return true;
  }

  /** Take a piece of text; false when something before it is missing. */
  write(offset, text) {
    if (offset > this.position) return false;
    const fresh = text.slice(this.position - offset);
    if (!fresh) return true;
    this.notice("");
    this.endThought();
    this.tail.add(fresh);
    this.paint();
    return true;
  }

  /** The text up to `end` is finished HTML now, sanitised by the server. */
  block(html, end) {
    if (end <= this.end) return;
    this.blocks.push(html);
    this.tail.drop(end - this.end);
    this.end = end;
    this.notice("");
    this.paint();
    this.settle();
  }

  /** Take a piece of reasoning, folded away until somebody wants to read it. */
  think(text) {
    if (!this.thought) {
      const details = cast("reasoning");
      this.body.before(details);
      this.thought = new Growing(details.lastElementChild);
    }
    this.thoughtAt ??= Date.now();
    this.thinking += text;
    this.notice("");
    this.paint();
  }

  /** A quiet line about what is going on; without one, what is to be known of the whole answer. */
  notice(text) {
    this.retry = null;
    const line = text || [...this.lasting].join(" ");
    if (this.line.textContent !== line) this.line.textContent = line;
  }

  /** What the run says: a wait that is counted down, or something that holds until the end. */
  told({ text, retry_in: seconds }) {
    if (!seconds) this.lasting.add(text);
    this.notice(text);
    if (seconds >= 1) this.retry = { text, spoken: `${Math.round(seconds)} s`, at: Date.now() + seconds * 1000 };
  }

  /** Not begun yet: `before` others come first. */
  queued(before) {
    if (!this.position && !this.thoughtAt) this.notice(before ? say("queued", before) : say("next"));
  }

  /** The run is over: with text, with an error, or stopped. */
  finish(verdict) {
    clearInterval(this.timer);
    this.endThought();
    this.draw();
    this.verdict = verdict;
    this.settle();
  }

  /** It has ended once the last block has taken the place of the tail; how, is for the server to show. */
  settle() {
    if (!this.verdict || !this.tail.isEmpty) return;
    this.draw();
    const { status, error } = this.verdict;
    this.verdict = null;
    this.article.dataset.status = status;
    this.article.classList.remove("pending");
    this.notice(error && error.code !== "cancelled" ? error.message : "");
    this.settled();
  }

  /** Stop the clock of an answer that is no longer shown. */
  dispose() {
    clearInterval(this.timer);
    this.disposed = true;
  }

  tick() {
    const seconds = (from) => Math.round((Date.now() - from) / 1000);
    if (this.retry) {
      const left = Math.max(0, -seconds(this.retry.at));
      this.line.textContent = this.retry.text.replace(this.retry.spoken, `${left} s`);
      return;
    }
    if (this.thoughtAt && !this.position) {
      this.article.querySelector(".reasoning summary").textContent = say("thinking", seconds(this.thoughtAt));
    } else if (!this.position && !this.line.textContent && seconds(this.since) >= PATIENCE) {
      this.waiting = true;
    }
    if (this.waiting && !this.position && !this.thoughtAt) this.notice(say("waiting", seconds(this.since)));
    else this.waiting = false;
  }

  endThought() {
    if (!this.thoughtAt) return;
    const summary = this.article.querySelector(".reasoning summary");
    summary.textContent = say("thought", Math.max(1, Math.round((Date.now() - this.thoughtAt) / 1000)));
    this.thoughtAt = null;
  }

  /** Change the page in the next frame. */
  paint() {
    if (this.frame || this.timeout) return;
    if (document.hidden) this.timeout = setTimeout(() => this.draw(), HIDDEN);
    else this.frame = requestAnimationFrame(() => this.draw());
  }

  /** Bring the page up to date. */
  draw() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timeout);
    this.frame = this.timeout = null;
    if (this.blocks.length) {
      const template = document.createElement("template");
      template.innerHTML = this.blocks.join("");
      this.blocks = [];
      dressCode(template.content);
      appendBlocks(this.body, template.content);
    }
    if (this.thinking) this.thought.append(this.thinking);
    this.thinking = "";
    this.tail.paint();
  }
}
