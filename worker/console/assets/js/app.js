// What pages need beside htmx: empty fields stay out of addresses, copying, dialogs, ticks.
const root = document.documentElement;
const $ = (what, where = document) => where.querySelector(what);
const $$ = (what, where = document) => [...where.querySelectorAll(what)];

const withoutEmpty = data => {
  for (const name of new Set(data.keys())) {
    const values = data.getAll(name).filter(v => v !== "");
    data.delete(name);
    for (const v of values) data.append(name, v);
  }
};
document.addEventListener("formdata", e => {
  const here = location.pathname.slice(root.dataset.base.length) + location.search; // a filter may have changed it
  if (e.formData.has("address")) e.formData.set("address", here);
  if (e.target.action.endsWith("/preferences")) e.formData.set("back", here);
  if (e.target.method === "get") withoutEmpty(e.formData);
});
document.addEventListener("htmx:config:request", e => {
  const { request, sourceEvent } = e.detail.ctx;
  const typed = sourceEvent?.type === "input" ? $("#search").value.length : 0;
  if (typed > 0 && typed < 3) return e.preventDefault(); // two letters find too much
  if (request.method === "GET" && request.body) withoutEmpty(request.body);
});

// Ticked rows: how many, and the bar that acts on them.
const ticked = () => $$("input[data-tick]:checked");
const countTicks = () => {
  const bar = $("#bulk");
  if (!bar) return;
  const n = ticked().length;
  const all = $$("input[data-tick]");
  const every = $("input[data-tick-all]");
  if (every) {
    every.checked = n > 0 && n === all.length;
    every.indeterminate = n > 0 && n < all.length;
  }
  bar.classList.toggle("chosen", n > 0);
  const word = $("[data-ticked]", bar);
  if (word) word.textContent = n ? `${n} ${word.dataset.ticked}` : "";
};
document.addEventListener("change", e => {
  if (e.target.matches("input[data-tick-all]")) for (const one of $$("input[data-tick]")) one.checked = e.target.checked;
  if (e.target.matches("input[data-tick], input[data-tick-all]")) countTicks();
  if (e.target.matches("[data-submit]")) e.target.form.requestSubmit();
});

document.addEventListener("click", async e => {
  const copy = e.target.closest("[data-copy]");
  if (copy) {
    e.preventDefault();
    await navigator.clipboard.writeText(copy.dataset.copy);
    const word = copy.lastChild;
    const was = copy.dataset.word ??= word.textContent;
    word.textContent = $("#said").textContent = copy.dataset.done;
    setTimeout(() => (word.textContent = was), 2000);
  }
  if (e.target.closest("[data-close]")) {
    const dialog = e.target.closest("dialog");
    if (dialog) {
      e.preventDefault();
      dialog.close();
    }
  }
  if (e.target.tagName === "DIALOG") e.target.close(); // beside it
});

// A form that would lead to a page of its own shows that page's sheet in a dialog instead.
let asked = null;
const showSheet = html => {
  const page = Document.parseHTMLUnsafe(policy.createHTML(html));
  const sheet = page.querySelector("#sheet");
  if (!sheet) return false;
  let dialog = $("#dialog");
  if (!dialog) {
    dialog = document.createElement("dialog");
    dialog.id = "dialog";
    dialog.addEventListener("close", () => {
      dialog.remove();
      asked?.focus();
    });
    document.body.append(dialog);
  }
  dialog.replaceChildren(document.adoptNode(sheet));
  dialog.setAttribute("aria-labelledby", "sheet-title");
  if (!dialog.open) dialog.showModal();
  ($("[data-safe]", dialog) || $("button", dialog))?.focus();
  return true;
};
document.addEventListener("submit", async e => {
  const form = e.target;
  const opens = form.dataset.dialog !== undefined || e.submitter?.dataset.dialog !== undefined;
  const inside = form.closest("#dialog");
  if (!opens && !inside || !Document.parseHTMLUnsafe) return;
  e.preventDefault();
  const to = new URL(e.submitter?.hasAttribute("formaction") ? e.submitter.formAction : form.action);
  const method = (e.submitter?.getAttribute("formmethod") || form.method).toUpperCase();
  const body = new URLSearchParams(new FormData(form, e.submitter));
  if (method === "GET") {
    asked = e.submitter;
    to.search = body;
  }
  const answer = await fetch(to, { method, body: method === "GET" ? null : body, headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer) return form.submit();
  const text = await answer.text();
  if (method === "POST" && answer.redirected && answer.ok) {
    $("#dialog")?.close();
    const page = Document.parseHTMLUnsafe(policy.createHTML(text));
    const receipt = page.querySelector("#receipt");
    if (!receipt?.childElementCount) return location.assign(answer.url); // what was done stands on its page
    $("#receipt").replaceChildren(...[...receipt.childNodes].map(one => document.adoptNode(one)));
    for (const one of ticked()) one.checked = false;
    countTicks();
    document.dispatchEvent(new CustomEvent("countersign:asked"));
    return;
  }
  if (!showSheet(text)) location.assign(answer.url);
});
document.addEventListener("htmx:after:swap", countTicks);
countTicks();
