// Keys in lists, a copy button, a fresh page when something has changed. Everything else works without this file.
(() => {
  "use strict";
  const links = () => [...document.querySelectorAll("[data-row] a:first-of-type")].filter((a, i, all) =>
    all.findIndex((b) => b.closest("[data-row]") === a.closest("[data-row]")) === i && a.offsetParent !== null);
  const at = () => links().findIndex((a) => a.closest("[data-row]").contains(document.activeElement));
  const go = (i) => {
    const all = links();
    const link = all[Math.max(0, Math.min(all.length - 1, i))];
    link?.focus();
    link?.closest("[data-row]").scrollIntoView({ block: "nearest" });
  };
  const open = (details) => {
    details?.setAttribute("open", "");
    details?.querySelector("input:not([type=hidden])")?.focus();
  };
  document.addEventListener("keydown", (e) => {
    if (e.target.closest("input, select, textarea")) {
      if (e.key === "Escape") e.target.blur();
      return;
    }
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.key === "j") go(at() + 1);
    else if (e.key === "k") go(at() - 1);
    else if (e.key === "/") document.querySelector("input[type=search]")?.focus();
    else if (e.key === "s") open(document.querySelector("details.suppress"));
    else if (e.key === "g") location.href = "/";
    else return;
    e.preventDefault();
  });

  const busy = () => document.documentElement.classList.add("busy");
  addEventListener("beforeunload", busy);
  addEventListener("pageshow", () => document.documentElement.classList.remove("busy"));

  const copiers = () => document.querySelectorAll("pre[data-copy]").forEach((pre) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = pre.dataset.copy;
    const text = pre.textContent;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text);
      button.textContent = pre.dataset.copied;
    });
    pre.after(button);
  });
  copiers();

  // Nobody loses what they have typed or opened to a fresh page.
  const dirty = () => [...document.querySelectorAll("main input, main select")].some((el) =>
    el.value !== el.defaultValue && el.type !== "hidden" && el.tagName === "INPUT") ||
    document.querySelector("details.act[open]") || document.activeElement?.closest("form");
  const renew = async () => {
    const answer = await fetch(location.href);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
    const opened = [...document.querySelectorAll("main details")].map((d) => d.open);
    const here = at();
    const y = scrollY;
    document.querySelector("main").replaceWith(fresh);
    document.querySelectorAll("main details").forEach((d, i) => { d.open = opened[i] ?? d.open; });
    copiers();
    if (here >= 0) go(here);
    scrollTo(0, y);
    const news = document.getElementById("news");
    news.textContent = news.dataset.text;
  };
  let seen = null;
  const look = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch("/version");
      if (!answer.ok) return;
      const version = await answer.text();
      if (seen !== null && version !== seen) {
        if (dirty()) return;
        await renew();
      }
      seen = version;
    } catch { /* the console is down: the page stays as it is */ }
  };
  look();
  setInterval(look, 5000);
})();
