"""A fitted scenario as a file: its numbers, and above them how they were found, and how well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from squeezegym.data.fit import Fit
from squeezegym.data.moments import MOMENTS
from squeezegym.view.toml import to_toml


def fit_toml(fit: Fit) -> str:
    """Write the scenario with its intervals and goodness of fit as comments."""
    return (
        "\n".join(f"# {line}".rstrip() for line in _lines(fit))
        + "\n\n"
        + to_toml(fit.scenario.dump())
    )


def _lines(fit: Fit) -> Iterator[str]:
    yield f"Fitted by `squeezegym calibrate`; digest {fit.scenario.digest()}."
    yield ""
    yield "Moments: recorded, its 95 % interval (blocks of 20 s), simulated on other seeds."
    for moment in fit.moments:
        ends = f"{moment.interval.low:.4g} to {moment.interval.high:.4g}"
        verdict = "inside" if moment.inside else "OUTSIDE"
        yield f"  {moment.name}: {moment.recorded:.4g} ({ends}), {moment.simulated:.4g}, {verdict}"
    yield ""
    yield "Self-excitation of aggressor orders, by likelihood; the scenario takes at most 0.5:"
    for book, found in fit.hawkes.items():
        branching, decay = found.branching_interval, found.decay_interval
        yield (
            f"  {book}: branching {found.branching:.3g} ({branching.low:.3g} to"
            f" {branching.high:.3g}), decay {found.decay:.3g} per s ({decay.low:.3g} to"
            f" {decay.high:.3g}), residuals {found.distance:.3f} from exponential (chance:"
            f" {1.36 / found.orders**0.5:.3f})"
        )
    profile = fit.profile
    yield ""
    yield (
        f"Depth of the perp: {profile.within_10bps:.4g} base within 10 bp, exponent"
        f" {profile.exponent:.3g} ({profile.interval.low:.3g} to {profile.interval.high:.3g}), log"
        f" error {profile.error:.2g}"
    )
    yield ""
    yield "Moved by simulation, as a factor of what the recording alone gives:"
    for knob, factor in fit.knobs.items():
        yield f"  {knob}: {factor:.3g}"


def fit_markdown(data: Mapping[str, Any], command: str) -> str:
    """Write a fit as a page.

    Args:
        data: `Fit.to_dict`, or what was written of it.
        command: What made it.
    """
    inside = sum(moment["inside"] for moment in data["moments"])
    lines = [
        "# A scenario fitted to recorded minutes",
        "",
        f"Written by `{command}`: {inside} of {len(data['moments'])} moments are inside.",
        "Intervals are of blocks of 20 s of the recording; simulated moments are medians over",
        "seeds that were not used to fit.",
        "",
        "| moment | estimator | recorded | 95 % interval | simulated | verdict |",
        "|---|---|---|---|---|---|",
    ]
    for moment in data["moments"]:
        low, high = moment["interval"]
        cells = (
            moment["name"],
            MOMENTS[moment["name"]][0],
            f"{moment['recorded']:.4g}",
            f"{low:.4g} to {high:.4g}",
            f"{moment['simulated']:.4g}",
            "inside" if moment["inside"] else "outside",
        )
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        "Self-excitation of aggressor orders, by likelihood. Residuals of a process that fits are",
        "no farther from the exponential than the last column.",
        "",
        "| book | branching | decay, per s | gain per order | distance | of chance |",
        "|---|---|---|---|---|---|",
    ]
    for book, found in data["hawkes"].items():
        cells = (
            book,
            _with(found["branching"], found["branching_interval"]),
            _with(found["decay"], found["decay_interval"]),
            f"{found['gain']:.3g}",
            f"{found['distance']:.3f}",
            f"{1.36 / found['orders'] ** 0.5:.3f}",
        )
        lines.append("| " + " | ".join(cells) + " |")
    profile = data["profile"]
    lines += [
        "",
        f"Depth of the perp: {profile['within_10bps']:.4g} base within 10 bp, exponent"
        f" {_with(profile['exponent'], profile['interval'])} between 1 and 50 bp.",
        "",
        "| number | moved by a factor of |",
        "|---|---|",
        *(f"| {knob} | {factor:.3g} |" for knob, factor in data["knobs"].items()),
    ]
    return "\n".join(lines) + "\n"


def _with(estimate: float, interval: Sequence[float]) -> str:
    return f"{estimate:.3g} ({interval[0]:.3g} to {interval[1]:.3g})"
