"use strict";

const element = (id) => document.getElementById(id);

class Player {
  constructor(runs) {
    this.runs = runs;
    this.end = Math.max(...runs.map((run) => run.end));
    this.time = 0;
    this.window = [0, this.end];
    this.playing = false;
    this.speed = 10;
    this.pointer = null;
    this.frames = { n: 0, work: 0, worst: 0, began: 0 };
    this.events = runs
      .flatMap((run, k) => run.events.map((event) => ({ ...event, run: k })))
      .sort((a, b) => a.t - b.t);
    this.current = -1;
    this.buildRuns();
    this.buildEvents();
    this.buildValues();
    this.listen();
    this.setTheme(this.wantedTheme());
    this.readAddress();
    document.body.dataset.ready = "true";
  }

  buildRuns() {
    const first = this.runs[0].about;
    const titles = [...new Set(this.runs.map((run) => run.about.title))];
    element("title").textContent = titles.join(" and ");
    element("subtitle").textContent = this.runs.length > 1
      ? `${first.symbol}, seed ${[...new Set(this.runs.map((run) => run.about.seed))].join(" and ")}, side by side`
      : `${first.symbol}, scenario ${first.scenario} (${first.digest}), seed ${first.seed}`;
    this.views = this.runs.map((run, k) => {
      const box = document.createElement("section");
      box.className = "run";
      if (this.runs.length > 1) {
        const heading = document.createElement("h2");
        heading.textContent = `${"AB"[k]}: ${run.about.title} (${run.about.digest})`;
        box.append(heading);
      }
      const canvas = document.createElement("canvas");
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", this.describe(run));
      canvas.dataset.run = k;
      box.append(canvas);
      element("runs").append(box);
      const base = Array.from(run.data.trade_base).sort((a, b) => a - b);
      run.about.large = base[Math.floor(0.98 * base.length)] || 1;
      return new View(run, canvas);
    });
    element("time").max = this.end;
  }

  describe(run) {
    const { data, about } = run;
    const price = about.perp ? data.perp : data.spot;
    const name = about.perp ? "perp" : "spot";
    const shorts = data.liquidated_shorts[data.time.length - 1];
    const longs = data.liquidated_longs[data.time.length - 1];
    return `${about.title}: ${name} from ${number(price[0], 2)} to ${number(price[price.length - 1], 2)}, ` +
      `between ${number(Math.min(...price), 2)} and ${number(Math.max(...price), 2)}, in ${number(run.end, 0)} seconds; ` +
      `shorts bought back ${number(shorts, 3)}, longs sold ${number(longs, 3)}. The events are listed beside it.`;
  }

  buildEvents() {
    if (!this.events.length) element("events").textContent = "Nothing happened but trading.";
    this.buttons = this.events.map((event, k) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      const time = document.createElement("time");
      const text = document.createElement("span");
      time.textContent = `${number(event.t, 1)} s`;
      text.textContent = (this.runs.length > 1 ? `${"AB"[event.run]}: ` : "") + event.text;
      button.dataset.kind = event.kind;
      button.append(time, text);
      button.addEventListener("click", () => this.jump(k));
      item.append(button);
      element("events").append(item);
      return button;
    });
  }

  buildValues() {
    const table = document.createElement("table");
    this.cells = [];
    if (this.runs.length > 1) {
      const names = table.createTHead().insertRow();
      for (const name of ["", "A", "B"]) {
        const head = document.createElement("th");
        head.scope = "col";
        head.textContent = name;
        names.append(head);
      }
    }
    const body = table.createTBody();
    this.views[0].panels.forEach((panel) => {
      for (const [field, label, decimals] of valuesOf(panel)) {
        const row = body.insertRow();
        const head = document.createElement("th");
        head.scope = "row";
        const unit = panel.kind === "book" || label.includes(",") ? "" : unitOf(panel, field);
        head.textContent = (panel.kind === "book" ? `${panel.title.toLowerCase()} ` : "") + label + unit;
        row.append(head);
        const cells = this.runs.map(() => row.insertCell());
        this.cells.push({ field, decimals, cells });
      }
    });
    element("values").append(table);
  }

  listen() {
    element("play").addEventListener("click", () => this.setPlaying(!this.playing));
    element("speed").addEventListener("change", (event) => { this.speed = Number(event.target.value); });
    element("time").addEventListener("input", (event) => this.seek(Number(event.target.value)));
    element("zoom-in").addEventListener("click", () => this.zoom(0.5, this.time));
    element("zoom-out").addEventListener("click", () => this.zoom(2, this.time));
    element("zoom-all").addEventListener("click", () => this.setWindow(0, this.end));
    element("theme").addEventListener("click", () => this.setTheme(this.theme === "dark" ? "light" : "dark"));
    document.addEventListener("keydown", (event) => this.key(event));
    window.addEventListener("resize", () => this.layout());
    for (const view of this.views) this.listenTo(view);
  }

  listenTo(view) {
    const at = (event) => {
      const box = view.canvas.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    view.canvas.addEventListener("pointermove", (event) => {
      const point = at(event);
      if (this.drag) {
        const moved = view.timeAt(this.drag.x) - view.timeAt(point.x);
        if (Math.abs(point.x - this.drag.x) > 3) this.drag.moved = true;
        this.setWindow(this.drag.from + moved, this.drag.to + moved);
      }
      this.pointer = point;
      this.hover(view, point, event);
      this.draw();
    });
    view.canvas.addEventListener("pointerleave", () => {
      this.pointer = null;
      element("hover").hidden = true;
      this.draw();
    });
    view.canvas.addEventListener("pointerdown", (event) => {
      this.drag = { x: at(event).x, from: this.window[0], to: this.window[1], moved: false };
      view.canvas.setPointerCapture(event.pointerId);
    });
    view.canvas.addEventListener("pointerup", (event) => {
      if (this.drag && !this.drag.moved) this.seek(view.timeAt(at(event).x));
      this.drag = null;
    });
    view.canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(event.deltaY < 0 ? 0.8 : 1.25, view.timeAt(at(event).x));
    }, { passive: false });
  }

  hover(view, point, event) {
    const panel = view.panelAt(point.y);
    const box = element("hover");
    box.hidden = !panel || point.x < LEFT || point.x > view.width - RIGHT;
    if (box.hidden) return;
    const near = panel.kind === "book" ? view.tradeNear(panel, point) : null;
    const price = panel.kind === "book" ? view.priceAt(panel, point.y) : 0;
    box.textContent = hoverText(view.run, panel, view.timeAt(point.x), price, near);
    box.dataset.panel = panel.id;
    const left = event.clientX + 16 + box.offsetWidth > innerWidth ? event.clientX - 16 - box.offsetWidth : event.clientX + 16;
    box.style.left = `${Math.max(4, left)}px`;
    box.style.top = `${Math.max(4, Math.min(event.clientY + 14, innerHeight - box.offsetHeight - 6))}px`;
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select")) return;
    const onButton = event.target.matches("button");
    const step = event.shiftKey ? 10 : 1;
    const actions = {
      " ": onButton ? null : () => this.setPlaying(!this.playing),
      ArrowLeft: () => this.seek(this.time - step),
      ArrowRight: () => this.seek(this.time + step),
      Home: () => this.seek(0),
      End: () => this.seek(this.end),
      n: () => this.jump(this.eventAt() + 1),
      p: () => this.jump(this.previousEvent()),
      "+": () => this.zoom(0.5, this.time),
      "=": () => this.zoom(0.5, this.time),
      "-": () => this.zoom(2, this.time),
      0: () => this.setWindow(0, this.end),
      t: () => element("theme").click(),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  wantedTheme() {
    return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }

  setTheme(theme) {
    this.theme = theme;
    document.documentElement.dataset.theme = theme;
    element("theme").textContent = theme === "dark" ? "Light" : "Dark";
    for (const view of this.views) view.recolour();
    this.layout();
  }

  // What stands behind # in the address: #t=150&from=120&to=200&theme=dark
  readAddress() {
    const wanted = new URLSearchParams(location.hash.slice(1));
    if (["light", "dark"].includes(wanted.get("theme"))) this.setTheme(wanted.get("theme"));
    if (wanted.has("from") || wanted.has("to")) {
      this.setWindow(Number(wanted.get("from") ?? 0), Number(wanted.get("to") ?? this.end));
    }
    if (wanted.has("t")) this.seek(Number(wanted.get("t")));
  }

  layout() {
    const weight = Math.max(...this.views.map((view) => view.panels.reduce((sum, panel) => sum + panel.weight, 0)));
    const height = Math.max(innerHeight - 130, 96 * weight);
    for (const view of this.views) view.resize(height);
    this.redraw();
  }

  setWindow(from, to) {
    const length = Math.min(this.end, Math.max(2, to - from));
    const start = Math.min(Math.max(0, from), this.end - length);
    this.window = [start, start + length];
    this.redraw();
  }

  zoom(factor, around) {
    const [from, to] = this.window;
    this.setWindow(around - (around - from) * factor, around + (to - around) * factor);
  }

  seek(time) {
    this.time = Math.min(this.end, Math.max(0, Number.isFinite(time) ? time : 0));
    this.follow();
    this.draw();
  }

  // Keep the cursor inside the window.
  follow() {
    const [from, to] = this.window;
    if (this.time < from || this.time > to) {
      const length = to - from;
      this.setWindow(this.time - 0.15 * length, this.time + 0.85 * length);
    }
  }

  eventAt() {
    return this.events.findLastIndex((event) => event.t <= this.time + 1e-6);
  }

  previousEvent() {
    return this.events.findLastIndex((event) => event.t < this.time - 1e-6);
  }

  jump(k) {
    if (!this.events[k]) return;
    this.seek(this.events[k].t);
    element("status").textContent = `${number(this.events[k].t, 1)} s: ${this.events[k].text}`;
  }

  setPlaying(on) {
    if (on && this.time >= this.end) this.seek(0);
    this.playing = on;
    element("play").textContent = on ? "Pause" : "Play";
    element("play").setAttribute("aria-pressed", String(on));
    if (!on) return this.report();
    this.frames = { n: 0, work: 0, worst: 0, began: performance.now() };
    let before = this.frames.began;
    const frame = (now) => {
      if (!this.playing) return;
      const start = performance.now();
      this.time = Math.min(this.end, this.time + (Math.max(0, now - before) / 1000) * this.speed);
      before = now;
      this.follow();
      this.draw();
      const work = performance.now() - start;
      this.frames.n += 1;
      this.frames.work += work;
      this.frames.worst = Math.max(this.frames.worst, work);
      if (this.frames.n % 30 === 0) this.report();
      if (this.time >= this.end) this.setPlaying(false);
      else requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  // What the page says of its own speed: frames a second, and milliseconds of work for one.
  report() {
    const { n, work, worst, began } = this.frames;
    if (!n) return;
    Object.assign(document.body.dataset, {
      frames: n,
      work: (work / n).toFixed(3),
      worst: worst.toFixed(3),
      rate: ((1000 * n) / (performance.now() - began)).toFixed(1),
    });
    const { rate, work: each } = document.body.dataset;
    element("rate").textContent = `Played at ${rate} frames a second, ${each} ms of work for one.`;
  }

  // Runs side by side share every scale.
  redraw() {
    const ranges = {};
    for (const view of this.views) {
      for (const [id, [low, high]] of Object.entries(view.wantedRanges(...this.window))) {
        const known = ranges[id] || [low, high];
        ranges[id] = [Math.min(known[0], low), Math.max(known[1], high)];
      }
    }
    for (const view of this.views) view.drawStill(...this.window, ranges);
    this.draw();
  }

  draw() {
    for (const view of this.views) view.drawFrame(this.time, this.pointer);
    element("time").value = this.time;
    element("time").setAttribute("aria-valuetext", `${number(this.time, 1)} seconds`);
    element("clock").textContent = `${number(this.time, 1)} of ${number(this.end, 0)} s`;
    this.showEvent();
    const now = performance.now();
    if (this.playing && now - (this.shown || 0) < 100) return;
    this.shown = now;
    for (const { field, decimals, cells } of this.cells) {
      cells.forEach((cell, k) => {
        const { data } = this.runs[k];
        cell.textContent = valueText(field, data[field][indexAt(data.time, this.time)], decimals);
      });
    }
  }

  showEvent() {
    const k = this.eventAt();
    if (k === this.current) return;
    this.buttons[this.current]?.removeAttribute("aria-current");
    this.buttons[k]?.setAttribute("aria-current", "true");
    this.current = k;
    const button = this.buttons[k];
    if (!button) return;
    const list = element("events");
    const top = button.offsetTop - list.offsetTop;
    if (top < list.scrollTop || top > list.scrollTop + list.clientHeight - 40) list.scrollTop = top - 80;
  }
}

decodeRuns(element("data").textContent).then(
  (runs) => { window.player = new Player(runs); },
  (error) => {
    element("status").textContent = `This browser cannot open the recorded run: ${error.message}`;
    throw error;
  },
);
