/**
 * The messages on the screen. Text is only ever set as text: nothing here parses HTML.
 *
 * What was sent but not acknowledged stays at the bottom; a history is sorted in by its time; live messages are added.
 */
const LINK = /https?:\/\/[^\s<>"'，。！？；：、（）《》【】「」]+/g;
const AFTER_A_LINK = /[.,!?;:)\]}]+$/;
const NEAR_MS = 5 * 60_000;
const BOTTOM_PX = 80;
const DAY_MS = 24 * 3600_000;

export class Thread {
  constructor({ log, scroll, latest, texts, onChoice, onQuote }) {
    Object.assign(this, { log, scroll, latest, texts, onChoice, onQuote });
    this.rows = new Map();
    const lang = document.documentElement.lang;
    this.clock = new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit" });
    this.date = new Intl.DateTimeFormat(lang, { month: "long", day: "numeric", weekday: "short" });
    this.stuck = true;
    scroll.addEventListener("scroll", () => this.scrolled(), { passive: true });
    latest.addEventListener("click", () => this.toBottom());
    new ResizeObserver(() => this.stuck && this.toBottom()).observe(scroll);
  }

  get isEmpty() {
    return this.rows.size === 0;
  }

  clear() {
    this.rows.clear();
    this.log.replaceChildren();
  }

  has(id) {
    return this.rows.has(id);
  }

  /** Show a message {id, text, from, at, choices}; state: "sending" or "sent". */
  add(message, { state = "sent", history = false } = {}) {
    const row = this.build(message, state);
    if (!history) row.node.classList.add("new");
    const before = this.place(row, history);
    this.log.insertBefore(row.node, before);
    this.rows.set(message.id, row);
    this.tidy();
    if (this.stuck || (message.from === "me" && !history)) this.toBottom();
    else if (!history) this.latest.hidden = false;
  }

  sent(id, at) {
    const row = this.rows.get(id);
    if (row === undefined) return;
    if (at) row.at = new Date(at);
    this.mark(row, "sent", this.texts.sent);
    this.tidy();
  }

  failed(id, text) {
    const row = this.rows.get(id);
    if (row !== undefined) this.mark(row, "failed", `${this.texts.failed} · ${text}`);
  }

  recalled(id) {
    this.rows.get(id)?.node.remove();
    this.rows.delete(id);
    this.tidy();
  }

  /** Show which button of a message was pressed; data null: none, they may be pressed again. */
  chosen(id, data) {
    for (const button of this.rows.get(id)?.node.querySelectorAll(".choice") ?? []) {
      button.disabled = data !== null;
      button.setAttribute("aria-pressed", String(button.value === data));
    }
  }

  toBottom() {
    this.stuck = true;
    this.latest.hidden = true;
    this.scroll.scrollTop = this.scroll.scrollHeight;
  }

  scrolled() {
    this.stuck = this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < BOTTOM_PX;
    if (this.stuck) this.latest.hidden = true;
  }

  build(message, state) {
    const node = element("div", `row ${message.from}`);
    const speaker = element("span", "unseen", message.from === "me" ? `${this.texts.from_me}: ` : "");
    const bubble = element("div", "bubble");
    bubble.dir = "auto";
    bubble.append(speaker);
    if (message.file) bubble.append(this.file(message.file));
    bubble.append(...linked(message.text));
    const meta = element("div", "meta");
    node.append(bubble);
    if (message.choices?.length) node.append(this.buttons(message));
    node.append(meta);
    if (message.from === "shop") node.append(this.quoter(message));
    const row = { node, meta, from: message.from, at: new Date(message.at), state, note: "" };
    this.mark(row, state, state === "sending" ? this.texts.sending : "");
    return row;
  }

  quoter(message) {
    const button = element("button", "reply", this.texts.quote);
    button.type = "button";
    button.addEventListener("click", () => this.onQuote(message));
    return button;
  }

  /** A picture as itself, anything else as a link to save it; a word where there is nothing to show. */
  file({ kind, name, url }) {
    const words = { photo: this.texts.photo, video: this.texts.video, voice: this.texts.voice };
    const word = words[kind] ?? this.texts.file;
    const label = name ? `${word}: ${name}` : word;
    if (!url) return element("span", "file", `📎 ${label}`);
    const link = element("a", "file", kind === "photo" ? "" : `📎 ${label}`);
    link.href = url;
    link.download = name;
    if (kind === "photo") {
      const image = element("img", "picture");
      image.src = url;
      image.alt = label;
      image.addEventListener("load", () => this.stuck && this.toBottom());
      link.append(image);
    }
    return link;
  }

  buttons(message) {
    const all = element("div", "choices");
    for (const choices of message.choices) {
      const line = element("div", "choice-row");
      for (const [label, data] of choices) {
        const button = element("button", "choice", label);
        button.type = "button";
        button.value = data;
        button.setAttribute("aria-pressed", "false");
        button.addEventListener("click", () => this.onChoice(message.id, data, label));
        line.append(button);
      }
      all.append(line);
    }
    return all;
  }

  mark(row, state, note) {
    row.state = state;
    row.note = note;
    row.node.classList.toggle("sending", state === "sending");
    row.node.classList.toggle("failed", state === "failed");
  }

  /** The node before which a new row belongs; null: the end. */
  place(row, history) {
    if (!history) return null;
    for (const other of this.inOrder()) {
      if (other.state !== "sent" || other.at > row.at) return other.node;
    }
    return null;
  }

  inOrder() {
    const byNode = new Map([...this.rows.values()].map((row) => [row.node, row]));
    return [...this.log.children].map((node) => byNode.get(node)).filter((row) => row !== undefined);
  }

  /** Put in the days, bring messages of one person together, and let only the last of them tell the time. */
  tidy() {
    for (const day of this.log.querySelectorAll(".day")) day.remove();
    const rows = this.inOrder();
    rows.forEach((row, index) => {
      const [before, after] = [rows[index - 1], rows[index + 1]];
      if (before === undefined || dayOf(before.at) !== dayOf(row.at)) {
        this.log.insertBefore(element("div", "day", this.dayName(row.at)), row.node);
      }
      row.node.classList.toggle("near", isNear(before, row));
      const alone = !isNear(row, after) || row.state === "failed" || after.state !== row.state;
      const last = row.from === "me" && after === undefined;
      const time = this.clock.format(row.at);
      const note = row.state === "sent" && !last ? "" : row.note;
      row.meta.textContent = alone ? [time, note].filter(Boolean).join(" · ") : "";
      row.meta.hidden = !alone;
    });
  }

  dayName(at) {
    const days = Math.round((dayOf(new Date()) - dayOf(at)) / DAY_MS);
    if (days === 0) return this.texts.today;
    return days === 1 ? this.texts.yesterday : this.date.format(at);
  }
}

function element(tag, className, text = "") {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
}

function dayOf(at) {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
}

function isNear(one, other) {
  if (one === undefined || other === undefined || one.from !== other.from) return false;
  return dayOf(one.at) === dayOf(other.at) && Math.abs(other.at - one.at) < NEAR_MS;
}

/** The text as nodes, with what looks like a web address as a link. */
function linked(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const address = match[0].replace(AFTER_A_LINK, "");
    const link = element("a", "", address);
    link.href = address;
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow ugc";
    nodes.push(document.createTextNode(text.slice(end, match.index)), link);
    end = match.index + address.length;
  }
  nodes.push(document.createTextNode(text.slice(end)));
  return nodes;
}
