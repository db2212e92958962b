"use strict";

const MAP = 104; // longest bar of the liquidation map

// What a book panel shows beside its lines: resting orders, trades, the agent, who is liquidated.
Object.assign(View.prototype, {
  // A book as an image: a column a moment, a row a price bin, the more lots the stronger.
  heat(grid) {
    const canvas = document.createElement("canvas");
    canvas.width = grid.columns;
    canvas.height = grid.bins;
    const image = new ImageData(grid.columns, grid.bins);
    const sides = [this.colour.bid, this.colour.ask].map(rgb);
    const strongest = grid.cells.reduce((most, cell) => Math.max(most, cell & 127), 1);
    const pixels = new Uint32Array(image.data.buffer);
    const palette = Uint32Array.from({ length: 256 }, (_, cell) => {
      const [red, green, blue] = sides[cell >> 7];
      const alpha = cell & 127 ? 18 + 200 * Math.pow((cell & 127) / strongest, 1.8) : 0;
      return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
    });
    for (let column = 0; column < grid.columns; column++) {
      for (let bin = 0; bin < grid.bins; bin++) {
        const row = grid.bins - 1 - bin;
        pixels[row * grid.columns + column] = palette[grid.cells[column * grid.bins + bin]];
      }
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
    return canvas;
  },

  drawBook(context, panel) {
    const { about, data } = this.run;
    const image = this.images[panel.grid];
    const step = data.moment.length > 1 ? data.moment[1] - data.moment[0] : this.run.end || 1;
    const low = about.low * about.tick;
    const high = low + image.height * about.width * about.tick;
    const top = this.y(panel, high);
    const left = this.x(data.moment[0]);
    const right = this.x(data.moment[0] + step * image.width);
    context.imageSmoothingEnabled = false;
    context.drawImage(image, left, top, right - left, this.y(panel, low) - top);
    for (const name of panel.guarded ? ["lower", "upper"] : []) {
      this.drawLines(context, panel, [[name, name, "band-2", "gaps"]], panel.range);
    }
    this.drawTrades(context, panel);
    if (about.agent && panel.home) this.drawAgent(context, panel);
  },

  drawTrades(context, panel) {
    const { data, about } = this.run;
    const engine = about.owners.indexOf("liquidation engine");
    const large = about.large;
    for (const forced of [false, true]) {
      for (let k = 0; k < data.trade_time.length; k++) {
        const time = data.trade_time[k];
        const isForced = data.trade_owner[k] === engine;
        if (data.trade_book[k] !== panel.book || isForced !== forced) continue;
        if (time < this.from || time > this.to || !data.trade_price[k]) continue;
        const radius = Math.min(6, (forced ? 1.4 : 0.6) + 2.6 * Math.sqrt(data.trade_base[k] / large));
        context.fillStyle = this.colour[data.trade_side[k] ? "sell" : "buy"];
        context.globalAlpha = forced ? 0.95 : 0.4;
        context.beginPath();
        context.arc(this.x(time), this.y(panel, data.trade_price[k]), radius, 0, 7);
        context.fill();
        if (!forced) continue;
        context.strokeStyle = this.colour.ink;
        context.lineWidth = 0.7;
        context.stroke();
      }
    }
    context.globalAlpha = 1;
  },

  // The agent's resting orders as dashes at their price, its fills as triangles.
  drawAgent(context, panel) {
    const { data } = this.run;
    const price = data[panel.book ? "last_spot" : "last_perp"];
    for (let i = 1; i < data.time.length; i++) {
      const x = this.x(data.time[i]);
      if (x < LEFT || x > this.width - RIGHT) continue;
      if (data.order_price[i]) {
        context.fillStyle = this.colour[data.order_base[i] > 0 ? "agent" : "agent-sell"];
        const start = this.x(data.time[i - 1]);
        context.fillRect(start, this.y(panel, data.order_price[i]) - 1, Math.max(1, x - start), 2);
      }
      if (data.fills[i]) {
        const up = data.fills[i] > 0 ? 1 : -1;
        const y = this.y(panel, price[i]) + up * 5;
        context.fillStyle = this.colour[up > 0 ? "agent" : "agent-sell"];
        context.strokeStyle = this.colour.page;
        context.beginPath();
        context.moveTo(x, y);
        context.lineTo(x - 5, y + up * 9);
        context.lineTo(x + 5, y + up * 9);
        context.closePath();
        context.fill();
        context.stroke();
      }
    }
  },

  // The liquidation map: at each price, what is bought or sold by force when the mark gets there.
  drawMap(context, panel, time, x) {
    const { about, data, grids } = this.run;
    const { cells, bins } = grids.ladder;
    const start = indexAt(data.moment, time) * bins;
    const height = Math.max(1, (about.width * about.tick * panel.height) / (panel.range[1] - panel.range[0]));
    if (!this.largest) this.largest = cells.reduce((most, cell) => Math.max(most, lotsOf(cell, about)), 1);
    context.globalAlpha = 0.85;
    for (let bin = 0; bin < bins; bin++) {
      const cell = cells[start + bin];
      if (!cell) continue;
      const y = this.y(panel, (about.low + (bin + 1) * about.width) * about.tick);
      if (y < panel.top || y + height > panel.top + panel.height) continue;
      context.fillStyle = this.colour[cell & 128 ? "sell" : "buy"];
      context.fillRect(x + 1, y, Math.max(1.5, MAP * Math.sqrt(lotsOf(cell, about) / this.largest)), Math.max(1, height - 0.4));
    }
    context.globalAlpha = 1;
  },

  // The trade nearest to a point of a book panel, or null.
  tradeNear(panel, point) {
    const { data } = this.run;
    let best = null;
    let nearest = 64;
    const step = this.timeAt(point.x + 8) - this.timeAt(point.x);
    const time = this.timeAt(point.x);
    for (let k = indexAt(data.trade_time, time - step); k < data.trade_time.length && data.trade_time[k] <= time + step; k++) {
      if (data.trade_book[k] !== panel.book || !data.trade_price[k]) continue;
      const dx = this.x(data.trade_time[k]) - point.x;
      const dy = this.y(panel, data.trade_price[k]) - point.y;
      if (dx * dx + dy * dy < nearest) [best, nearest] = [k, dx * dx + dy * dy];
    }
    return best;
  },
});

function rgb(colour) {
  return [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
}
