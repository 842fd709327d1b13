/**
 * What was not acknowledged yet, kept over reloads. One key a message, so that two windows never write the same one;
 * where the browser stores nothing, it is kept as long as the page lives.
 */
const PREFIX = "siyu.outbox.";
const SEEN = "siyu.seen";
const SEEN_REMEMBERED = 300;

class Memory {
  constructor() {
    this.items = new Map();
  }

  get length() {
    return this.items.size;
  }

  key(index) {
    return [...this.items.keys()][index] ?? null;
  }

  getItem(key) {
    return this.items.get(key) ?? null;
  }

  setItem(key, value) {
    this.items.set(key, value);
  }

  removeItem(key) {
    this.items.delete(key);
  }
}

function open() {
  try {
    window.localStorage.setItem(`${PREFIX}probe`, "");
    window.localStorage.removeItem(`${PREFIX}probe`);
    return window.localStorage;
  } catch {
    return new Memory();
  }
}

export const store = open();

export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // Plain http on another machine than this one: browsers keep randomUUID for secure contexts.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

export class Outbox {
  constructor() {
    this.spare = new Memory();
    this.last = 0;
  }

  /** Keep an item, behind all others. */
  put(item) {
    this.last = Math.max(Date.now(), this.last + 1);
    const text = JSON.stringify({ ...item, order: this.last });
    try {
      store.setItem(PREFIX + item.id, text);
    } catch {
      this.spare.setItem(PREFIX + item.id, text); // the browser's storage is full
    }
  }

  remove(id) {
    store.removeItem(PREFIX + id);
    this.spare.removeItem(PREFIX + id);
  }

  has(id) {
    return (store.getItem(PREFIX + id) ?? this.spare.getItem(PREFIX + id)) !== null;
  }

  /** All items, the oldest first. */
  all() {
    const items = [];
    for (const where of [store, this.spare]) {
      for (let index = 0; index < where.length; index += 1) {
        const key = where.key(index);
        if (key.startsWith(PREFIX)) items.push(JSON.parse(where.getItem(key)));
      }
    }
    return items.sort((one, other) => one.order - other.order);
  }
}

/** Which messages were confirmed as seen, so that a reload does not confirm the whole history again. */
export class Seen {
  constructor() {
    this.ids = new Set(JSON.parse(store.getItem(SEEN) ?? "[]"));
  }

  has(id) {
    return this.ids.has(id);
  }

  add(id) {
    this.ids.add(id);
    this.keep();
  }

  remove(id) {
    this.ids.delete(id);
    this.keep();
  }

  keep() {
    this.ids = new Set([...this.ids].slice(-SEEN_REMEMBERED));
    try {
      store.setItem(SEEN, JSON.stringify([...this.ids]));
    } catch {
      // Full: then the history is confirmed again after a reload, which changes nothing.
    }
  }
}
