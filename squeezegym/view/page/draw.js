"use strict";

const LEFT = 78; // labels of the left axis
const RIGHT = 112; // labels of the right axis, and room for the liquidation map at the end
const GAP = 6;
const LEGEND = 16;

function colours() {
  const style = getComputedStyle(document.documentElement);
  return new Proxy({}, { get: (_, name) => style.getPropertyValue(`--${name}`).trim() });
}

function snapshotColours(names) {
  const live = colours();
  return Object.fromEntries(names.map((name) => [name, live[name]]));
}

const COLOURS = ["page", "panel", "ink", "soft", "line", "bid", "ask", "mark", "index", "last",
  "buy", "sell", "agent", "agent-sell", "accent", "band-1", "band-2", "band-3", "band-4"];

// One run on one canvas: what stands still is drawn once, the cursor and what follows it each frame.
class View {
  constructor(run, canvas) {
    this.run = run;
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.still = document.createElement("canvas");
    this.panels = panelsOf(run);
    this.images = {};
  }

  resize(height) {
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    this.width = this.canvas.clientWidth;
    this.height = height;
    this.canvas.style.height = `${height}px`;
    for (const canvas of [this.canvas, this.still]) {
      canvas.width = Math.round(this.width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    const total = this.panels.reduce((sum, panel) => sum + panel.weight, 0);
    const room = height - 22 - GAP * this.panels.length;
    let top = 4;
    for (const panel of this.panels) {
      panel.top = top;
      panel.height = (panel.weight / total) * room;
      top += panel.height + GAP;
    }
  }

  recolour() {
    this.colour = snapshotColours(COLOURS);
    for (const name of ["perp_book", "spot_book"]) {
      if (name === "spot_book" || this.run.about.perp) this.images[name] = this.heat(this.run.grids[name]);
    }
  }

  x(time) {
    return LEFT + ((time - this.from) / (this.to - this.from)) * (this.width - LEFT - RIGHT);
  }

  timeAt(x) {
    const share = (x - LEFT) / (this.width - LEFT - RIGHT);
    return this.from + Math.min(1, Math.max(0, share)) * (this.to - this.from);
  }

  panelAt(y) {
    return this.panels.find((panel) => y >= panel.top && y < panel.top + panel.height);
  }

  // Extremes of a panel's lines in the window, with a margin.
  range(lines, zero) {
    let low = zero ? 0 : Infinity;
    let high = zero ? 0 : -Infinity;
    const { time } = this.run.data;
    const last = indexAt(time, this.to);
    for (const [field] of lines) {
      const values = this.run.data[field];
      for (let i = indexAt(time, this.from); i <= last; i++) {
        if (values[i] < low) low = values[i];
        if (values[i] > high) high = values[i];
      }
    }
    if (!(high > low)) [low, high] = [low - (Math.abs(low) * 1e-4 || 1), low + (Math.abs(low) * 1e-4 || 1)];
    const margin = 0.08 * (high - low);
    return [low - (zero && low === 0 ? 0 : margin), high + 2.2 * margin];
  }

  // The ranges that this run wants in a window. Books share one: of their lines, and as much
  // again ahead of them.
  wantedRanges(from, to) {
    [this.from, this.to] = [from, to];
    const books = this.panels.filter((panel) => panel.kind === "book").flatMap((panel) => panel.lines);
    const [low, high] = this.range(books, false);
    const reach = Math.max(0.35 * (high - low), 0.0015 * high);
    const wanted = { book: [low - reach, high + reach] };
    for (const panel of this.panels) {
      if (panel.kind === "book") continue;
      wanted[panel.id] = this.range(panel.lines, panel.zero);
      if (panel.right) wanted[`${panel.id} right`] = this.range(panel.right.lines, false);
    }
    return wanted;
  }

  y(panel, value, range = panel.range) {
    return panel.top + panel.height * (1 - (value - range[0]) / (range[1] - range[0]));
  }

  priceAt(panel, y) {
    return panel.range[1] - ((y - panel.top) / panel.height) * (panel.range[1] - panel.range[0]);
  }

  drawStill(from, to, ranges) {
    [this.from, this.to] = [from, to];
    const context = this.still.getContext("2d");
    context.fillStyle = this.colour.panel;
    context.fillRect(0, 0, this.width, this.height);
    for (const panel of this.panels) {
      panel.range = ranges[panel.kind === "book" ? "book" : panel.id];
      if (panel.right) panel.right.range = ranges[`${panel.id} right`];
      context.save();
      context.beginPath();
      context.rect(LEFT, panel.top, this.width - LEFT - RIGHT, panel.height);
      context.clip();
      this.drawMeasures(context, panel);
      if (panel.kind !== "strip") this.drawGrid(context, panel);
      if (panel.kind === "book") this.drawBook(context, panel);
      this.drawLines(context, panel, panel.lines, panel.range);
      if (panel.right) this.drawLines(context, panel, panel.right.lines, panel.right.range);
      context.restore();
      this.drawLabels(context, panel);
    }
    this.drawTimes(context);
  }

  // Protection in force: shaded over prices, named in its own lane.
  drawMeasures(context, panel) {
    const lane = panel.kind === "strip";
    if (!lane && panel.kind !== "book") return;
    const { time, measures } = this.run.data;
    const known = usedMeasures(this.run);
    known.forEach(([, bit], k) => {
      const height = lane ? (panel.height - LEGEND) / known.length : panel.height;
      context.fillStyle = this.colour[`band-${(k % 4) + 1}`];
      context.globalAlpha = lane ? 0.9 : 0.13;
      for (let i = 0; i < time.length; ) {
        const start = i;
        const on = measures[i] & bit;
        while (i < time.length && (measures[i] & bit) === on) i++;
        if (!on) continue;
        const left = this.x(time[start]);
        const right = this.x(time[Math.min(i, time.length - 1)]);
        context.fillRect(left, panel.top + (lane ? LEGEND + k * height : 0), Math.max(1, right - left), height);
      }
    });
    context.globalAlpha = 1;
  }

  drawGrid(context, panel) {
    context.strokeStyle = this.colour.line;
    context.lineWidth = 1;
    panel.ticks = ticks(panel.range, panel.height / 26);
    context.beginPath();
    for (const value of panel.ticks) {
      const y = Math.round(this.y(panel, value)) + 0.5;
      context.moveTo(LEFT, y);
      context.lineTo(this.width - RIGHT, y);
    }
    context.stroke();
  }

  drawLines(context, panel, lines, range) {
    const { time } = this.run.data;
    const first = Math.max(0, indexAt(time, this.from) - 1);
    const last = Math.min(time.length - 1, indexAt(time, this.to) + 1);
    for (const [field, , colour, style] of lines) {
      const values = this.run.data[field];
      context.strokeStyle = this.colour[colour];
      context.lineWidth = style === "thin" ? 1 : 1.6;
      context.setLineDash(style === "dash" ? [5, 3] : []);
      context.beginPath();
      let drawing = false;
      for (let i = first; i <= last; i++) {
        if (style === "gaps" && !values[i]) { drawing = false; continue; }
        const x = this.x(time[i]);
        const y = this.y(panel, values[i], range);
        if (!drawing) context.moveTo(x, y);
        else if (style === "step") { context.lineTo(x, this.y(panel, values[i - 1], range)); context.lineTo(x, y); }
        else context.lineTo(x, y);
        drawing = true;
      }
      context.stroke();
    }
    context.setLineDash([]);
  }

  drawLabels(context, panel) {
    context.font = "11px system-ui, 'DejaVu Sans', sans-serif";
    context.textBaseline = "middle";
    context.fillStyle = this.colour.soft;
    context.textAlign = "right";
    for (const value of panel.ticks || []) {
      const y = this.y(panel, value);
      if (y > panel.top + 5 && y < panel.top + panel.height - 3) context.fillText(short(value, panel.ticks), LEFT - 6, y);
    }
    if (panel.right) {
      context.textAlign = "left";
      const marks = ticks(panel.right.range, panel.height / 26);
      for (const value of marks) {
        const y = this.y(panel, value, panel.right.range);
        if (y > panel.top + 5 && y < panel.top + panel.height - 3) context.fillText(short(value, marks), this.width - RIGHT + 6, y);
      }
    }
    context.strokeStyle = this.colour.line;
    context.lineWidth = 1;
    context.strokeRect(LEFT + 0.5, Math.round(panel.top) + 0.5, this.width - LEFT - RIGHT, Math.round(panel.height));
  }

  drawLegend(context, panel) {
    context.textAlign = "left";
    context.textBaseline = "top";
    const words = [[panel.title, "ink"]];
    if (panel.unit) words.push([`(${panel.unit})`, "soft"]);
    for (const [, label, colour] of [...panel.lines, ...(panel.right ? panel.right.lines : [])]) words.push([label, colour]);
    if (panel.home) words.push(["liquidated ahead:", "soft"], ["shorts", "buy"], ["longs", "sell"]);
    if (panel.kind === "strip") usedMeasures(this.run).forEach(([name], k) => words.push([name, `band-${(k % 4) + 1}`]));
    context.font = "600 11px system-ui, 'DejaVu Sans', sans-serif";
    let x = LEFT + 6;
    const placed = words.map(([text, colour]) => {
      const place = [text, colour, x];
      x += context.measureText(text).width + 9;
      return place;
    });
    context.globalAlpha = 0.78;
    context.fillStyle = this.colour.panel;
    context.fillRect(LEFT + 2, panel.top + 2, x - LEFT - 4, 15);
    context.globalAlpha = 1;
    for (const [text, colour, at] of placed) {
      context.fillStyle = this.colour[colour];
      context.fillText(text, at, panel.top + 4);
    }
  }

  drawTimes(context) {
    context.fillStyle = this.colour.soft;
    context.font = "11px system-ui, 'DejaVu Sans', sans-serif";
    context.textBaseline = "bottom";
    context.textAlign = "center";
    const marks = ticks([this.from, this.to], (this.width - LEFT - RIGHT) / 90);
    for (const value of marks) context.fillText(`${short(value, marks)} s`, this.x(value), this.height - 2);
  }

  // One frame: the still picture, the future veiled, what is liquidated ahead of price.
  drawFrame(time, pointer) {
    const context = this.context;
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(this.still, 0, 0);
    context.restore();
    const x = Math.min(Math.max(this.x(time), LEFT), this.width - RIGHT);
    context.globalAlpha = 0.8;
    context.fillStyle = this.colour.panel;
    for (const panel of this.panels) context.fillRect(x, panel.top + 1, this.width - RIGHT - x, panel.height - 1);
    context.globalAlpha = 1;
    for (const panel of this.panels) {
      if (panel.kind === "book" && panel.home) this.drawMap(context, panel, time, x);
      this.drawLegend(context, panel);
    }
    context.fillStyle = this.colour.accent;
    context.fillRect(x - 0.5, 0, 1.5, this.height - 16);
    if (!pointer) return;
    context.fillStyle = this.colour.soft;
    context.fillRect(pointer.x, 0, 1, this.height - 16);
    const panel = this.panelAt(pointer.y);
    if (panel && panel.kind === "book") context.fillRect(LEFT, pointer.y, this.width - LEFT - RIGHT, 1);
  }
}

// Round values that divide a range into about so many parts.
function ticks([low, high], parts) {
  const raw = (high - low) / Math.max(1, parts);
  const power = Math.pow(10, Math.floor(Math.log10(raw)));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= raw * 0.999);
  const found = [];
  for (let k = Math.ceil(low / step); k * step <= high + 1e-9 * step; k++) found.push(k * step);
  found.step = step;
  return found;
}

function short(value, marks) {
  return number(Math.abs(value) < marks.step / 1e6 ? 0 : value, decimalsOf(marks.step || 1));
}
