/**
 * The page: joins the connection, the outbox and the thread.
 *
 * A message goes into the outbox first and leaves it with its acknowledgement. One is under way at a time, so that they
 * arrive in the order in which they were written; what is sent twice is the same message, as its id says.
 */
import { Line } from "./line.js";
import { Outbox, Seen, store, uuid } from "./outbox.js";
import { Thread } from "./thread.js";

const ACK_WITHIN_MS = 15_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 20_000;
const QUIET_START_MS = 1_500;
const HISTORY_SETTLES_MS = 800;
const COUNTER_FROM = 0.9;
const DRAFT = "siyu.draft";
const TOKEN = "siyu.token";
const COMES_AGAIN = new Set(["unavailable", "too-fast"]);

const find = (id) => document.getElementById(id);
const { here, units, askAgain, texts: words } = document.body.dataset;
const texts = JSON.parse(words);
const title = document.title;
const longest = Number(units);
// In a frame on somebody else's site the browser withholds our cookie; there the page itself must remember who it is.
const embedded = window.self !== window.top;

const outbox = new Outbox();
const seen = new Seen();
const thread = new Thread({
  log: find("log"),
  scroll: find("scroll"),
  latest: find("latest"),
  texts,
  onChoice: (message, data, label) => submit({ type: "press", message, data, label }),
  onQuote: quote,
});
const line = new Line(socketAddress(), { frame: heard, up: connected, down: disconnected });

let token = embedded ? store.getItem(TOKEN) : null;
let inSession = false;
let underWay = null;
let overdue = null;
let retry = null;
let retryMs = FIRST_RETRY_MS;
let quiet = null;
let unread = 0;
let quoted = null;
const unseen = new Set();

function socketAddress() {
  const address = new URL(`${here}/ws`, location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  address.search = address.hash = "";
  // Whose evening it is: nobody is sent offers at night.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) address.searchParams.set("zone", zone);
  return address;
}

// --- what is sent -------------------------------------------------------------------------------------------------

function submit(wish) {
  const item = { ...wish, id: uuid(), at: new Date().toISOString() };
  outbox.put(item);
  show(item);
  flush();
}

function show(item) {
  if (item.type === "press") thread.chosen(item.message, item.data);
  else if (!thread.has(item.id)) thread.add({ ...item, from: "me" }, { state: "sending" });
  find("welcome").hidden = true;
}

function flush() {
  if (!inSession || underWay !== null || retry !== null) return;
  const items = outbox.all();
  items.forEach(show);
  const [item] = items;
  if (item === undefined) return;
  const { type, id, text, message, data, reply_to } = item; // what is undefined is left out of the JSON
  const file = item.file?.file;
  const frame = type === "press" ? { type, id, message, data } : { type, id, text, reply_to, file };
  if (!line.send(frame)) return;
  underWay = item;
  overdue = setTimeout(() => line.drop(), ACK_WITHIN_MS);
}

function settled() {
  clearTimeout(overdue);
  underWay = null;
}

function acknowledged({ id, at }) {
  outbox.remove(id);
  thread.sent(id, at);
  retryMs = FIRST_RETRY_MS;
  say("");
  if (underWay?.id === id) settled();
  flush();
}

function refused({ id, reason, text }) {
  if (id === null || underWay?.id !== id) {
    if (id !== null) seen.remove(id); // it was a confirmation: the next visit confirms again
    else if (reason !== "other-session") say(text); // that one: our cookie is newer than this page
    return;
  }
  const item = underWay;
  settled();
  say(text);
  if (COMES_AGAIN.has(reason)) {
    retry = setTimeout(() => {
      retry = null;
      flush();
    }, retryMs);
    retryMs = Math.min(LONGEST_RETRY_MS, retryMs * 2);
    return;
  }
  outbox.remove(id);
  if (item.type === "press") thread.chosen(item.message, null);
  else thread.failed(id, text);
  flush();
}

/** Hand a file over; what the server calls it goes along with a message of its own. */
async function upload(file) {
  const headers = { "X-File-Name": encodeURIComponent(file.name) };
  if (embedded && token !== null) headers["X-Siyu-Visitor"] = token;
  say(texts.uploading);
  try {
    const address = new URL(`${here}/media`, location.href);
    const answer = await fetch(address, { method: "POST", body: file, headers, credentials: "same-origin" });
    const told = await answer.json();
    say(answer.ok ? "" : told.text);
    if (answer.ok) submit({ type: "message", text: "", file: told });
  } catch {
    say(navigator.onLine ? texts.unanswered : texts.offline);
  }
}

// --- what is heard ------------------------------------------------------------------------------------------------

function heard(frame) {
  switch (frame.type) {
    case "session":
      began(frame.token);
      break;
    case "ack":
      acknowledged(frame);
      break;
    case "message":
      arrived(frame);
      break;
    case "recalled":
      thread.recalled(frame.id);
      break;
    case "error":
      refused(frame);
      break;
    default: // a pong, or something newer than this page
  }
}

function connected() {
  if (token !== null) line.send({ type: "hello", token });
}

function began(theirs) {
  if (token !== null && token !== theirs) thread.clear();
  token = theirs;
  if (embedded) store.setItem(TOKEN, token);
  inSession = true;
  state("open", texts.connected);
  say("");
  find("log").setAttribute("aria-live", "off"); // a history is not news
  setTimeout(() => {
    find("log").setAttribute("aria-live", "polite");
    find("welcome").hidden = !thread.isEmpty;
  }, HISTORY_SETTLES_MS);
  flush();
}

function disconnected() {
  inSession = false;
  settled();
  clearTimeout(retry);
  retry = null;
  state("closed", texts.connecting);
  quiet ??= setTimeout(() => say(navigator.onLine ? texts.unanswered : texts.offline), QUIET_START_MS);
}

function arrived(message) {
  find("welcome").hidden = true;
  if (message.from === "me" && outbox.has(message.id)) acknowledged(message); // the history proves that it is durable
  if (!thread.has(message.id)) {
    thread.add(message, { history: message.history === true });
    if (message.from === "shop" && !message.history && document.hidden) count(unread + 1);
  }
  if (message.from === "shop" && !seen.has(message.id)) {
    unseen.add(message.id);
    confirm();
  }
}

function confirm() {
  if (document.hidden) return;
  for (const id of unseen) {
    if (line.send({ type: "received", id })) seen.add(id);
  }
  unseen.clear();
}

// --- what is around it --------------------------------------------------------------------------------------------

function state(name, text) {
  find("status").dataset.state = name;
  find("status").textContent = text;
}

function say(text) {
  clearTimeout(quiet);
  quiet = null;
  find("notice").textContent = text;
  find("notice").hidden = text === "";
}

function count(number) {
  unread = number;
  document.title = number ? texts.unread.replace("{count}", number).replace("{title}", title) : title;
}

/** Quote a message with what is written next; null: none. */
function quote(message) {
  quoted = message;
  find("quote").hidden = message === null;
  find("quoted").textContent = message === null ? "" : texts.quoting.replace("{text}", () => message.text);
  if (message !== null) find("text").focus();
}

function compose() {
  const box = find("text");
  const form = find("composer");

  const changed = () => {
    const left = longest - box.value.length;
    const counter = find("counter");
    counter.textContent = "";
    if (left < 0) counter.textContent = texts.over.replace("{over}", -left);
    else if (left < longest * (1 - COUNTER_FROM)) counter.textContent = texts.counter.replace("{left}", left);
    counter.dataset.over = left < 0 ? "yes" : "no";
    find("send").disabled = left < 0 || box.value.trim() === "";
    box.style.height = "auto";
    box.style.height = `${box.scrollHeight}px`;
    try {
      store.setItem(DRAFT, box.value);
    } catch {
      // Full: a draft may be lost, what was sent may not.
    }
  };

  box.addEventListener("input", changed);
  box.addEventListener("keydown", (event) => {
    // While an input method composes (Chinese), Enter picks a word; Safari tells that only by the code 229.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (find("send").disabled) return;
    submit({ type: "message", text: box.value.trim(), reply_to: quoted?.id });
    quote(null);
    box.value = "";
    changed();
    box.focus();
  });
  find("unquote").addEventListener("click", () => quote(null));
  find("attach").addEventListener("click", () => find("file").click());
  find("file").addEventListener("change", ({ target }) => {
    [...target.files].forEach(upload);
    target.value = "";
  });
  box.value = store.getItem(DRAFT) ?? "";
  changed();
  if (window.matchMedia("(pointer: fine)").matches) box.focus();
}

async function begin() {
  state("closed", texts.connecting);
  compose();
  outbox.all().forEach(show);
  thread.toBottom();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    count(0);
    confirm();
  });
  if (askAgain === "yes") {
    // We came by a link from another site, so the browser kept our cookie back. Now it sends it, or takes a new one.
    await fetch(location.pathname, { cache: "no-store", credentials: "same-origin" }).catch(() => null);
  }
  line.open();
}

begin();
