// The page never parses HTML: everything shown is set as text. What is secret is sent once and never comes back.

const EVERY_MS = 1000;
const MARKS = { passed: "✓", failed: "✗", waiting: "…", blocked: "·", later: "·" };
const words = JSON.parse(document.body.dataset.texts);
const channels = document.body.dataset.channels.split(" ");
const at = (id) => document.getElementById(id);

let channel = channels.includes(location.hash.slice(1)) ? location.hash.slice(1) : channels[0];
let drawn = "";
let asking = false;

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function show(id, text) {
  at(id).hidden = !text;
  if (text) at(id).textContent = text;
}

async function call(path, options = {}) {
  const response = await fetch(path, { cache: "no-store", credentials: "same-origin", ...options });
  const told = await response.json();
  if (!response.ok) throw Object.assign(new Error(told.error), { told: true });
  return told;
}

function field(ask) {
  const id = `field-${ask.key}`;
  const input = ask.choices.length
    ? element("select", { id, name: ask.key })
    : element("input", { id, name: ask.key, type: ask.secret ? "password" : "text", spellcheck: false });
  for (const choice of ask.choices) input.append(element("option", { value: choice, textContent: choice }));
  if (ask.value) input.value = ask.value;
  input.autocomplete = ask.secret ? "new-password" : "off";
  input.setAttribute("aria-describedby", `${id}-help`);
  const label = element("label", { htmlFor: id, textContent: ask.title });
  const help = element("p", { id: `${id}-help`, className: "soft small", textContent: ask.help });
  return element("div", { className: "field", id: `box-${ask.key}` }, label, input, help);
}

function drawForm(state) {
  at("fields").replaceChildren(...state.asks.filter((ask) => !ask.made).map(field));
  at("renew").hidden = !state.asks.some((ask) => ask.made && ask.set);
  show("about", state.about);
  show("warning", state.warning);
  drawn = state.channel;
}

function drawState(state) {
  const wrong = new Set(state.steps.filter((step) => step.state === "failed").map((step) => step.ask));
  for (const ask of state.asks.filter((one) => !one.made)) {
    const input = at(`field-${ask.key}`);
    if (ask.secret) input.placeholder = ask.set ? words.is_set : "";
    at(`box-${ask.key}`).classList.toggle("wrong", wrong.has(ask.key));
    input.setAttribute("aria-invalid", String(wrong.has(ask.key)));
  }
  at("renew").hidden = !state.asks.some((ask) => ask.made && ask.set);
  const lines = state.steps.map((step) => {
    const said = step.said || (step.state === "passed" ? "" : words[step.state]);
    const title = step.required ? step.title : `${step.title} (${words.optional})`;
    const mark = element("span", { className: "mark", textContent: MARKS[step.state], title: words[step.state] });
    mark.setAttribute("role", "img");
    mark.setAttribute("aria-label", words[step.state]);
    const line = element("li", { className: `step ${step.state}` }, mark, element("span", { textContent: title }));
    line.classList.toggle("optional", !step.required);
    line.dataset.step = step.id;
    if (said) line.append(element("p", { className: "said small", textContent: said }));
    return line;
  });
  if (lines.map((line) => line.outerHTML).join() !== [...at("steps").children].map((line) => line.outerHTML).join()) {
    at("steps").replaceChildren(...lines);
  }
  at("done").hidden = !state.done;
}

async function look() {
  if (asking || document.hidden) return;
  asking = true;
  const wanted = channel;
  try {
    const state = await call(`/connect/state?channel=${encodeURIComponent(wanted)}`);
    if (wanted === channel) {
      if (drawn !== wanted) drawForm(state);
      drawState(state);
      if (at("error").dataset.away) {
        delete at("error").dataset.away;
        show("error", "");
      }
    }
  } catch (error) {
    at("error").dataset.away = "yes";
    show("error", error.told ? error.message : words.away);
  } finally {
    asking = false;
  }
}

function shown(made, asks) {
  const lines = Object.entries(made).map(([key, value]) => {
    const copy = element("button", { type: "button", textContent: words.copy });
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(value);
      copy.textContent = words.copied;
    });
    const title = asks.find((ask) => ask.key === key)?.title ?? key;
    return element("div", { className: "made" }, element("strong", { textContent: title }), element("output", { textContent: value }), copy);
  });
  at("made").replaceChildren(element("p", { textContent: words.copy_now }), ...lines);
  at("made").hidden = lines.length === 0;
}

async function save(renew) {
  at("save").disabled = true;
  at("save").textContent = words.saving;
  show("error", "");
  const values = {};
  for (const input of at("fields").querySelectorAll("input, select")) values[input.name] = input.value;
  const body = JSON.stringify({ channel, account: "main", values, renew });
  const headers = { "Content-Type": "application/json", "X-Siyu-Form": document.body.dataset.form };
  try {
    const { made } = await call("/connect/save", { method: "POST", headers, body });
    for (const input of at("fields").querySelectorAll("input[type=password]")) input.value = "";
    const state = await call(`/connect/state?channel=${encodeURIComponent(channel)}`);
    drawState(state);
    if (Object.keys(made).length) shown(made, state.asks);
  } catch (error) {
    show("error", error.told ? error.message : words.away);
  } finally {
    at("save").disabled = false;
    at("save").textContent = words.save;
  }
}

function choose(wanted) {
  channel = wanted;
  drawn = "";
  at("fields").replaceChildren();
  at("steps").replaceChildren();
  at("made").hidden = true;
  show("error", "");
  for (const tab of at("tabs").children) tab.setAttribute("aria-selected", String(tab.dataset.channel === wanted));
  history.replaceState(null, "", `/connect#${wanted}`); // the key was used: it need not stay in the address
  look();
}

for (const one of channels) {
  const tab = element("button", { type: "button", textContent: words[`channel_${one}`] ?? one });
  tab.setAttribute("role", "tab");
  tab.dataset.channel = one;
  tab.addEventListener("click", () => choose(one));
  at("tabs").append(tab);
}
at("form").addEventListener("submit", (event) => {
  event.preventDefault();
  save(false);
});
at("renew").addEventListener("click", () => save(true));
addEventListener("hashchange", () => channels.includes(location.hash.slice(1)) && choose(location.hash.slice(1)));
document.addEventListener("visibilitychange", look);
at("private").hidden = document.body.dataset.private === "yes";
choose(channel);
setInterval(look, EVERY_MS);
