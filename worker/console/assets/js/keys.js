// One key, one thing; none in fields, none with modifiers, none where they are turned off.
{
  const places = { o: "overview", t: "transactions", g: "gaps", d: "documents", c: "callbacks", r: "runs", i: "incidents",
    h: "hooks", a: "accounts", s: "settings" };
  let going = 0;   // when g was pressed
  let cursor = ""; // the row that j and k have come to
  const rowsHere = () => $$("tr[data-row]");
  const current = () => $("tr.cursor");
  const step = by => {
    const rows = rowsHere();
    if (!rows.length) return;
    const at = rows.indexOf(current());
    const next = rows[Math.min(rows.length - 1, Math.max(0, at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by))];
    current()?.classList.remove("cursor");
    next.classList.add("cursor");
    cursor = next.id;
    ($("[data-open]", next) || $("a", next))?.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  };
  const press = {
    "/": () => $("#search, #find")?.focus(),
    j: () => step(1),
    k: () => step(-1),
    Enter: () => document.activeElement === document.body && $("[data-open]", current() || document.createElement("p"))?.click(),
    x: () => $("[data-tick]", current() || document.createElement("p"))?.click(),
    p: () => (ticked().length ? $("#bulk button[value=rows]") : $("[data-key=p]"))?.click(),
    "?": async () => {
      const answer = await fetch(`${root.dataset.base}/keys`);
      if (answer.ok) showSheet(await answer.text());
    },
  };
  document.addEventListener("htmx:after:swap", () => document.getElementById(cursor)?.classList.add("cursor"));
  document.addEventListener("keydown", e => {
    if (root.dataset.keys === "off" || e.ctrlKey || e.altKey || e.metaKey || e.isComposing || e.defaultPrevented) return;
    if (e.target.closest?.("input:not([type=checkbox]), select, textarea, [contenteditable], dialog")) return;
    const place = Date.now() - going < 1500 && places[e.key];
    going = 0;
    if (place) {
      e.preventDefault();
      $(`[data-nav=${place}]`)?.click();
    } else if (e.key === "g") going = Date.now();
    else if (press[e.key]) {
      if (e.key !== "Enter") e.preventDefault();
      press[e.key]();
    } else if (["e", "[", "]"].includes(e.key)) $(`[data-key="${CSS.escape(e.key)}"]`)?.click();
  });
}
