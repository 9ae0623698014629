"use strict";
// Two minutes before a session ends its person is told, and may stay: any page prolongs it.
const sessionEnds = () => Number(document.cookie.match(/(?:^|; )countersign-ends=(\d+)/)?.[1] || 0) * 1000;
const sessionNote = $("#session");
let sessionSeen = sessionEnds();
const lookAtSession = () => {
  sessionSeen = sessionEnds() || sessionSeen;
  const left = sessionSeen - Date.now();
  sessionNote.hidden = left > 120000;
  const text = $("[data-ends]", sessionNote);
  const word = left > 0 ? text.dataset.ends : text.dataset.ended;
  if (!sessionNote.hidden && text.textContent !== word) text.textContent = word;
  $("button", sessionNote).hidden = left <= 0;
};
if (sessionNote && sessionSeen) {
  $("button", sessionNote).addEventListener("click", async () => {
    await fetch(location.href).catch(() => null);
    lookAtSession();
  });
  setInterval(lookAtSession, 5000);
  lookAtSession();
}
// Back leads to no page of somebody who has logged out, though the browser may have kept it.
addEventListener("pageshow", e => {
  const back = e.persisted || performance.getEntriesByType("navigation")[0]?.type === "back_forward";
  if (back && sessionNote && !sessionEnds()) location.reload();
});
