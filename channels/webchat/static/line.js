/**
 * The connection: opens the socket, keeps asking whether it lives, and comes back with growing, random pauses.
 *
 * `told` is given: frame(object) for what the server says, up() and down() when the socket opens and ends.
 */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
const PING_EVERY_MS = 25_000;
const ANSWER_WITHIN_MS = 10_000;
const OPEN_WITHIN_MS = 15_000;
const STABLE_AFTER_MS = 10_000;
const POLICY_VIOLATION = 1008;

export class Line {
  constructor(url, told) {
    this.url = url;
    this.told = told;
    this.socket = null;
    this.failures = 0;
    this.openedAt = Infinity;
    this.waiting = null;
    this.deadline = null;
    window.addEventListener("online", () => this.hurry());
    window.addEventListener("offline", () => this.drop());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.hurry());
    setInterval(() => this.ping(), PING_EVERY_MS);
  }

  get isOpen() {
    return this.socket !== null && this.socket.readyState === WebSocket.OPEN;
  }

  open() {
    clearTimeout(this.waiting);
    this.waiting = null;
    const socket = new WebSocket(this.url);
    this.socket = socket;
    this.expect(OPEN_WITHIN_MS);
    socket.addEventListener("open", () => {
      if (socket !== this.socket) return;
      this.relax();
      this.openedAt = performance.now();
      this.told.up();
    });
    socket.addEventListener("message", (event) => {
      if (socket !== this.socket) return;
      this.relax();
      this.told.frame(JSON.parse(event.data));
    });
    socket.addEventListener("close", (event) => this.lost(socket, event.code));
  }

  send(frame) {
    if (!this.isOpen) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  /** Let go of a socket that does not answer; its own close event may take minutes, so nobody waits for it. */
  drop() {
    const socket = this.socket;
    if (socket === null) return;
    socket.close();
    this.lost(socket, 0);
  }

  lost(socket, code) {
    if (socket !== this.socket) return;
    this.socket = null;
    this.relax();
    this.told.down();
    // A server that opens and closes at once is in trouble too: only a socket that lasted starts the pauses anew.
    if (performance.now() - this.openedAt > STABLE_AFTER_MS) this.failures = 0;
    this.openedAt = Infinity;
    const growing = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.failures);
    const ceiling = code === POLICY_VIOLATION ? LONGEST_PAUSE_MS * 2 : growing;
    this.failures += 1;
    this.waiting = setTimeout(() => this.open(), ceiling / 2 + (Math.random() * ceiling) / 2);
  }

  /** Somebody looks at the page, or the network is back: the pause is over. A living socket proves that it lives. */
  hurry() {
    if (this.waiting !== null) this.open();
    else this.ping();
  }

  ping() {
    if (this.send({ type: "ping" })) this.expect(ANSWER_WITHIN_MS);
  }

  expect(withinMs) {
    clearTimeout(this.deadline);
    this.deadline = setTimeout(() => this.drop(), withinMs);
  }

  relax() {
    clearTimeout(this.deadline);
    this.deadline = null;
  }
}
