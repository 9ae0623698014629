// The one stream of this browser: a shared worker hands it to every tab, a worker of its own serves where there are no
// shared ones. Behind a proxy that holds streams back it asks every ten seconds instead.
"use strict";
const ports = new Set();
const address = location.pathname.replace(/\/assets\/.*$/, "") + "/live";
let source = null;
let seq = null;      // the newest that was told
let heard = 0;       // when the server was heard last
let began = 0;       // when the stream was opened
let state = "";      // stream, poll, off
let version = "";
let asked = 0;       // when it was asked last, without a stream
let tried = 0;       // when a stream was tried last

const tell = what => {
  for (const port of ports) port.postMessage(what);
};
const become = next => {
  if (state !== next) {
    state = next;
    tell({ state, heard });
  }
};
const hear = text => {
  heard = Date.now();
  if (!text) return;
  const sum = JSON.parse(text);
  const news = seq !== null && sum.seq > seq;
  seq = sum.seq;
  if (news) tell({ sum });
};
const close = () => {
  source?.close();
  source = null;
};
const open = () => {
  close();
  began = tried = Date.now();
  source = new EventSource(address);
  const any = text => {
    hear(text);
    become("stream");
  };
  source.onmessage = e => any(e.data);
  source.addEventListener("beat", () => any());
  source.addEventListener("version", e => {
    version = e.data;
    tell({ version });
  });
  source.onerror = () => {
    if (state === "stream") become("off");
  };
};
const ask = async () => {
  asked = Date.now();
  try {
    const answer = await fetch(`${address}?after=${seq ?? 0}`, { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.status);
    const back = state === "off";
    version = answer.headers.get("Console-Version");
    tell({ version });
    if (seq === null) seq = 0;
    hear(await answer.text());
    become("poll");
    if (back) open(); // the daemon is there again
  } catch {
    become("off");
  }
};
// Once a second: is the stream alive?
const look = () => {
  if (!ports.size) return close();
  const now = Date.now();
  if (source && state === "stream" && now - heard > 40000) close();
  if (source && state !== "stream" && now - began > 5000) close();
  if (source) return;
  if (now - asked > (state === "off" ? 3000 : 10000)) ask();
  if (state === "poll" && now - tried > 300000) open();
};
const join = port => {
  ports.add(port);
  port.onmessage = e => {
    if (e.data === "bye") ports.delete(port);
  };
  port.postMessage({ state, heard, version });
  if (!source) open();
};
setInterval(look, 1000);
if (self.SharedWorkerGlobalScope) self.onconnect = e => join(e.ports[0]);
else join(self);
