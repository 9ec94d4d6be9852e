// Keyboard in lists, and a fresh page when something changed. Everything else works without this file.
(() => {
  const rows = () => [...document.querySelectorAll("[data-row]")];
  const at = () => rows().findIndex((r) => r.classList.contains("here"));
  const go = (i) => {
    const all = rows();
    if (!all.length) return;
    const next = Math.max(0, Math.min(all.length - 1, i));
    all.forEach((r, n) => r.classList.toggle("here", n === next));
    all[next].scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("keydown", (e) => {
    if (e.target.closest("input, select, textarea") || e.ctrlKey || e.metaKey || e.altKey) {
      if (e.key === "Escape") e.target.blur();
      return;
    }
    if (e.key === "j") go(at() + 1);
    else if (e.key === "k") go(at() - 1);
    else if (e.key === "Enter" && at() >= 0) rows()[at()].querySelector("a")?.click();
    else if (e.key === "/") { document.querySelector("input[type=search]")?.focus(); e.preventDefault(); }
    else if (e.key === "s") document.querySelector("details.suppress")?.setAttribute("open", "");
    else if (e.key === "g") location.href = "/";
  });
  let seen = null;
  const look = async () => {
    if (document.hidden) return;
    try {
      const version = await (await fetch("/version", { cache: "no-store" })).text();
      if (seen !== null && version !== seen && !document.activeElement?.closest("form")) {
        const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
        document.querySelector("main")?.replaceWith(page.querySelector("main"));
      }
      seen = version;
    } catch { /* the console is down; the page stays as it is */ }
  };
  look();
  setInterval(look, 5000);
})();
