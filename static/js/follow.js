/** The socket of one conversation: connects, follows, and comes back after a loss. */

const FIRST_DELAY = 250; // milliseconds
const LAST_DELAY = 5000;
const SIGNED_OUT = 4001;
const TOO_SLOW = 4008;
const REFUSED = 1008;

export class Follower {
  /**
   * `position()` gives the id to follow after, or null; `receive(frame)` takes a frame;
   * `back()` is called when a lost connection is there again, `lost(times)` when it goes.
   */
  constructor(path, { position, receive, back, lost }) {
    this.url = `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${path}`;
    this.handlers = { position, receive, back, lost };
    this.number = 0;
    this.delay = FIRST_DELAY;
    this.losses = 0;
    this.hasBeenOpen = false;
    this.connect();
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
  }

  get isOpen() {
    return this.socket.readyState === WebSocket.OPEN;
  }

  /** Ask for everything after an id; null means from the start of the run. It comes behind a frame with the number. */
  follow(after) {
    this.number += 1;
    return this.send({ type: "follow", after, number: this.number });
  }

  /** Ask the server to stop the run; false when there is no connection. */
  stop() {
    return this.send({ type: "stop" });
  }

  send(frame) {
    if (!this.isOpen) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  connect() {
    clearTimeout(this.retry);
    this.retry = null;
    this.socket = new WebSocket(this.url);
    this.socket.addEventListener("open", () => this.opened());
    this.socket.addEventListener("message", (event) => this.handlers.receive(JSON.parse(event.data)));
    this.socket.addEventListener("close", (event) => this.closed(event.code));
  }

  opened() {
    this.delay = FIRST_DELAY;
    this.losses = 0;
    this.follow(this.handlers.position());
    if (this.hasBeenOpen) this.handlers.back();
    this.hasBeenOpen = true;
  }

  closed(code) {
    if (code === REFUSED) this.delay = LAST_DELAY;
    if (code === SIGNED_OUT) {
      location.reload();
      return;
    }
    this.losses += 1;
    this.handlers.lost(this.losses);
    const wait = code === TOO_SLOW ? 0 : this.delay * (0.75 + Math.random() / 2);
    this.delay = Math.min(this.delay * 2, LAST_DELAY);
    this.retry = setTimeout(() => this.connect(), wait);
  }

  /** Do not wait for the next attempt: the network or the reader is back. */
  hurry() {
    if (this.retry) this.connect();
  }
}
