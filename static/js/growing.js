/** Text that grows at its end. It stands in pieces, so that what is added costs the same whatever is there already. */

const PIECE = 4000; // characters after which the next line begins a piece; layout looks at the last piece only

const isHalf = (unit) => unit >= 0xdc00 && unit <= 0xdfff; // the second half of a character

export class Growing {
  /** `element` is empty and keeps line ends as they are. */
  constructor(element) {
    this.element = element;
    this.clear();
  }

  clear() {
    this.element.replaceChildren();
    this.last = null;
  }

  append(text) {
    for (let start = 0; start < text.length; start += PIECE) this.take(text.slice(start, start + PIECE));
  }

  take(text) {
    let rest = text;
    for (let cut = this.cut(rest); cut >= 0; cut = this.cut(rest)) {
      this.put(rest.slice(0, cut));
      this.last = null;
      rest = rest.slice(cut);
    }
    this.put(rest);
  }

  /** Where a full piece may end: behind a line, else behind a word, else between two characters; -1 for not yet. */
  cut(text) {
    const size = this.last?.length ?? 0;
    if (size < PIECE || !text) return -1;
    const line = text.indexOf("\n") + 1;
    const word = size > 2 * PIECE ? text.indexOf(" ") + 1 : 0;
    if (line || word) return line || word;
    return size > 4 * PIECE ? Number(isHalf(text.charCodeAt(0))) : -1;
  }

  put(text) {
    if (!text) return;
    if (this.last) {
      this.last.appendData(text);
      return;
    }
    this.last = document.createTextNode(text);
    const piece = document.createElement("div");
    piece.append(this.last);
    this.element.append(piece);
  }
}
