import json
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest

from agents.measures import Episode
from agents.report import page
from agents.scores import ORACLE, frame, quiet_seeds, score

ENV_ID = "squeezegym/ShortSqueeze-v0"


def episodes(policy, pnl, *, leg=0.0, idle=False, false_flip=False):
    """Four squeezes and four episodes of nothing."""
    return [
        Episode(
            policy,
            seed,
            pnl[seed],
            liquidated=False,
            ignited=seed < 4,
            mean_abs_position=0.5,
            steps=10,
            regime="squeeze" if seed < 4 else "nothing",
            inactive=idle,
            flipped=leg != 0 and seed < 4,
            latency_s=1.5 if leg and seed < 4 else np.nan,
            exit_after_top_s=2.0 if leg and seed < 4 else np.nan,
            exit_short_of_top_bps=3.0 if leg and seed < 4 else np.nan,
            leg_percent=leg if seed < 4 else 0.0,
            false_flip=false_flip and seed >= 4,
            fees=-0.25,
        )
        for seed in range(8)
    ]


@pytest.fixture
def table():
    good = [4.0, 5, 6, 9, 0, 0, 0, 0]
    played = [
        *episodes("<b>good</b>", good, leg=3.0, false_flip=True),
        *episodes("flat", [0.0] * 8, idle=True),
        *episodes(ORACLE, [6.0] * 4 + [0.0] * 4, leg=6.0),
    ]
    return frame(played, ENV_ID)


def test_scores_by_regime(table):
    told = score(table)
    good = told["policies"]["<b>good</b>"]
    assert list(good) == ["all", "squeeze", "nothing"]
    assert good["squeeze"]["iqm"]["value"] == 550  # bp of capital
    assert good["squeeze"]["mean"]["value"] == 600
    assert good["squeeze"]["flipped"]["value"] == 1
    assert good["squeeze"]["latency_s"] == [1.5, 1.5, 1.5]
    assert good["squeeze"]["parts"]["fees"] == -25
    assert "flipped" not in good["nothing"]
    assert good["nothing"]["false_flips"]["value"] == 1
    assert good["nothing"]["sharpe"] is None
    assert told["policies"]["flat"]["squeeze"]["latency_s"] is None
    assert told["policies"]["flat"]["nothing"]["false_flips"]["value"] == 0
    json.dumps(told, allow_nan=False)


def test_captured_is_what_the_leg_earned_over_that_of_the_oracle(table):
    told = score(table)["policies"]
    assert told["<b>good</b>"]["squeeze"]["capture"]["value"] == 0.5
    assert told[ORACLE]["all"]["capture"]["value"] == 1
    without = score(table.filter(pl.col("policy") != ORACLE))["policies"]
    assert "capture" not in without["flat"]["squeeze"]


def test_improvement_and_idleness(table):
    told = score(table)
    assert told["improvement"]["<b>good</b>"]["flat"]["value"] == 0.75
    assert told["improvement"]["flat"]["<b>good</b>"]["value"] == 0.25
    assert told["idle"] == ["flat"]


def test_trainings_of_one_policy_are_strata_and_every_pair_is_compared(table):
    again = table.filter(pl.col("policy") == "flat").with_columns(
        run=pl.lit(1), pnl_percent=pl.lit(5.0)
    )
    told = score(pl.concat([table, again]))
    assert told["policies"]["flat"]["all"]["episodes"] == 16
    # A run that earns 0 in every episode and one that earns 5, against 4, 5, 6, 9 and four 0.
    assert told["improvement"]["flat"]["<b>good</b>"]["value"] == (0 + 4 / 2 + 1 + 1 / 2 + 4) / 16
    found = told["policies"]["flat"]["all"]["mean"]
    assert found["low"] == found["value"] == found["high"] == 250


def test_the_order_of_the_rows_does_not_matter(table):
    shuffled = table.sample(fraction=1.0, shuffle=True, seed=3)
    assert score(shuffled)["improvement"]["flat"] == score(table)["improvement"]["flat"]


def test_the_page_stands_alone_and_escapes_names(table):
    text = page("A <page>", {"seeds": "0:8"}, score(table), table)
    assert "<b>good</b>" not in text and "&lt;b&gt;good&lt;/b&gt;" in text
    assert "src=" not in text and 'href="http' not in text and "<script" not in text
    assert text.count("<svg") == 2
    assert "Does nothing:" in text
    for part in text.split("<svg")[1:]:
        ElementTree.fromstring("<svg" + part[: part.index("</svg>") + 6])


def left_alone(ignited, forced):
    """Episodes of the market left alone, and of a policy that flips in every one."""
    rows = {"env_id": ENV_ID, "seed": range(len(ignited)), "ignited": ignited}
    alone = pl.DataFrame({"policy": "flat", **rows, "forced_base": forced})
    return pl.concat([alone, alone.with_columns(policy=pl.lit("mine"), ignited=pl.lit(False))])


def test_quiet_seeds_are_those_on_which_a_market_left_alone_has_no_squeeze():
    # Two squeezes, a cascade that noise began after a near-miss, and two quiet ones.
    table = left_alone([True, True, False, False, False], [800.0, 1000.0, 450.0, 449.0, 0.0])
    assert quiet_seeds(table)["seed"].to_list() == [3, 4]
    assert len(quiet_seeds(table.filter(pl.col("policy") == "mine"))) == 0
    none = left_alone([False, False], [10.0, 0.0])  # no squeeze: nothing to measure a cascade by
    assert quiet_seeds(none)["seed"].to_list() == [0, 1]


def test_matched_false_flips_need_a_market_left_alone(table):
    good = score(table)["policies"]["<b>good</b>"]
    assert good["all"]["matched_false_flips"]["value"] == 1
    assert "matched_false_flips" not in good["squeeze"]
    without = score(table.filter(pl.col("policy") != "flat"))["policies"]["<b>good</b>"]
    assert "matched_false_flips" not in without["all"]
    assert without["all"]["false_flips"]["value"] == 1
