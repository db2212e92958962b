"""The results page, from what the stages of a reproduction have left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agents.claims import claims
from agents.events import draw
from agents.plan import LABELS, MAIN, Plan, run_folder
from agents.report import earned, interval, quartiles
from agents.runfolder import read_json
from agents.scores import ALONE, ORACLE, REGIMES
from agents.worlds import MIRRORED
from squeezegym.files import write_whole

_SMOKE = (
    "**A smoke run of every stage: the trainings are too short to learn anything and the numbers "
    "mean nothing.**"
)


def write(out: Path, folder: Path, plan: Plan, told: Mapping[str, Any]) -> None:
    """Write ``results.md`` and its pictures.

    Args:
        out: Folder of the stages' results.
        folder: Where the page goes; pictures go to ``images`` in it.
        plan: What was run.
        told: Manifest of the run: command, commit, machine, versions.
    """
    images = folder / "images"
    images.mkdir(exist_ok=True)
    stages = {
        name: read_json(out / f"{name}.json")
        for name in ("train", "evaluate", "events", "ablations", "unseen", "limits", "audit")
    }
    draw_curves(out, plan, images / "learning_curves.png")
    draw(stages["events"], images / "event_study.png")
    text = "\n".join(
        [
            *_head(plan, told, stages["train"]),
            *_claims(stages["evaluate"]),
            *_main(stages["evaluate"]),
            *_events(stages["events"]),
            *_ablations(stages["ablations"]),
            *_unseen(stages["unseen"]),
            *_limits(stages["limits"]),
            *_audit(stages["audit"]),
        ]
    )
    write_whole(folder / "results.md", lambda path: path.write_text(text + "\n", encoding="utf-8"))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table, and an empty one."""
    lines = [head, ["---"] * len(head), *rows]
    return [*(f"| {' | '.join(line)} |" for line in lines), ""]


def _head(plan: Plan, told: Mapping[str, Any], policies: Mapping[str, str]) -> list[str]:
    machine, git = told["platform"], told["git"] or {"commit": "unknown", "clean": False}
    command = "python -m agents.reproduce"
    if plan.short:
        command += " --short"
    else:
        command += f" --effort {plan.effort:g} --episodes {plan.episodes} --fewer {plan.fewer}"
    runs = ", ".join(f"{LABELS[name]} {count}" for name, count in plan.runs.items())
    steps = ", ".join(
        f"{LABELS[name]} {plan.settings(name, 0).steps / 1e6:g} M" for name in plan.runs
    )
    clean = "" if git["clean"] else " with changes"
    return [
        "# Results",
        "",
        *([_SMOKE, ""] if plan.short else []),
        f"`{command}`, commit {git['commit'][:7]}{clean}, {machine['cores']} cores "
        f"({machine['system']}). Training seeds: {runs}; environment steps a seed: {steps}. "
        f"Held-out seeds {plan.seeds().start} to {plan.seeds().stop - 1} in the first tables, "
        f"the first {plan.fewer} of them elsewhere; none was trained on. The oracle of flips plays "
        f"the first {len(plan.seeds(policy=ORACLE))}. [Agents](agents.md) "
        "says what is measured and how; PnL is in basis points of capital after all costs, "
        "intervals are 95 %.",
        "",
        "![Learning curves](images/learning_curves.png)",
        "",
        "<details><summary>SHA-256 of the policies</summary>",
        "",
        *table(("training", "SHA-256"), [[k, f"`{v}`"] for k, v in policies.items()]),
        "</details>",
        "",
    ]


def _claims(scores: Mapping[str, Any]) -> list[str]:
    """Return what is asked, and what of it is reached."""
    ours = [LABELS[name] for name in MAIN if LABELS[name] in scores["policies"]]
    rows = []
    for claim in claims(scores, ours):
        form = "+.0f" if claim.unit else ".3f"
        rows.append(
            [
                claim.policy,
                claim.asked,
                claim.against,
                interval(claim.found, 1, form),
                "yes" if claim.reached else "**no**",
            ]
        )
    head = ("policy", "asked", "nearest", "found", "reached")
    return ["## What is claimed", "", *table(head, rows)]


def _main(scores: Mapping[str, Any]) -> list[str]:
    policies = scores["policies"]
    lines = ["## Against scripted policies and oracles", ""]
    if scores["idle"]:
        lines += [f"Does nothing: {', '.join(scores['idle'])}.", ""]
    for regime in ("all", *REGIMES):
        rows = [
            earned(name, groups[regime]) for name, groups in policies.items() if regime in groups
        ]
        if rows:
            count = max(g[regime]["episodes"] for g in policies.values() if regime in g)
            lines += [f"### {regime} ({count} episodes at most)", ""]
            lines += table(("policy", "IQM", "mean", "Sharpe", "drawdown", "liquidated"), rows)
    lines += ["### Flips", "", *_flip_table(policies)]
    ours = [LABELS[name] for name in MAIN if LABELS[name] in policies]
    rows = [
        [other, *(interval(scores["improvement"][name].get(other), 1, ".2f") for name in ours)]
        for other in policies
        if other not in ours
    ]
    head = ("policy", *(f"{name} earns more than it" for name in ours))
    return [*lines, "### Probability of improvement", "", *table(head, rows)]


def _flip_table(policies: Mapping[str, Any]) -> list[str]:
    head = (
        "policy",
        "flips in squeezes %",
        "latency s (quartiles)",
        f"of {ORACLE} %",
        "false flips %, near-miss",
        "false flips %, nothing",
        "false flips %, matched",
        "exit after top s (quartiles)",
    )
    rows = []
    for name, groups in policies.items():
        told = next((groups[r] for r in ("squeeze", "long flush") if r in groups), None)
        false = [groups.get(regime, {}).get("false_flips") for regime in ("near-miss", "nothing")]
        if told is not None:
            rows.append(
                [
                    name,
                    interval(told["flipped"], 100, ".0f"),
                    quartiles(told["latency_s"]),
                    interval(told.get("capture"), 100, ".0f"),
                    *(interval(share, 100, ".1f") for share in false),
                    interval(groups["all"].get("matched_false_flips"), 100, ".1f"),
                    quartiles(told["exit_after_top_s"]),
                ]
            )
    return table(head, rows)


def _events(studies: Mapping[str, Any]) -> list[str]:
    rows = [
        (
            name,
            str(found["episodes"]),
            str(found["cut_off"]),
            interval(found.get("after_less_before"), 1, "+.3f"),
        )
        for name, found in studies.items()
    ]
    head = ("policy", "episodes", "cut off by their ends", "after less before, limits")
    return [
        "## Around ignition",
        "",
        "Mean position from a minute before ignition to a minute after, against the same seeds "
        "with liquidations absorbed off-book. The last column: how much more it holds than there, "
        "half a minute to a minute after ignition, less the same in the minute before.",
        "",
        "![Event study](images/event_study.png)",
        "",
        *table(head, rows),
    ]


def _ablations(found: Mapping[str, Any]) -> list[str]:
    return [
        "## What they use",
        "",
        "Taken away at evaluation, from policies that were trained with it:",
        "",
        *_worlds(found["evaluation"], hidden=ALONE),
        "Taken away from training on:",
        "",
        *_worlds({"": found["retrained"]}, hidden=ALONE),
    ]


def _unseen(found: Mapping[str, Any]) -> list[str]:
    return [
        "## What carries over",
        "",
        *_worlds(found),
        "The mirrored market, where longs are flushed, regime by regime. It is played on twice as "
        "many seeds; episodes are those of all trainings of a policy.",
        "",
        *_mirrored(found[MIRRORED]),
    ]


def _mirrored(policies: Mapping[str, Any]) -> list[str]:
    """Return one row a regime and policy, with the number of episodes."""
    rows = [
        [
            regime,
            name,
            str(groups[regime]["episodes"]),
            interval(groups[regime]["iqm"]),
            interval(groups[regime]["mean"]),
            interval(groups[regime].get("flipped"), 100, ".0f"),
        ]
        for regime in REGIMES
        for name, groups in policies.items()
        if regime in groups
    ]
    return table(("regime", "policy", "episodes", "IQM", "mean", "flips %"), rows)


def _worlds(worlds: Mapping[str, Any], hidden: str = "") -> list[str]:
    """Return one row a world and policy, but for the one that is hidden."""
    rows = []
    for world, policies in worlds.items():
        for name, groups in policies.items():
            if name == hidden:
                continue
            everything = groups["all"]
            rows.append(
                [
                    *([world] if world else []),
                    name,
                    interval(everything["iqm"]),
                    interval(everything["mean"]),
                    interval(everything.get("flipped"), 100, ".0f"),
                    interval(everything.get("matched_false_flips"), 100, ".1f"),
                ]
            )
    named = [] if "" in worlds else ["world"]
    return table((*named, "policy", "IQM", "mean", "flips %", "false flips %"), rows)


def _limits(found: Mapping[str, Any]) -> list[str]:
    """Return what keeps policies from the rest of the claims."""
    against = [
        [
            name,
            told["rival"],
            regime,
            str(told[regime]["episodes"]),
            interval(told[regime]["better"], 1, ".2f"),
            f"{told[regime]['more']:+.0f}",
        ]
        for name, told in found["hardest"].items()
        for regime in REGIMES
        if regime in told
    ]
    false = [
        [
            name,
            regime,
            str(told["episodes"]),
            interval(told["with"], 1, "+.0f"),
            interval(told["without"], 1, "+.0f"),
        ]
        for name, regimes in found["false_flips"].items()
        for regime, told in regimes.items()
    ]
    return [
        "## What limits it",
        "",
        "The scripted policy that is hardest to beat, regime by regime: chance of earning more in "
        "an episode, and the median of what is earned more. The oracle knows the path.",
        "",
        *table(
            ("policy", "against", "regime", "episodes", "earns more", "median more, bp"), against
        ),
        "What false flips earn: mean PnL of the episodes with one and without, bp.",
        "",
        *table(("policy", "regime", "episodes", "with one", "without"), false),
    ]


def _audit(found: Mapping[str, Any]) -> list[str]:
    keys = ("added_in_squeezes", "added_elsewhere")
    indices = ("index_alone", "index", "index_added")
    rows = [
        [
            name,
            *(interval(told.get(key)) for key in keys),
            *(interval(told.get(key), 1, ".3f") for key in indices),
            interval(told.get("cascades_alone"), 100, ".1f"),
            interval(told.get("cascades"), 100, ".1f"),
        ]
        for name, told in found.items()
    ]
    head = (
        "policy",
        "forced volume added in squeezes, base",
        "elsewhere, base",
        "R alone",
        "R with it",
        "added",
        "cascades elsewhere alone %",
        "with it %",
    )
    return [
        "## Do they ignite squeezes themselves?",
        "",
        "The same seeds with the policy and with one that stays out. `R = 1 - Q0 / V` with the "
        "catalyst Q0 and all volume V, the catalyst's and the forced one; elsewhere: episodes that "
        "do not ignite.",
        "",
        *table(head, rows),
    ]


def draw_curves(out: Path, plan: Plan, path: Path) -> None:
    """Draw PnL over training steps, one line a training seed."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, panel = plt.subplots(figsize=(8, 4), layout="constrained")
    colors = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9")
    for color, (name, runs) in zip(colors, plan.runs.items(), strict=True):
        per_decision = plan.settings(name, 0).learner.decision_steps
        for seed in range(runs):
            curve = read_json(run_folder(out, name, seed) / "curve.json")
            steps = [row["decisions"] * per_decision / 1e6 for row in curve]
            label = LABELS[name] if seed == 0 else None
            panel.plot(steps, [row["pnl"] for row in curve], color=color, lw=1, label=label)
    panel.axhline(0, color="#222222", lw=0.5)
    panel.set_xlabel("environment steps, millions")
    panel.set_ylabel("PnL of a training episode, % of capital")
    panel.legend(frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)
