// The dashboard works without this script. With it, pages follow what happens, colours change without a reload, and
// texts can be copied. Everything that is shown is drawn by the server; here, pieces of it are exchanged.
(() => {
  "use strict";

  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Colours: the choice is kept in a cookie, where the server finds it for the next page.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice]");
    if (!button) return;
    event.preventDefault();
    const theme = button.dataset.themeChoice;
    document.documentElement.dataset.theme = theme;
    document.cookie = `theme=${theme}; path=/; max-age=31536000; samesite=strict`;
    for (const other of all("[data-theme-choice]")) {
      other.setAttribute("aria-pressed", String(other.dataset.themeChoice === theme));
    }
  });

  // Copying: only where the browser lets us.
  const offerCopies = (root) => {
    if (!navigator.clipboard) return;
    for (const button of all("[data-copy]", root)) button.hidden = false;
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const label = button.querySelector("span");
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      label.textContent = "Copied";
    } catch {
      label.textContent = "Select and copy it";
    }
    setTimeout(() => (label.textContent = "Copy"), 2000);
  });
  offerCopies(document);

  // The drawer of narrow screens closes like one.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") for (const drawer of all("details.more[open]")) drawer.open = false;
  });
  document.addEventListener("click", (event) => {
    for (const drawer of all("details.more[open]")) if (!drawer.contains(event.target)) drawer.open = false;
  });

  // Forms with a choice of views need no button.
  document.addEventListener("change", (event) => {
    if (event.target.closest("form[data-auto]")) event.target.form.requestSubmit();
  });

  // Live regions: on news from the server, the page is fetched again and its live regions take the place of ours.
  const regions = () => all("[data-live]");
  if (regions().length === 0) return;

  const REST = 1000; // at least this long between two fetches
  const IDLE = 10000; // and at most this long, for what changes by time alone
  const stale = document.getElementById("stale");
  let fetching = false;
  let wanted = false;
  let last = 0;
  let failures = 0;
  let timer = 0;

  const sayStale = (text) => {
    if (!stale) return;
    if (text) stale.textContent = text;
    stale.hidden = !text;
  };

  // What a person has opened, scrolled or begun to type in must survive.
  const isInUse = (region) => {
    const focused = document.activeElement;
    return region.contains(focused) && focused.matches("input, select, textarea");
  };
  const exchange = (mine, fresh) => {
    if (isInUse(mine) || mine.outerHTML === fresh.outerHTML) return;
    const open = all("details", mine).map((details) => details.open);
    const scrolled = all(".scroll", mine).map((box) => [box.scrollLeft, box.scrollTop]);
    const focused = mine.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    mine.replaceWith(fresh);
    all("details", fresh).forEach((details, at) => (details.open = open[at] ?? details.open));
    all(".scroll", fresh).forEach((box, at) => scrolled[at] && box.scrollTo(...scrolled[at]));
    if (focused) all("a", fresh).find((link) => link.getAttribute("href") === focused)?.focus();
    offerCopies(fresh);
  };

  const refresh = async () => {
    if (document.hidden) return;
    fetching = true;
    wanted = false;
    last = Date.now();
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store" });
      if (answer.redirected && new URL(answer.url).pathname === "/login") {
        sayStale("You are logged out. Reload the page to log in again.");
        events?.close();
        clearInterval(clock);
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const region of regions()) {
        const fresh = page.getElementById(region.id);
        if (fresh) exchange(region, document.adoptNode(fresh));
      }
      failures = 0;
      sayStale("");
    } catch {
      failures += 1;
      if (failures > 1) sayStale("Connection lost: what you see may be old. Trying again…");
    } finally {
      fetching = false;
      if (wanted) soon();
    }
  };

  // Many events at once are one reason to look.
  const soon = () => {
    wanted = true;
    if (fetching) return;
    clearTimeout(timer);
    timer = setTimeout(refresh, Math.max(0, last + REST - Date.now()));
  };

  // The first opening tells nothing new; later ones may have missed something. A stream that is refused for good is not
  // missed: then the clock alone looks.
  const source = document.body.dataset.events;
  const events = source ? new EventSource(source) : null;
  let opened = false;
  events?.addEventListener("message", soon);
  events?.addEventListener("open", () => {
    if (opened) soon();
    opened = true;
  });
  events?.addEventListener("error", () => {
    if (events.readyState !== EventSource.CLOSED) sayStale("Connection lost: what you see may be old. Trying again…");
  });
  addEventListener("pagehide", () => events?.close());
  const clock = setInterval(() => Date.now() - last >= (failures ? 2000 : IDLE) && !fetching && refresh(), 1000);
  document.addEventListener("visibilitychange", () => !document.hidden && soon());
  addEventListener("online", soon);
})();
