// The zone of this browser, for the next page that the server renders.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && root.dataset.zone === "") {
  document.cookie = `cs_zone=${encodeURIComponent(zone)};path=${root.dataset.base || "/"};max-age=31536000;samesite=lax`;
}
