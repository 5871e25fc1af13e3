// What makes pages live. Each page works without it.
(() => {
  "use strict";

  const $ = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Parse what our own server rendered; scripts in it would not run.
  const parse = (html) => new DOMParser().parseFromString(html, "text/html");

  // ---- What is set up once for each piece of a page ----

  const setUp = (within) => {
    localTimes(within);
    for (const button of $("[data-copy], [data-reveal], [data-log-tools]", within)) button.hidden = false;
    for (const box of $("[data-partly]", within)) box.indeterminate = !box.checked;
    for (const log of $("[data-log]", within)) toEnd(log);
    for (const here of $(".places [aria-current], .tabs [aria-current]", within)) {
      const bar = here.closest("ul");
      bar.scrollLeft += here.getBoundingClientRect().left - bar.getBoundingClientRect().left - (bar.clientWidth - here.offsetWidth) / 2;
    }
  };

  const localTimes = (within) => {
    for (const time of $("time[data-local]", within)) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
      const day = { day: "numeric", month: "short", year: "numeric" };
      const shown = { clock: { ...clock, second: "2-digit" }, minute: clock }[time.dataset.local] || { ...day, ...clock };
      time.textContent = at.toLocaleString("en-GB", shown);
      time.removeAttribute("data-local");
    }
  };

  // ---- Copying, showing a password, menus, trees ----

  const copy = async (button) => {
    const from = document.getElementById(button.dataset.copy);
    const word = button.querySelector("[data-copy-word]");
    if (!from) return;
    const items = $("li", from);
    const text = items.length ? items.map((li) => li.textContent.trim()).join("\n") : from.textContent;
    try {
      await navigator.clipboard.writeText(text);
      word.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(from);
      word.textContent = "Selected: press Ctrl+C";
    }
    setTimeout(() => { word.textContent = "Copy"; }, 3000);
  };

  const reveal = (button) => {
    const input = document.getElementById(button.dataset.reveal);
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!shown));
    button.firstChild.textContent = shown ? "Show" : "Hide";
  };

  // Choosing a node chooses all below; above, it shows that some are chosen.
  const choose = (box) => {
    const below = (li) => $(":scope > details > ul > li > .node > input, :scope > ul > li > .node > input", li);
    for (const other of $("details input", box.closest("li"))) {
      if (!other.disabled) other.checked = box.checked;
      other.indeterminate = false;
    }
    for (let li = box.closest("li").parentElement.closest("li"); li; li = li.parentElement.closest("li")) {
      const own = li.querySelector(":scope > .node > input");
      const children = below(li);
      const chosen = children.filter((c) => c.checked).length;
      if (chosen < children.length) own.checked = false;
      own.indeterminate = !own.checked && (chosen > 0 || children.some((c) => c.indeterminate));
    }
    for (const some of $(".partly", box.closest("[data-tree]"))) {
      const own = some.closest(".node").querySelector("input");
      if (!own.indeterminate) some.remove();
    }
  };

  const closeMenus = (but) => {
    for (const menu of $("details.menu[open]")) if (menu !== but) menu.open = false;
  };

  // ---- Questions: the page that asks, above this one ----

  const ask = async (link) => {
    let question = null;
    try {
      const answer = await fetch(link.href, { credentials: "same-origin", redirect: "error" });
      if (answer.ok) question = parse(await answer.text());
    } catch { /* the page itself will say what is wrong */ }
    const body = question && question.querySelector("[data-question]");
    if (!body) {
      location.assign(link.href);
      return;
    }
    const dialog = document.createElement("dialog");
    const title = document.createElement("h2");
    title.id = "question";
    title.textContent = question.querySelector("h1").textContent;
    dialog.setAttribute("aria-labelledby", title.id);
    dialog.append(title, document.adoptNode(body));
    for (const back of $("a.button.quiet", dialog)) {
      back.addEventListener("click", (e) => { e.preventDefault(); dialog.close(); });
    }
    dialog.addEventListener("close", () => { dialog.remove(); link.focus(); });
    document.body.append(dialog);
    setUp(dialog);
    dialog.showModal();
  };

  document.addEventListener("click", (e) => {
    if (!(e.target instanceof Element)) return;
    closeMenus(e.target.closest("details.menu"));
    const button = e.target.closest("[data-copy], [data-reveal], [data-log-pause]");
    if (button) {
      if (button.dataset.copy) copy(button);
      else if (button.dataset.reveal) reveal(button);
      else hold(button);
    }
    const link = e.target.closest("a[data-confirm]");
    if (link && e.button === 0 && !e.ctrlKey && !e.metaKey && !e.shiftKey && !e.altKey) {
      e.preventDefault();
      ask(link);
    }
    const node = e.target.closest("[data-tree] .node > input");
    if (node) choose(node);
  });
  document.addEventListener("keydown", (e) => {
    if (e.key !== "Escape") return;
    const menu = document.activeElement && document.activeElement.closest("details.menu[open]");
    closeMenus(null);
    if (menu) menu.querySelector("summary").focus();
  });
  document.addEventListener("input", (e) => {
    if (e.target instanceof Element && e.target.matches("[data-log-filter]")) filter(e.target.closest("[data-log-tools]"));
  });
  // A form that was sent twice by two clicks was meant once.
  document.addEventListener("submit", (e) => {
    if (e.defaultPrevented || e.target.method === "get") return;
    if (e.target.dataset.sent && Date.now() - e.target.dataset.sent < 4000) e.preventDefault();
    else e.target.dataset.sent = Date.now();
  });

  // ---- Logs ----

  const mostLines = 1000;
  const held = new Map(); // by the log's id: the lines that wait

  const tools = (log) => document.querySelector(`[data-log-tools="${CSS.escape(log.id)}"]`);
  const atEnd = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < 48;
  const toEnd = (log) => { log.parentElement.scrollTop = log.parentElement.scrollHeight; };

  const filter = (bar) => {
    const log = document.getElementById(bar.dataset.logTools);
    const words = bar.querySelector("[data-log-filter]").value.trim().toLowerCase();
    for (const line of log.children) line.hidden = words !== "" && !line.textContent.toLowerCase().includes(words);
  };

  const hold = (button) => {
    const log = document.getElementById(button.closest("[data-log-tools]").dataset.logTools);
    const now = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(now));
    button.textContent = now ? "Go on" : "Hold";
    if (now) {
      held.set(log.id, []);
      return;
    }
    const lines = held.get(log.id) || [];
    held.delete(log.id);
    add(log, lines);
  };

  const add = (log, lines) => {
    const bar = tools(log);
    const waiting = held.get(log.id);
    if (waiting) {
      waiting.push(...lines);
      if (waiting.length > mostLines) waiting.splice(0, waiting.length - mostLines);
    } else {
      const follow = atEnd(log.parentElement);
      log.append(...lines);
      while (log.children.length > mostLines) log.firstElementChild.remove();
      if (bar) filter(bar);
      if (follow) toEnd(log);
    }
    const told = bar && bar.querySelector("[data-log-waiting]");
    if (told) told.textContent = waiting && waiting.length ? `${waiting.length} new` : "";
  };

  // ---- Regions ----

  const late = new Map(); // by the region's id: content that waits while somebody types

  const typing = (region) => {
    const at = document.activeElement;
    return at && region.contains(at) && at.matches("input:not([type=checkbox]):not([type=radio]), textarea, select");
  };

  // What has the focus is found again by its id, its address or its place.
  const finder = (region, at) => {
    if (!at || at === region || !region.contains(at)) return null;
    if (at.id) return () => document.getElementById(at.id);
    const same = (e) => $(e.tagName, region);
    const place = same(at).indexOf(at);
    const href = at.getAttribute("href");
    return () => (href && $("a", region).find((a) => a.getAttribute("href") === href)) || same(at)[place];
  };

  const replace = (region, content) => {
    if (typing(region)) {
      late.set(region.id, content);
      return;
    }
    late.delete(region.id);
    const find = finder(region, document.activeElement);
    const open = $("details[id]", region).map((d) => [d.id, d.open]);
    const scrolled = $("[id]", region).filter((e) => e.scrollTop || e.scrollLeft).map((e) => [e.id, e.scrollTop, e.scrollLeft]);
    region.replaceChildren(...content.childNodes);
    setUp(region);
    for (const [id, was] of open) {
      const d = document.getElementById(id);
      if (d) d.open = was;
    }
    for (const [id, top, left] of scrolled) {
      const e = document.getElementById(id);
      if (e) e.scrollTo(left, top);
    }
    const focus = find && find();
    if (focus) focus.focus({ preventScroll: true });
  };

  document.addEventListener("focusout", () => setTimeout(() => {
    for (const [id, content] of late) {
      const region = document.getElementById(id);
      if (region) replace(region, content);
    }
  }));

  // ---- The stream of events ----

  const state = document.querySelector("[data-live-state]");
  const tell = (kind, words) => {
    if (!state || state.textContent === words) return;
    state.className = `live ${kind}`;
    state.textContent = words;
  };

  const connect = (address) => {
    let last = ""; // the last event that was shown
    let wait = 1000;
    const open = () => {
      const url = new URL(address, location.href);
      if (last) url.searchParams.set("after", last);
      const stream = new EventSource(url);
      const handle = (act) => (e) => {
        wait = 1000;
        if (e.lastEventId) last = e.lastEventId;
        const cut = e.data.indexOf("\n");
        const target = document.getElementById(cut < 0 ? e.data : e.data.slice(0, cut));
        if (target) act(target, document.adoptNode(parse(cut < 0 ? "" : e.data.slice(cut + 1)).body));
      };
      stream.onopen = () => tell("on", "Live");
      stream.addEventListener("replace", handle(replace));
      stream.addEventListener("append", handle((log, content) => {
        localTimes(content);
        add(log, [...content.children]);
      }));
      stream.addEventListener("end", () => { stream.close(); tell("", "Finished"); });
      stream.onerror = () => {
        tell("off", "The connection is lost. Trying again.");
        if (stream.readyState !== EventSource.CLOSED) return; // the browser tries again itself
        setTimeout(open, wait);
        wait = Math.min(wait * 2, 30000);
      };
      addEventListener("pagehide", () => stream.close(), { once: true });
    };
    open();
    addEventListener("pageshow", (e) => { if (e.persisted) open(); });
  };

  setUp(document);
  const problems = document.querySelector("[data-problems]");
  if (problems) problems.focus();
  if (document.body.dataset.live) connect(document.body.dataset.live);
})();
