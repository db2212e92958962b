"""The report of an evaluation: one HTML page that needs nothing else."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import polars as pl

from agents.estimates import profile
from agents.paths import PARTS
from agents.scores import REGIMES

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: .5rem 0 2rem; font-variant-numeric: tabular-nums }
td, th { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #ddd; font-size: 13px }
td:first-child, th:first-child { text-align: left }
svg { max-width: 100%; height: auto }
"""
_COLUMNS = (
    "policy",
    "IQM",
    "mean",
    "Sharpe",
    "drawdown",
    "liquidated",
    "mean |position|",
    "turnover",
    "does nothing",
)


def page(title: str, facts: Mapping[str, str], scores: dict[str, Any], table: pl.DataFrame) -> str:
    """Return the page.

    Args:
        title: Of the page.
        facts: What was played, where and with what, told above the tables.
        scores: As `agents.scores.score` returns.
        table: The episodes.
    """
    policies = scores["policies"]
    present = [r for r in ("all", *REGIMES) if any(r in groups for groups in policies.values())]
    parts = [
        f"<h1>{escape(title)}</h1>",
        _table(("", ""), facts.items()),
        "<p>PnL in basis points of capital after all costs, with 95 % stratified bootstrap "
        "intervals over episodes. Sharpe is mean over standard deviation of episodes.</p>",
    ]
    if scores["idle"]:
        parts.append(f"<p><b>Does nothing:</b> {escape(', '.join(scores['idle']))}.</p>")
    parts.append(_svg(_bars(policies, present)))
    for regime in present:
        rows = [_row(name, groups[regime]) for name, groups in policies.items() if regime in groups]
        parts += [f"<h2>{escape(regime)}</h2>", _table(_COLUMNS, rows)]
        if any("flipped" in groups.get(regime, {}) for groups in policies.values()):
            parts += ["<h3>Flips</h3>", _table(*_flips(policies, regime))]
        parts += ["<h3>Where the PnL comes from</h3>", _table(*_costs(policies, regime))]
    parts += ["<h2>Probability of improvement</h2>", _table(*_improvement(scores["improvement"]))]
    parts += ["<h2>Performance profiles</h2>", _svg(_profiles(table))]
    body = "\n".join(parts)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style>\n{body}\n</html>\n"
    )


def interval(found: Mapping[str, float] | None, scale: float = 1.0, form: str = "+.1f") -> str:
    """Return an estimate and its interval as text."""
    if found is None:
        return "none"
    value, low, high = (format(found[key] * scale, form) for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def earned(name: str, scores: Mapping[str, Any]) -> list[str]:
    """Cells of what a policy earned and risked, in the order in which every table begins."""
    sharpe = scores["sharpe"]
    return [
        name,
        interval(scores["iqm"]),
        interval(scores["mean"]),
        "none" if sharpe is None else f"{sharpe:+.2f}",
        f"{scores['drawdown']:.0f}",
        f"{scores['liquidated']:.1%}",
    ]


def _row(name: str, scores: Mapping[str, Any]) -> list[str]:
    return [
        *earned(name, scores),
        f"{scores['position']:.2f}",
        f"{scores['turnover']:.1f}",
        f"{scores['inactive']:.0%}",
    ]


def _flips(policies: Mapping[str, Any], regime: str) -> tuple[Sequence[str], list[list[str]]]:
    head = ("policy", "flipped %", "latency s", "captured %", "exit after top s", "short of top bp")
    rows = []
    for name, groups in policies.items():
        told = groups.get(regime, {})
        if "flipped" not in told:
            continue
        captured = told.get("capture")
        rows.append(
            [
                name,
                interval(told["flipped"], 100, ".0f"),
                quartiles(told["latency_s"]),
                interval(captured, 100, ".0f"),
                quartiles(told["exit_after_top_s"]),
                quartiles(told["exit_short_of_top_bps"]),
            ]
        )
    return head, rows


def quartiles(values: Sequence[float] | None) -> str:
    """Return median and interquartile range as text."""
    if values is None:
        return "none"
    low, middle, high = values
    return f"{middle:.1f} ({low:.1f} to {high:.1f})"


def _costs(policies: Mapping[str, Any], regime: str) -> tuple[Sequence[str], list[list[str]]]:
    rows = [
        [name, *(f"{groups[regime]['parts'][part]:+.1f}" for part in PARTS)]
        for name, groups in policies.items()
        if regime in groups
    ]
    return ("policy", *PARTS), rows


def _improvement(found: Mapping[str, Any]) -> tuple[Sequence[str], list[list[str]]]:
    names = list(found)
    rows = [
        [
            name,
            *("" if other == name else interval(found[name][other], 1, ".2f") for other in names),
        ]
        for name in names
    ]
    return ("earns more than", *names), rows


def _table(head: Sequence[str], rows: Any) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(str(c))}</{tag}>" for c in cells) + "</tr>"

    return f"<table>{line(head, 'th')}{''.join(line(row, 'td') for row in rows)}</table>"


def _svg(figure: Any) -> str:
    """Return a figure as SVG to stand inside a page."""
    text = io.StringIO()
    with plt.rc_context({"svg.hashsalt": "squeezegym"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    plt.close(figure)
    return text.getvalue()[text.getvalue().index("<svg") :]


def _bars(policies: Mapping[str, Any], regimes: Sequence[str]) -> Any:
    """Draw the interquartile means of all policies, one panel a regime."""
    names = list(policies)
    figure, panels = plt.subplots(
        1,
        len(regimes),
        figsize=(3 * len(regimes) + 2, 0.35 * len(names) + 1.2),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for panel, regime in zip(panels[0], regimes, strict=True):
        for place, name in enumerate(names):
            if regime in policies[name]:
                found = policies[name][regime]["iqm"]
                panel.plot([found["low"], found["high"]], [place, place], color="#0072B2", lw=2)
                panel.plot(found["value"], place, "o", color="#0072B2", ms=5)
        panel.axvline(0, color="#222222", lw=0.6)
        panel.set_title(regime, fontsize=10)
        panel.set_xlabel("IQM, bp of capital", fontsize=9)
    panels[0][0].set_yticks(range(len(names)), names, fontsize=9)
    panels[0][0].invert_yaxis()
    return figure


def _profiles(table: pl.DataFrame) -> Any:
    """Draw the share of episodes above each PnL, one line a policy."""
    figure, panel = plt.subplots(figsize=(9, 4.5), layout="constrained")
    pnl = table["pnl_percent"].to_numpy() * 100
    low, high = (float(end) for end in np.quantile(pnl, [0.005, 0.995]))
    levels = np.linspace(low, high, 120)
    for name in table["policy"].unique(maintain_order=True):
        rows = table.filter(pl.col("policy") == name)
        parts = rows.partition_by("env_id", "regime")
        share = profile([part["pnl_percent"].to_numpy() * 100 for part in parts], levels)
        (line,) = panel.plot(levels, share[:, 0], lw=1.4, label=name)
        panel.fill_between(levels, share[:, 1], share[:, 2], color=line.get_color(), alpha=0.12)
    panel.set_xlabel("PnL, bp of capital")
    panel.set_ylabel("share of episodes above")
    panel.legend(fontsize=8, frameon=False)
    return figure
