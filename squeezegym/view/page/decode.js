"use strict";

// The runs, as squeezegym/view/replay.py packs them: length of the header, header, arrays.
async function decodeRuns(text) {
  const deflated = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([deflated]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const length = new DataView(bytes.buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const body = bytes.subarray(4 + length);
  return header.runs.map((run) => decodeRun(run, body));
}

function decodeRun(run, body) {
  const data = {};
  const grids = {};
  for (const [name, kind, n, scale, offset] of run.arrays) {
    if (kind === "i") data[name] = decodeSeries(body, offset, n, scale);
    else grids[name] = decodeGrid(body.slice(offset, offset + n), scale);
  }
  derive(data, run.about);
  return { about: run.about, events: run.events, data, grids, end: data.time[data.time.length - 1] };
}

// Four byte planes of differences, to numbers. A scale below one divides, which is exact to print.
function decodeSeries(body, offset, n, scale) {
  const values = new Float64Array(n);
  const inverse = scale < 1 ? Math.round(1 / scale) : 0;
  const exact = inverse && Math.abs(inverse * scale - 1) < 1e-9;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const at = offset + i;
    sum += body[at] | (body[at + n] << 8) | (body[at + 2 * n] << 16) | (body[at + 3 * n] << 24);
    values[i] = exact ? sum / inverse : sum * scale;
  }
  return values;
}

// A grid of bytes, one column a moment, stored as differences along time.
function decodeGrid(cells, columns) {
  const bins = cells.length / columns;
  for (let i = bins; i < cells.length; i++) cells[i] = cells[i] + cells[i - bins];
  return { cells, columns, bins };
}

// Series that follow from the stored ones.
function derive(data, about) {
  const map = (f) => Float64Array.from(data.time, (_, i) => f(i));
  data.basis_bps = map((i) => (about.perp ? 1e4 * (data.perp[i] / data.spot[i] - 1) : 0));
  data.premium_bps = map((i) => 1e4 * data.premium[i]);
  data.funding_bps = map((i) => 1e4 * data.funding_rate[i]);
  data.queue_ms = map((i) => 1e3 * data.queue_s[i]);
  data.feed_ms = map((i) => 1e3 * data.feed_age_s[i]);
  data.pnl = map((i) => data.equity[i] - data.equity[0]);
  data.pnl_percent = map((i) => (100 * data.pnl[i]) / about.capital);
  data.fills = map((i) => (i ? data.bought[i] - data.bought[i - 1] - data.sold[i] + data.sold[i - 1] : 0));
}

// Index of the last entry at or before a time; 0 before the first.
function indexAt(times, time) {
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (times[middle] <= time + 1e-9) low = middle;
    else high = middle - 1;
  }
  return low;
}

// Lots of a shade in one cell: shades are steps of a fixed ratio, plus 128 for the second side.
function lotsOf(cell, about) {
  const shade = cell & 127;
  return shade ? Math.pow(about.shade, shade - 1) : 0;
}
