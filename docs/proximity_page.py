"""The text of the page on proximity, around what `make_proximity` measures."""

PAGE = """# How near is the liquidation point?

Written by `python docs/make_proximity.py DATA` at commit {commit} on {machine}, Python
{python}. DATA are recordings that are not part of the project; the page shows what
was derived from them.

`squeezegym proximity` answers from what a person has: positions, or metrics with the open
interest, or candles say where liquidations wait; a capture of the book, or flow and volatility,
what stands against them. What no file tells (who holds an open interest, at what entry, with how
much collateral, how fast the book refills) is drawn 64 times, and every number below is the
middle of the draws with 5 % and 95 % beside it. The reduced model is this project's own theory.

In short, from the test below. Squeezes: {up_verdict} Flushes: {down_verdict} What stands on a map
is of use beside the price; the chance is not a forecast.

- **index**: largest ratio, over a band of 1 % within 10 % of the price, of what is liquidated
  there to what rests there. Above 1 the band liquidates more than it can take.
- **barrier**: outside demand that sets the nearest cascade of at least 1 % off, in quote and in
  standard deviations of net flow over the time in which the book refills.
- **chance**: share of simulated paths that liquidations carry at least 1 % beyond the same path
  with nobody liquidated. Draws under which the last 24 hours would hardly have passed without a
  cascade weigh less.

What it does not know stands on every answer: {unknown}.

## Positions that are known

131 positions of 134 carry the liquidation price of their venue. From entry and leverage alone, by
the margin functions of the market:

{positions}

Isolated positions deviate where their holders have added or taken margin. Behind a cross position
stands an account that the file does not show; with the collateral that the stated price implies,
the integer trigger of the market is that price to within 2 parts in 100,000 (`tests/golden`).

## BTCUSDT, 13 and 14 January 2023

Hourly open interest, taker ratio and the price that they imply; each row is what was known at its
time. The depth is not recorded: 16 million on either side within 10 bp, as on 2024-08-08, within
a factor of 1.6. The open interest fell by a tenth within the hour before 00:55 on the 14th.

The chance up grows through the day before the squeeze. It stays high after it, when nothing
followed: the volatility that it is measured with then contains the squeeze.

![The map before the squeeze](images/proximity-2023-01-13.png)

![Through two days](images/proximity-2023-01.png)

{january}

## Two altcoins, November 2024

Only candles are known, so the open interest is a stand-in from volume and the size of the map a
guess. Dotted: squeezes (orange) and flushes (blue) by the rule below. The table has the chance at
the last moment before each, and the share of all moments of the month whose chance was lower.

![DOTUSDT](images/proximity-dotusdt.png)

![NEARUSDT](images/proximity-nearusdt.png)

| symbol | side | begins | chance in 24 h | rank in the month |
| --- | --- | --- | --- | --- |
{altcoins}

## Does it come before squeezes?

A squeeze begins at the end of an hour when, over the next 6 hours, price rises by at least 3 %
and by 4 standard deviations of 6 hours (of the 7 days before), on at least twice the usual
volume; where open interest or liquidations are known they must agree (`squeezegym.data.labels`).
A flush is the same down. Every {every} hours from March to September 2025, five coins at Binance;
the label is whether one begins within 24 hours. Only candles and funding are known here, so the
measure works with the stand-in for the open interest. Probabilities are predicted walk-forward
from a curve fitted on the past, purged of rows within 48 hours. AUC .5 is chance, and 1 a measure
that is always higher before a squeeze. The first column takes each measure as it stands, the second
the fitted curve over pairs of rows of one stretch of time: across stretches the rate of the past
alone would rank, and badly, since a busy stretch follows a quiet one. Intervals are a bootstrap
over weeks; skill is the share by which the Brier score is below that of the past rate.

### Squeezes ({squeezes} of {rows} rows)

{up}

{up_verdict} {up_level}

### Flushes ({flushes} of {rows} rows)

{down}

{down_verdict} {down_level}

![Predicted and observed](images/proximity-calibration.png)

Rows of one week share their squeezes, and so do coins: there are far fewer independent events
than rows, which the interval over weeks shows and the bars of the calibration do not.

## The reduced chain beside the full market

BTCUSDT, 2024-08-08 23:55: open interest from the metrics, both books from the capture. The full
market starts from the recorded books with 1,000 accounts that have the middle map's triggers
(`squeezegym.data.proximity_market`); the chain carries all draws.

{market}

Within an hour the chain gives {hour}, within a day {day}. Ten minutes of the full market are a
check that nothing is near, not a forecast: that market has no news, and its makers are the
scenario's.
"""
