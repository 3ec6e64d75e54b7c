/** The end of an answer that is no finished block yet: plain text, with a hint of what it will be. */

import { Growing } from "./growing.js";

const FIRST_LINE = 400; // characters that are waited for to see what a block begins with

export class Tail {
  constructor(element) {
    this.element = element;
    this.clear();
  }

  get length() {
    return this.text.length;
  }

  /** Whether all that is said has become blocks. */
  get isEmpty() {
    return !this.text.trim();
  }

  clear() {
    this.text = "";
    this.restart();
  }

  add(text) {
    this.text += text;
    this.pending += text;
  }

  /** A block has taken the place of so many characters. */
  drop(count) {
    this.text = this.text.slice(count);
    this.restart();
  }

  restart() {
    this.pending = this.text;
    this.isBegun = false;
    this.isOld = true;
  }

  /** Show what has come; to be called once in a frame. */
  paint() {
    if (this.isOld) this.renew();
    if (!this.isBegun) this.begin();
    else this.shown.append(this.pending);
    if (this.isBegun) this.pending = "";
  }

  /** What follows a block is another element: nothing has moved then, something has come. */
  renew() {
    const fresh = this.element.cloneNode(false);
    this.element.replaceWith(fresh);
    this.element = fresh;
    this.shown = new Growing(fresh);
    this.isOld = false;
  }

  /** Show the first line, until it is whole from the start: its marks may become others. */
  begin() {
    const text = this.text.replace(/^\n+/, "");
    const isCode = /^(```|~~~)/.test(text);
    const isHeading = /^#{1,6} /.test(text);
    this.element.classList.toggle("as-code", isCode);
    this.element.classList.toggle("as-heading", isHeading);
    this.isBegun = text.includes("\n") || text.length > FIRST_LINE;
    this.shown.clear();
    this.shown.append(isCode ? text.replace(/^[`~]{3,}[^\n]*\n?/, "") : text.replace(isHeading ? /^#+ / : "", ""));
  }
}
