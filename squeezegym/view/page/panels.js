"use strict";

const FORMATS = new Map();
const NO_ZERO = new Set(["order_price", "trigger"]);

// A number with separators and so many decimals; a missing one as a dash.
function number(value, decimals) {
  if (!Number.isFinite(value)) return "–";
  if (!FORMATS.has(decimals)) {
    const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
    FORMATS.set(decimals, new Intl.NumberFormat("en-US", digits));
  }
  return FORMATS.get(decimals).format(value);
}

// A value of a field; a price that is zero is no price.
function valueText(field, value, decimals) {
  return value === 0 && NO_ZERO.has(field) ? "none" : number(value, decimals);
}

function decimalsOf(step) {
  return Math.max(0, Math.min(8, Math.ceil(-Math.log10(step) - 1e-9)));
}

// What is drawn for a run, from top to bottom. A line is [field, label, colour, style].
function panelsOf(run) {
  const { about, data } = run;
  const price = decimalsOf(about.tick);
  const mid = decimalsOf(about.tick / 2);
  const base = decimalsOf(about.lot);
  const unit = about.symbol;
  const used = (name) => data[name].some((value) => value !== 0);
  const panels = [];
  if (about.perp) {
    panels.push({
      id: "perp", kind: "book", title: "Perp", weight: 3.1, grid: "perp_book", book: 0, unit: "quote",
      decimals: mid, home: about.venue === "perp", guarded: about.guarded === 0,
      lines: [["last_perp", "last", "last", "thin"], ["mark", "mark", "mark"], ["index", "index", "index", "dash"]],
      hover: [["perp", "mid"]],
    });
  }
  panels.push({
    id: "spot", kind: "book", title: "Spot", weight: about.perp ? 1.7 : 3.1, grid: "spot_book", book: 1,
    unit: "quote", decimals: mid, home: about.venue === "spot", guarded: about.guarded === 1,
    lines: [["last_spot", "last", "last", "thin"], ["index", "index", "index", "dash"]],
    hover: [["spot", "mid"]],
  });
  const forced = [];
  if (about.perp) {
    forced.push(["liquidated_shorts", "shorts bought back", "buy", "step"]);
    forced.push(["liquidated_longs", "longs sold", "sell", "step"]);
  }
  if (used("bought_in")) forced.push(["bought_in", "loans bought in", "agent-sell", "step"]);
  panels.push({ id: "forced", title: "Forced orders so far", weight: 1.05, unit: "base", decimals: base, zero: true, lines: forced });
  if (about.perp) {
    panels.push({
      id: "basis", title: "Basis and funding", weight: 0.95, unit: "bp", decimals: 2,
      lines: [["basis_bps", "basis", "bid"], ["premium_bps", "premium", "ask", "thin"], ["funding_bps", "funding rate", "agent", "step"]],
    });
    panels.push({
      id: "interest", title: "Open interest", weight: 0.85, unit: "base", decimals: base,
      lines: [["open_interest", "open interest", "bid"]],
      right: { unit: "quote", decimals: 2, lines: [["fund", "insurance fund", "ask", "dash"]] },
    });
  }
  if (used("short_interest")) {
    panels.push({ id: "lent", title: "Short interest", weight: 0.8, unit: "base", decimals: base, lines: [["short_interest", "coins lent", "bid"]] });
  }
  panels.push({
    id: "queue", title: "Matching engine and feed", weight: 0.75, unit: "ms", decimals: 2, zero: true,
    lines: [["queue_ms", "waiting time", "buy"], ["feed_ms", "feed age", "bid", "thin"]],
    right: { unit: "messages", decimals: 0, lines: [["waiting", "in line", "agent", "step"], ["refused", "refused so far", "agent-sell", "dash"]] },
  });
  if (used("measures")) {
    panels.push({ id: "protection", kind: "strip", title: "Protection", weight: 0.36 + 0.06 * usedMeasures(run).length, lines: [] });
  }
  if (about.agent) {
    panels.push({
      id: "position", title: "Agent", weight: 0.85, unit: "base", decimals: base, zero: true,
      lines: [["position", "position", "agent", "step"], ["order_base", "open order", "soft", "step"]],
      hover: [["order_price", "order price", price], ["trigger", "liquidated at", price]],
    });
    panels.push({
      id: "pnl", title: "Agent's PnL", weight: 0.75, unit: "% of capital", decimals: 3, zero: true,
      lines: [["pnl_percent", "PnL", "agent"]],
      hover: [["pnl", "PnL, quote", 2], ["equity", "equity, quote", 2]],
    });
  }
  panels.forEach((panel) => Object.assign(panel, { base, price, symbol: unit }));
  return panels;
}

// Measures of protection that were in force at some time: [name, bit].
function usedMeasures(run) {
  const ever = run.data.measures.reduce((bits, value) => bits | value, 0);
  return Object.entries(run.about.measures).filter(([, bit]) => bit & ever);
}

// Names of the measures of protection in force.
function measuresAt(run, i) {
  const bits = run.data.measures[i];
  return Object.entries(run.about.measures).filter(([, bit]) => bits & bit).map(([name]) => name);
}

// Every line of a panel with its number format: [field, label, decimals].
function valuesOf(panel) {
  const right = panel.right || { lines: [] };
  return [
    ...(panel.hover || []).map(([field, label, decimals]) => [field, label, decimals ?? panel.decimals]),
    ...panel.lines.map(([field, label]) => [field, label, panel.decimals]),
    ...right.lines.map(([field, label]) => [field, label, right.decimals]),
  ];
}

function unitOf(panel, field) {
  const right = panel.right && panel.right.lines.some(([name]) => name === field);
  const other = (panel.hover || []).some(([name]) => name === field);
  return other ? "" : `, ${right ? panel.right.unit : panel.unit}`;
}

// What the pointer shows: the panel's values at a time, and in a book what lies at the price.
function hoverText(run, panel, time, price, nearby) {
  const i = indexAt(run.data.time, time);
  const text = [`${number(run.data.time[i], 1)} s`];
  for (const [field, label, decimals] of valuesOf(panel)) {
    text.push(`${label} ${valueText(field, run.data[field][i], decimals)}`);
  }
  if (panel.kind === "strip") text.push(measuresAt(run, i).join(", ") || "nothing in force");
  if (panel.kind === "book") {
    const { about } = run;
    const column = indexAt(run.data.moment, time);
    const bin = Math.floor((price / about.tick - about.low) / about.width);
    const cell = (grid) =>
      bin >= 0 && bin < grid.bins ? grid.cells[column * grid.bins + bin] : 0;
    const book = cell(run.grids[panel.grid]);
    const ladder = cell(run.grids.ladder);
    const least = (about.low + bin * about.width) * about.tick;
    text.push(`at ${number(least, panel.price)} to ${number(least + (about.width - 1) * about.tick, panel.price)}:`);
    text.push(book ? `${book & 128 ? "asks" : "bids"} about ${number(lotsOf(book, about) * about.lot, panel.base)}` : "no orders");
    if (ladder) {
      const who = ladder & 128 ? "longs" : "shorts";
      text.push(`${who} liquidated here about ${number(lotsOf(ladder, about) * about.lot, panel.base)}`);
    }
    if (nearby !== null) text.push(tradeText(run, panel, nearby));
  }
  return text.join("\n");
}

function tradeText(run, panel, k) {
  const { data, about } = run;
  const side = data.trade_side[k] ? "sells" : "buys";
  const who = about.owners[data.trade_owner[k]];
  return `${number(data.trade_time[k], 3)} s: ${who} ${side} ${number(data.trade_base[k], panel.base)} at ${number(data.trade_price[k], panel.price + 2)}`;
}
