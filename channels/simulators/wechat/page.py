"""A page to try the simulator by hand: one person's phone, and what the account asked of the API."""

from typing import Final

PAGE: Final = """<!doctype html>
<html lang="zh"><meta charset="utf-8"><title>WeChat simulator</title>
<style>
body{display:flex;gap:2rem;font:15px system-ui;margin:1rem;background:#ededed}
section{background:#fff;border-radius:8px;padding:1rem;width:26rem}
#screen,#calls{height:26rem;overflow:auto;border:1px solid #ddd;padding:.5rem;margin:.5rem 0}
.out{text-align:right}.out span{background:#95ec69}.line span{display:inline-block;max-width:80%;padding:.4rem .6rem;
margin:.2rem;border-radius:6px;white-space:pre-wrap;text-align:left}.in span{background:#f2f2f2}
small{color:#888;display:block}input{width:60%}button{margin:.1rem}
</style>
<section><h3>手机 <input id="openid" value="o-mei" aria-label="openid"></h3>
<div id="screen"></div>
<form id="write"><input id="text" autocomplete="off" aria-label="text"> <button>发送</button></form>
<div>
<button data-action="subscribes">关注</button><button data-action="unsubscribes">取消关注</button>
<button data-action="scans" data-ask="scene">扫码</button><button data-action="clicks" data-ask="key">菜单</button>
<button data-action="taps" data-ask="label">点链接</button><button data-action="sends_image">图片</button>
<button data-action="sends_voice">语音</button><button data-action="sends_video">视频</button>
</div><small id="said"></small></section>
<section><h3>API</h3><div id="calls"></div>
<button id="check">GET echostr</button></section>
<script>
const get = id => document.getElementById(id), said = [];
let seen = 0;
async function ask(verb, path, body) {
  const answer = await fetch(path, {method: verb, body: body && JSON.stringify(body)});
  const told = await answer.json();
  get("said").textContent = answer.ok ? "" : told.error;
  return told;
}
async function act(action, keywords, label) {
  const openid = get("openid").value;
  await ask("POST", "/control/users", {openid});
  const told = await ask("POST", `/control/users/${encodeURIComponent(openid)}/${action}`, keywords);
  if (told.result) said.push({at: Date.now() / 1000, openid, text: label});
  show();
}
function line(parent, side, text, note) {
  const row = parent.appendChild(document.createElement("div"));
  row.className = "line " + side;
  row.appendChild(document.createElement("span")).textContent = text;
  row.appendChild(document.createElement("small")).textContent = note;
}
async function show() {
  const openid = get("openid").value, told = await fetch(`/control/users/${encodeURIComponent(openid)}/screen`);
  const shown = told.ok ? (await told.json()).screen : [];
  const all = [...shown.map(s => ({...s, side: "in"})), ...said.filter(s => s.openid === openid)];
  const pane = get("screen");
  pane.textContent = "";
  for (const one of all.sort((a, b) => a.at - b.at))
    line(pane, one.side || "out", one.text ?? `[${one.kind}]`, one.via || "");
  pane.scrollTop = pane.scrollHeight;
  const calls = await (await fetch(`/control/requests?after=${seen}`)).json();
  seen = calls.next;
  for (const call of calls.requests) line(get("calls"), "in", `${call.path} ${call.errcode ?? "?"}`, "");
}
get("write").onsubmit = event => {
  event.preventDefault();
  const text = get("text").value;
  get("text").value = "";
  if (text) act("says", {text}, text);
};
for (const button of document.querySelectorAll("[data-action]")) button.onclick = () => {
  const name = button.dataset.ask, value = name ? prompt(name) : "";
  if (value !== null) act(button.dataset.action, name ? {[name]: value} : {}, `[${button.textContent}] ${value}`);
};
get("check").onclick = async () => {
  const told = await ask("POST", "/control/check-url");
  line(get("calls"), "in", JSON.stringify(told.result), "");
};
setInterval(show, 1000);
</script></html>
"""
