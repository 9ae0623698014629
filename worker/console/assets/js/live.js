// What moves in the table moves on the page: words change where they stand, new order comes when asked for.
const live = (() => {
  let port = null;
  let worker = null;
  let state = "";
  let heard = Date.now();
  let stale = false;   // the program is another one than the page's
  let pending = null;  // kinds and rows that have moved while the page was paused
  let busy = false;
  let failed = null;   // why the page could not be read
  let spoken = 0;
  let others = new Set();

  const show = () => {
    const bar = $("#offline");
    const off = state === "off" || failed !== null;
    const why = state === "off" || failed instanceof TypeError ? bar.dataset.text : bar.dataset.failed; // nobody answers
    const text = !off ? "" : why.replace("{at}", new Date(heard).toLocaleTimeString(root.lang)).replace("{reason}", () => failed.message);
    if (bar.textContent !== text) bar.textContent = text;
    bar.hidden = !off;
    $("#main").classList.toggle("stale", off);
    const word = $("#live");
    if (!word) return;
    word.textContent = off ? "" : pending && paused() ? word.dataset.paused : state === "poll" ? word.dataset.every
      : state === "stream" ? word.dataset.ok : "";
  };
  const paused = () => document.hidden || ticked().length > 0 || $("dialog[open]")
    || getSelection().toString() !== "" && $("main").contains(getSelection().anchorNode);
  const get = async address => {
    const answer = await fetch(address, { headers: { "Countersign-Background": "1", Accept: "text/html" }, redirect: "error" });
    const page = Document.parseHTMLUnsafe(policy.createHTML(await answer.text()));
    if (!answer.ok) throw new Error($("[data-reason]", page)?.dataset.reason ?? `${answer.status} ${answer.statusText}`);
    return page;
  };
  const fail = e => {
    failed = e;
    show();
  };
  const morph = (old, fresh) => {
    if (old.isEqualNode(fresh)) return Promise.resolve(false);
    return htmx.swap({ text: fresh.outerHTML, target: old, sourceElement: old, swap: "outerMorph" }).then(() => true);
  };

  // Rows that stand there change in place; what else would stand there now waits.
  const rows = async (list, page, moved) => {
    const fresh = new Map($$("tr[data-row]", page).map(row => [row.id, row]));
    const standing = $$("tr[data-row]", list);
    const left = standing.filter(row => !fresh.has(row.id) && moved.has(row.dataset.row)).slice(0, 50);
    if (left.length && list.dataset.list) {
      const query = new URLSearchParams(left.map(row => ["only", row.dataset.row]));
      for (const row of $$("tr[data-row]", await get(`${list.dataset.list}?${query}`))) fresh.set(row.id, row);
    }
    let n = 0;
    const here = new Set(standing.map(row => row.id));
    for (const row of standing) {
      const next = fresh.get(row.id);
      if (!next || !moved.has(row.dataset.row)) continue;
      if (await morph(row, next)) {
        n++;
        row.classList.add("changed");
      }
    }
    for (const [id, row] of fresh) if (!here.has(id)) others.add(row.dataset.row);
    const more = $("#more-rows");
    if (more && others.size) {
      const button = $("button", more);
      button.textContent = button.dataset.text.replace("{n}", others.size);
      more.hidden = false;
    }
    return n;
  };
  const speak = n => {
    const region = $("#said");
    if (!n || !region || Date.now() - spoken < 10000) return;
    spoken = Date.now();
    region.textContent = region.dataset.text.replace("{n}", n);
  };
  const refresh = async () => {
    if (!pending || busy || paused() || stale) return show();
    const { kinds, moved, all } = pending;
    pending = null;
    const wants = part => all || part.dataset.live.split(" ").some(kind => kinds.has(kind));
    const parts = $$("[data-live]").filter(wants);
    if (!parts.length) return show();
    busy = true;
    try {
      const page = await get(location.href);
      let n = 0;
      for (const part of parts) {
        const list = $("[data-list]", part);
        if (list) n += await rows(list, page, moved);
        else if (part.id && page.getElementById(part.id) && await morph(part, page.getElementById(part.id))) n++;
      }
      if (page.title) document.title = page.title;
      speak(n);
      failed = null;
    } catch (e) {
      pending = { kinds, moved, all };
      fail(e);
    }
    busy = false;
    show();
    if (pending) setTimeout(refresh, failed ? 5000 : 0);
  };
  const note = (kinds, moved, all) => {
    pending ??= { kinds: new Set(), moved: new Set(), all: false };
    for (const kind of kinds) pending.kinds.add(kind);
    for (const row of moved) pending.moved.add(row);
    pending.all ||= all;
    refresh();
  };
  const receive = e => {
    const { sum, state: next, version, heard: at } = e.data;
    if (at) heard = at;
    if (version && version !== root.dataset.version) stale = true;
    if (next !== undefined && next !== state) {
      const back = state === "off" && next !== "off" && next !== "";
      state = next;
      if (back) note([], [], true);
    }
    if (state !== "off" && failed === null) heard = Date.now();
    if (sum) note(sum.kinds, sum.rows, sum.more);
    show();
  };
  const start = () => {
    if (port || !$("[data-live], [data-every], [data-run]")) return;
    const script = policy.createScriptURL(here + "live-worker.js");
    if (window.SharedWorker) {
      worker = new SharedWorker(script);
      port = worker.port;
    } else if (!document.hidden) port = worker = new Worker(script);
    if (port) port.onmessage = receive;
  };
  const stop = () => {
    port?.postMessage("bye");
    worker?.terminate?.();
    port = worker = null;
  };
  addEventListener("pagehide", stop);
  addEventListener("pageshow", e => {
    if (e.persisted) {
      start();
      note([], [], true);
    }
  });
  document.addEventListener("visibilitychange", () => {
    if (!window.SharedWorker) (document.hidden ? stop : start)();
    refresh();
  });
  document.addEventListener("selectionchange", () => pending && refresh());
  document.addEventListener("change", () => pending && setTimeout(refresh));
  document.addEventListener("close", () => pending && refresh(), true);
  document.addEventListener("htmx:after:swap", e => {
    if (e.target.id !== "list") return;
    others = new Set();
  });
  document.addEventListener("htmx:config:request", e => {
    if (!stale) return;
    e.preventDefault();
    location.reload();
  });
  document.addEventListener("click", async e => {
    if (!e.target.closest("[data-show]")) return;
    const list = $("#list");
    const page = await get(location.href).catch(fail);
    if (!page) return;
    failed = null;
    show();
    others = new Set();
    $("#more-rows").hidden = true;
    await morph(list, page.getElementById("list"));
  });

  // A run is followed to its end; parts that say how far something has come are read anew.
  const runs = async () => {
    const open = $$("[data-run]").filter(run => !["done", "partial", "failed"].includes(run.dataset.state));
    const timed = $$("[data-every]");
    if (document.hidden || busy || !open.length && !timed.length) return;
    const to = new URL(location.href);
    to.searchParams.delete("asked");
    for (const run of open) to.searchParams.append("asked", run.dataset.run);
    try {
      const page = await get(to);
      if (open.length) await morph($("#receipt"), page.getElementById("receipt"));
      for (const part of timed) if (page.getElementById(part.id)) await morph(part, page.getElementById(part.id));
      if (!pending) failed = null;
      show();
    } catch (e) {
      fail(e);
    }
  };
  setInterval(runs, 2000);
  document.addEventListener("countersign:asked", () => refresh());
  start();
  return { start };
})();
