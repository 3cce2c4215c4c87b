"use strict";
/* What all pages share: keys, the motifs marked to be compared, and parts that follow a run. */
(() => {
  const byId = id => document.getElementById(id);
  const all = (what, within = document) => [...within.querySelectorAll(what)];
  const typing = event => event.target.closest("input, select, textarea, [contenteditable]") !== null;

  /* Motifs marked to be compared stay marked from page to page, in this tab. */
  const MOST = 4;
  const marked = () => JSON.parse(sessionStorage.getItem("compare") || "[]");

  function mark(id) {
    const ids = marked();
    const now = ids.includes(id) ? ids.filter(other => other !== id) : [...ids, id].slice(-MOST);
    sessionStorage.setItem("compare", JSON.stringify(now));
    showMarked();
  }

  function showMarked() {
    const ids = marked(), tray = byId("tray"), count = tray.querySelector(".count");
    tray.href = ids.length ? "/compare?" + new URLSearchParams(ids.map(id => ["id", id])) : "/compare";
    count.hidden = !ids.length;
    count.textContent = ids.length;
    for (const button of all("[data-compare]")) {
      button.hidden = false;
      button.setAttribute("aria-pressed", ids.includes(button.dataset.compare));
    }
  }

  document.addEventListener("click", event => {
    const pin = event.target.closest("[data-compare]");
    if (pin) mark(pin.dataset.compare);
    const copy = event.target.closest("[data-copy]");
    if (copy) copyText(copy);
  });

  async function copyText(button) {
    await navigator.clipboard.writeText(byId(button.dataset.copy).textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  }

  /* Keys */
  const places = { r: "/runs", m: "/motifs", n: "/networks", c: byId("tray") };
  let gone = false;

  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event)) return;
    if (gone) {
      gone = false;
      const place = places[event.key];
      if (place) location.assign(place.href || place);
      return;
    }
    const card = document.activeElement.closest(".card");
    if (event.key === "/") byId("find").focus();
    else if (event.key === "?") byId("keys").showModal();
    else if (event.key === "g") { gone = true; setTimeout(() => { gone = false; }, 1200); return; }
    else if (event.key === "[" && follow("prev") || event.key === "]" && follow("next")) return;
    else if (event.key === "c") {
      const pin = (card || document).querySelector("[data-compare]");
      if (!pin || !card && document.querySelector("[data-cards]")) return;
      mark(pin.dataset.compare);
    } else if (event.key.startsWith("Arrow") && moveCard(event.key)) { /* moved */ }
    else return;
    event.preventDefault();
  });

  function follow(kind) {
    const link = document.querySelector(`.paging a[rel=${kind}]`);
    if (link) location.assign(link.href);
    return link !== null;
  }

  /* The nearest card in the direction of the arrow, by where cards are on the page. */
  function moveCard(key) {
    const links = all("[data-cards] .open");
    if (!links.length) return false;
    const from = document.activeElement.closest(".card");
    if (!from) {
      if (document.activeElement !== document.body && document.activeElement.id !== "main") return false;
      links[0].focus();
      return true;
    }
    const k = links.indexOf(from.querySelector(".open")), step = { ArrowLeft: -1, ArrowRight: 1 }[key];
    let next = step && links[k + step];
    if (!step) {
      const here = from.getBoundingClientRect(), down = key === "ArrowDown";
      const rows = links.filter(link => {
        const there = link.getBoundingClientRect();
        return down ? there.top > here.bottom - 4 : there.bottom < here.top + 4;
      });
      const middle = link => { const r = link.getBoundingClientRect(); return [(r.left + r.right) / 2, r.top]; };
      const [x] = middle(from);
      const near = link => { const [u, v] = middle(link); return Math.abs(v - here.top) * 1000 + Math.abs(u - x); };
      next = rows.sort((a, b) => near(a) - near(b))[0];
    }
    if (next) next.focus();
    return true;
  }

  byId("keys-open").addEventListener("click", () => byId("keys").showModal());

  /* Filters apply as soon as they are chosen; what is left empty stays out of the address. */
  const filters = byId("filters");
  if (filters) {
    const details = filters.querySelector("details");
    if (matchMedia("(max-width: 52rem)").matches) details.open = false;
    filters.addEventListener("change", () => filters.requestSubmit());
    filters.addEventListener("submit", () => {
      for (const field of all("input, select", filters)) {
        field.disabled = field.value === "" || field.name === "sort" && field.value === "score"
          || field.name === "front" && !filters.elements.task.value;  // a front is of one task
      }
    });
  }
  addEventListener("pageshow", () => { for (const field of all("#filters [disabled]")) field.disabled = false; showMarked(); });

  /* Parts that change while a run goes on are taken from the page as it is now. */
  const watch = document.querySelector("[data-watch]");
  let pulse = watch?.dataset.pulse;
  if (watch) setTimeout(look, 1000 * watch.dataset.watch);

  const ask = async address => (await fetch(address)).text();

  async function look() {
    try {
      const now = document.hidden ? pulse : await ask("/pulse");
      if (now !== pulse) update(await ask(location.href));
      pulse = now;
    } catch { /* the server is away: look again later */ }
    setTimeout(look, 1000 * watch.dataset.watch);
  }

  function update(text) {
    const now = new DOMParser().parseFromString(text, "text/html"), title = "main h1";
    const other = now.querySelector(title)?.textContent !== document.querySelector(title)?.textContent;
    if (other || !now.querySelector("[data-watch]") || all("[data-live]", now).length !== all("[data-live]").length) {
      location.reload();
      return;
    }
    for (const part of all("[data-live]")) {
      const fresh = now.getElementById(part.id);
      if (part.contains(document.activeElement) || fresh.outerHTML === part.outerHTML) continue;
      const checked = all("input:checked", part).map(box => box.value);
      const older = part.dataset.version;
      part.replaceWith(fresh);
      for (const box of all("input", fresh)) box.checked = checked.includes(box.value);
      if (fresh.dataset.version !== older) document.dispatchEvent(new Event("newer"));
    }
  }

  showMarked();
})();
