// The zone of this browser, for the next page that the server renders; and times that go on counting.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && zone !== root.dataset.zone && !root.dataset.zone.startsWith("!")) {
  document.cookie = `cs_zone=${encodeURIComponent(zone)};path=${root.dataset.base}/;max-age=31536000;samesite=lax`;
}
setInterval(() => {
  if (document.hidden) return;
  for (const time of $$("time[data-ago]")) {
    const seconds = Math.max(0, (Date.now() - new Date(time.dateTime)) / 1000);
    const [pattern, n] = seconds < 60 ? [root.dataset.s, seconds] : seconds < 3600 ? [root.dataset.min, seconds / 60]
      : [root.dataset.h, seconds / 3600];
    const text = pattern.replace("{n}", Math.floor(n));
    if (seconds < 86400 && time.textContent !== text) time.textContent = text;
  }
}, 5000);
