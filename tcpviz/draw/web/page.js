"use strict";
// Shows one step of one conversation, as the address says (#7, or #2.7 for the second one), and goes to others.
// Everything it tells is data of the page, and comes into the document as text.
{
  const PACE = 1600; // milliseconds that a step is shown while it plays
  const by = (id) => document.getElementById(id);
  const { words, names, connections } = JSON.parse(by("data").textContent);
  const slides = [...document.querySelectorAll(".slide")];
  const parts = [...document.querySelectorAll("#machine [data-part]")];
  let connection = 0, step = 0, chosen = null, playing = 0;

  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  function make(tag, children = [], attributes = {}) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...[].concat(children));
    return element;
  }

  // Where we are, and going elsewhere

  const last = () => connections[connection].steps.length;
  const address = (which, at) => (which ? `#${which + 1}.${at}` : `#${at}`);

  function follow() {
    const found = /^#(?:(\d+)\.)?(\d+)$/.exec(location.hash);
    const which = Math.min(Math.max(Number(found?.[1] ?? 1) - 1, 0), connections.length - 1);
    connection = which;
    step = Math.min(Number(found?.[2] ?? 0), last());
    show();
  }

  function go(at, { which = connection, quietly = false } = {}) {
    const to = Math.min(Math.max(at, 0), connections[which].steps.length);
    if (to === step && which === connection) return;
    try {
      history[quietly ? "replaceState" : "pushState"](null, "", address(which, to));
    } catch {
      // where a page has no address of its own, it steps without one
    }
    connection = which;
    step = to;
    show();
  }

  function play(on) {
    clearInterval(playing);
    playing = 0;
    if (on) {
      if (step === last()) go(0);
      playing = setInterval(() => {
        go(step + 1, { quietly: true });
        if (step === last()) play(false);
      }, PACE);
    }
    by("play").setAttribute("aria-pressed", String(playing !== 0));
    by("play").setAttribute("aria-label", playing ? words.pause : words.play);
  }

  function jump(at) {
    play(false);
    go(at);
  }

  // One step

  function show() {
    const story = connections[connection];
    const now = step
      ? story.steps[step - 1]
      : { ...story.begin, told: [words.begin], time: "", lit: [], segment: null, slide: 0 };
    // a call or a timer has no segment: the last one stays
    chosen = story.steps.slice(0, step).reduce((found, each) => each.segment ?? found, null);
    for (const slide of slides) {
      const mine = Number(slide.dataset.connection) === connection;
      const shown = mine && Number(slide.dataset.slide) === now.slide;
      slide.classList.toggle("mine", mine);
      slide.classList.toggle("shown", shown);
      if (shown) paint(slide, story, now);
    }
    tell(story, now);
    light(story, now);
    explain(story);
  }

  function paint(slide, story, now) {
    for (const part of slide.querySelectorAll("[data-since]")) {
      part.classList.toggle("future", step < Number(part.dataset.since));
    }
    for (const arrow of slide.querySelectorAll(".arrow")) {
      arrow.classList.toggle("underway", step < Number(arrow.dataset.until));
      arrow.classList.toggle("now", step > 0 && Number(arrow.dataset.segment) === now.segment);
    }
    const next = story.steps[step];
    const full = !next || next.slide !== now.slide;
    for (const band of slide.querySelectorAll(".band")) grow(band, full ? Infinity : now.reached + story.room);
  }

  // Half way the head is where the line ends so far.
  function halfway(arrow) {
    const [line, head] = ["[fill=none]", ":not([fill=none])"].map((which) => arrow.querySelector(`path:not(.reach)${which}`));
    if (!line || !head) return;
    const [[fromX, fromY, toX, toY], [tipX, tipY]] = [line, head].map((path) => path.getAttribute("d").match(/-?[\d.]+/g).map(Number));
    arrow.style.setProperty("--half-x", `${(fromX + toX) / 2 - tipX}px`);
    arrow.style.setProperty("--half-y", `${(fromY + toY) / 2 - tipY}px`);
  }

  // A state lasts for as long as has passed; its name stays in the middle of that.
  function grow(band, until) {
    const box = band.querySelector("rect"), lines = [...band.querySelectorAll("text")];
    if (!box) return;
    const top = Number(box.getAttribute("y")), height = Number(box.getAttribute("height"));
    const size = Number(lines[0]?.getAttribute("font-size") ?? 0);
    const seen = Math.min(height, Math.max(until - top, lines.length * size * 1.25));
    const middle = lines.reduce((sum, line) => sum + Number(line.getAttribute("y")), 0) / lines.length - 0.36 * size;
    band.style.setProperty("--cut", seen < height ? `${height - seen}px` : "-2px");
    band.style.setProperty("--lift", `${seen < height ? Math.min(0, top + seen / 2 - middle) : 0}px`);
  }

  function tell(story, now) {
    const place = fill(words.step, { step, steps: last() });
    by("told").replaceChildren(make("span", [place, now.time].filter(Boolean).join(" · ")), now.told.join(words.stop));
    by("at").max = last();
    by("at").value = step;
    by("at").setAttribute("aria-valuetext", place);
    for (const [id, idle] of [["first", !step], ["previous", !step], ["next", step === last()], ["last", step === last()]]) {
      by(id).setAttribute("aria-disabled", String(idle));
    }
    by("connection").selectedIndex = connection;
    if (by("steps").dataset.of !== String(connection)) list(story);
    [...by("steps").children].forEach((item, at) => {
      if (at + 1 === step) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    });
  }

  function list(story) {
    by("steps").dataset.of = connection;
    const told = new Set();
    by("steps").replaceChildren(...story.steps.map((each, at) => {
      const link = make("a", each.told.join(words.stop), { href: address(connection, at + 1) });
      const item = make("li", [link, ` (${each.time})`]);
      if (each.segment !== null && !told.has(each.segment)) {
        told.add(each.segment);
        const notes = story.segments[each.segment].notes.filter((note) => note.text);
        item.append(...notes.map((note) => make("small", [`${note.label}${words.colon}${note.text} `, note.section && `(${note.section})`])));
      }
      return item;
    }));
  }

  // The state machine: where both ends are, how they came there, and the rows that fire now

  function light(story, now) {
    // UDP has no states
    by("machine").hidden = !Object.keys(story.begin.states).length;
    const been = new Set(story.steps.slice(0, step).flatMap((each) => each.lit.map(([, part]) => part)));
    for (const part of parts) {
      const name = part.dataset.part;
      const firing = now.lit.filter(([, lit]) => lit === name).map(([side]) => side);
      part.classList.toggle("been", been.has(name));
      part.classList.toggle("now", firing.length > 0);
      part.classList.toggle("client", firing.includes("client"));
      part.classList.toggle("server", firing.includes("server") && !firing.includes("client"));
      part.classList.toggle("here", Object.values(now.states).some((state) => name === `state-${state}`));
    }
    for (const side of ["client", "server"]) {
      const token = parts.filter((part) => part.dataset.part === `token-${side}`);
      const box = parts.find((part) => part.dataset.part === `state-${now.states[side]}`)?.querySelector("rect");
      for (const group of token) {
        group.classList.toggle("future", !box);
        if (!box) continue;
        // the client's at the upper left, the server's at the lower right
        const [x, y, width, height] = ["x", "y", "width", "height"].map((name) => Number(box.getAttribute(name)));
        group.style.setProperty("--x", `${side === "server" ? x + width + 5 : x - 5}px`);
        group.style.setProperty("--y", `${side === "server" ? y + height - 6 : y + 6}px`);
      }
    }
    const where = Object.entries(now.states).map(([side, state]) => `${names[side]} ${state}`).join(words.comma);
    document.querySelector("#machine svg")?.setAttribute("aria-label", `${words.machine}${words.colon}${where}`);
  }

  // The header of the chosen segment

  function explain(story) {
    for (const part of document.querySelectorAll(".mine [data-segment]")) {
      const mine = chosen !== null && Number(part.dataset.segment) === chosen;
      part.classList.toggle("chosen", mine);
      if (part.hasAttribute("aria-pressed")) part.setAttribute("aria-pressed", String(mine));
    }
    const told = chosen === null ? null : story.segments[chosen];
    by("hint").hidden = told !== null;
    by("segment-title").textContent = told ? told.title : words.details;
    by("header").replaceChildren();
    if (!told) return;
    const rows = told.fields.map(([name, value, why, differs]) => {
      // a long value has the room of a reason that there is not
      const cells = why ? [make("td", value), make("td", why)] : [make("td", value, { colspan: 2 })];
      return make("tr", [make("th", name, { scope: "row" }), ...cells], differs ? { class: "differs" } : {});
    });
    const columns = make("colgroup", [make("col"), make("col"), make("col")]);
    const notes = told.notes.flatMap((note, number, all) => {
      const source = note.link
        ? make("a", note.section, { href: note.link, target: "_blank", rel: "noopener noreferrer" })
        : note.section;
      const name = note.label === all[number - 1]?.label ? [] : [make("dt", note.label)];
      return [...name, make("dd", [note.text, " ", source], number ? {} : { class: told.verdict })];
    });
    by("header").append(make("p", told.way), make("dl", notes), make("table", [columns, make("tbody", rows)]));
    by("segment").scrollTop = 0;
  }

  function choose(part) {
    play(false);
    chosen = Number(part.dataset.segment);
    explain(connections[connection]);
  }

  // Hands

  addEventListener("popstate", follow);
  addEventListener("hashchange", follow);
  by("first").onclick = () => jump(0);
  by("previous").onclick = () => jump(step - 1);
  by("next").onclick = () => jump(step + 1);
  by("last").onclick = () => jump(last());
  by("play").onclick = () => play(!playing);
  by("at").oninput = () => jump(Number(by("at").value));
  by("connection").onchange = () => {
    play(false);
    go(0, { which: by("connection").selectedIndex });
  };
  by("stage").onclick = (event) => {
    const part = event.target.closest("[data-segment]");
    if (part) choose(part);
  };

  const keys = {
    ArrowRight: () => step + 1, PageDown: () => step + 1,
    ArrowLeft: () => step - 1, PageUp: () => step - 1,
    Home: () => 0, End: () => last(),
  };

  addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || target === by("connection")) return;
    // a picture wider than its window is scrolled by the same keys
    if (target === by("stage") && key.startsWith("Arrow") && target.scrollWidth > target.clientWidth) return;
    const part = target.closest?.("[role=button]");
    if (part && (key === "Enter" || key === " ")) {
      choose(part);
      by("segment").focus();
    } else if (keys[key]) {
      jump(keys[key]());
    } else if (key === " " && !target.closest?.("button, a")) {
      play(!playing);
    } else {
      return;
    }
    event.preventDefault();
  });

  document.querySelectorAll(".arrow").forEach(halfway);
  document.documentElement.classList.add("alive");
  follow();
}
