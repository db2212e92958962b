import json
import math
import tomllib

import pytest
from pydantic import ValidationError

from squeezegym import Market
from squeezegym.codes import Liquidation, Side
from squeezegym.errors import ConfigError, EngineError
from squeezegym.measures import Rule
from squeezegym.packing import power_law_profile
from squeezegym.params import params_dtype
from squeezegym.resources import resources
from squeezegym.scenario import Scenario
from tests.conftest import ROOT
from tests.kernels import SMALL, small_market
from tests.oracle.book_checks import assert_sound

SHIPPED = [name for name in Scenario.names() if name != "from_data"]  # which needs a capture


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_scenarios_load_and_pack(name):
    scenario = Scenario.load(name)
    assert scenario.name == name
    params = scenario.pack()
    assert params.shape == (1,)
    assert params.dtype == params_dtype(scenario.size_class)
    assert json.loads(json.dumps(scenario.dump())) == scenario.dump()


def test_the_shipped_names_are_sorted_and_found_from_the_checkout():
    assert Scenario.names() == sorted(Scenario.names())
    assert {"calm", "short_squeeze"} <= set(Scenario.names())
    assert (resources() / "scenarios" / "calm.toml").is_file()
    assert str(resources()) == str(ROOT / "configs")


def test_units_are_lowered_exactly():
    params = Scenario.load("calm").pack()[0]
    assert int(params["scale"]["price"]) == 618_376
    # 61,837.6 (1 - 3.64 bp) = 61,815.091...: half ticks 1,236,302.
    assert int(params["scale"]["basis"]) == 618_151 - 618_376
    assert params["scale"]["half_tick"].tolist() == [0, 0]
    assert int(params["liquidation"]["fund"]) == 5_000_000 * 10_000
    assert params["fees"]["maker"].tolist() == [20_000, 20_000]
    assert params["fees"]["taker"].tolist() == [50_000, 50_000]
    assert int(params["learners"][0]["limit"]) == 26_000
    assert int(params["catalyst"]["side"]) == Side.BUY
    assert float(params["population"]["weight"][7]) == pytest.approx(1.0)


def test_power_law_profile_carries_the_depth_it_states():
    depth = Scenario.load("calm").depth.perp
    distance, lots = power_law_profile(depth, 618_376.0, 0.001)
    within = distance <= 618_376 * 10e-4
    assert lots[within].sum() == pytest.approx(130_000, rel=0.1)
    assert lots[0] >= 3_600 and (distance >= 0.5).all()


@pytest.mark.parametrize(
    "overrides",
    [
        {"liquidation": {"destination": "off", "fund_quote": 7.0}},
        {"liquidation.destination": "off", "liquidation.fund_quote": 7.0},
        {"liquidation": {"destination": "off"}, "liquidation.fund_quote": 7.0},
    ],
    ids=["nested", "dotted", "both"],
)
def test_overrides_are_nested_or_dotted(overrides):
    scenario = Scenario.load("short_squeeze", **overrides)
    params = scenario.pack()[0]
    assert int(params["liquidation"]["destination"]) == Liquidation.OFF
    assert int(params["liquidation"]["fund"]) == 70_000
    assert scenario.liquidation.latency_ms == 10.0
    assert Scenario.load(Scenario.load("short_squeeze"), **overrides) == scenario


def test_a_deep_dotted_override_changes_one_book_only():
    base = Scenario.load("calm")
    scenario = Scenario.load(base, **{"depth.perp.quotes": 7})
    assert (scenario.depth.perp.quotes, scenario.depth.spot.quotes) == (7, 48)
    assert base.depth.perp.quotes == 48


def test_scenarios_are_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        Scenario.load("calm").fees.perp_maker_bps = 1.0


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        ("short_squeze", ["unknown scenario 'short_squeze'", "did you mean 'short_squeeze'"]),
        ("nothing-like-it", ["unknown scenario", "shipped:", "calm"]),
        ("no/such/file.toml", ["no/such/file.toml", "does not exist"]),
    ],
)
def test_an_unknown_scenario_says_what_is_known(scenario, words):
    with pytest.raises(ConfigError) as error:
        Scenario.load(scenario)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("learner.leverage_capp", ["learner", "'leverage_capp'", "did you mean 'leverage_cap'"]),
        ("liquidatoin.fund_quote", ["'liquidatoin'", "did you mean 'liquidation'"]),
        ("depth.perp.quote", ["depth.perp", "'quote'", "did you mean 'quotes'"]),
        ("depth.prep.quotes", ["depth", "'prep'", "did you mean 'perp'"]),
        ("zzz", ["unknown key 'zzz'", "known:", "learner"]),
    ],
)
def test_an_unknown_key_says_what_is_known(key, words):
    with pytest.raises(ConfigError) as error:
        Scenario.load("calm", **{key: 1})
    for word in words:
        assert word in str(error.value)


IMPOSSIBLE = [
    ("noise.perp.branching", 0.7, ["noise.perp.branching", "0.5", "0.7"]),
    ("noise.perp.branching", 1.0, ["noise.perp.branching", "0.5", "1.0"]),
    ("learner.leverage_cap", 0.5, ["learner.leverage_cap", "1", "0.5"]),
    ("contract.tick_size", 0, ["contract.tick_size", "greater than 0", "0"]),
    ("contract.price", float("nan"), ["contract.price", "nan"]),
    ("contract.price", float("inf"), ["contract.price", "inf"]),
    ("episode.step_ms", 0, ["episode.step_ms", "1", "got 0"]),
    ("liquidation.destination", "bok", ["liquidation.destination", "'book'", "'bok'"]),
    ("liquidation.fund_quote", -1, ["liquidation.fund_quote", "0", "-1"]),
    ("population.shorts", 3000, ["3600", "2048", "size_class"]),
    ("population.shorts", 1.5, ["population.shorts", "1.5"]),
    ("population.leverage", [[500, 1]], ["1 to 150", "500"]),
    ("population.leverage", [[10, 0]], ["weights"]),
    ("margin.brackets", [[0, 0.01], [5, 0.005]], ["rates", "not fall"]),
    ("margin.brackets", [[1, 0.01]], ["start at 0"]),
    ("catalyst.start_s", [50, 20], ["start_s", "low <= high", "50", "20"]),
    ("catalyst", {"squeeze": 0.5, "near_miss": 0.9}, ["squeeze + near_miss"]),
    ("depth.perp.quotes", 2000, ["2000", "1024"]),
    ("depth.perp.reach_bps", 0.05, ["nearest_bps", "0.05"]),
    ("size_class", "huge", ["size_class", "small", "huge"]),
    ("marks.weights", [1, 2], ["marks.weights"]),
    ("fomo.accounts", 2000, ["3800", "2048", "size_class"]),
    ("fomo.leverage", [[200, 1]], ["1 to 150", "200"]),
    ("fomo", {"accounts": 1, "seeds_per_s": 0.0}, ["seeds_per_s=0", "accounts to 0"]),
    ("fomo", {"smallest_base": 9.0}, ["smallest_base=9.0", "largest_base=5.0"]),
    ("fomo.horizon_s", 30, ["fomo.horizon_s", "10", "60", "30"]),
    ("snipers.leave_share", 1.0, ["snipers.leave_share", "less than 1"]),
    ("followers.imbalance", 0.0, ["followers.imbalance", "greater than 0"]),
    ("reloaders.delay_s", 0.0, ["reloaders.delay_s", "0.001"]),
]


@pytest.mark.parametrize(
    ("key", "value", "words"), IMPOSSIBLE, ids=[f"{k}={v}" for k, v, _ in IMPOSSIBLE]
)
def test_an_impossible_value_is_named_with_its_range(key, value, words):
    with pytest.raises(ConfigError) as error:
        Scenario.load("calm", **{key: value})
    for word in words:
        assert word in str(error.value)


def test_a_missing_section_is_named():
    data = tomllib.loads((ROOT / "configs/scenarios/short_squeeze.toml").read_text())
    del data["value"]
    with pytest.raises(ConfigError, match="value is missing"):
        Scenario.parse(data)


def test_a_toml_path_loads_like_a_name(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text((ROOT / "configs/scenarios/calm.toml").read_text())
    assert Scenario.load(path) == Scenario.load(str(path)) == Scenario.load("calm")
    path.write_text("name = ")
    with pytest.raises(ConfigError, match="not valid TOML"):
        Scenario.load(path)


def test_the_digest_names_the_content():
    scenario = Scenario.load("calm")
    digest = scenario.digest()
    assert len(digest) == 16 and int(digest, 16) >= 0
    assert Scenario.load("calm").digest() == digest
    assert Scenario.parse(json.loads(json.dumps(scenario.dump()))).digest() == digest
    changed = Scenario.load("calm", **{"liquidation.fund_quote": 5_000_001.0})
    assert changed.digest() != digest
    assert Scenario.load(changed, **{"liquidation.fund_quote": 5e6}).digest() == digest


def test_a_dump_packs_to_the_same_record():
    scenario = Scenario.load("short_squeeze", **SMALL)
    assert Scenario.parse(scenario.dump()).pack().tobytes() == scenario.pack().tobytes()


@pytest.mark.parametrize("seed", [-1])
def test_an_impossible_seed_is_named(seed):
    with pytest.raises(ConfigError, match="seed must be >= 0, got -1"):
        Market("calm", seed=seed)


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_an_impossible_run_is_named(seconds):
    with pytest.raises(ConfigError, match="finite and >= 0"):
        small_market().run(seconds)


@pytest.mark.parametrize(
    ("key", "value"),
    [("noise.perp.limit_log_mean", 30.0), ("depth.perp.within_10bps_base", 1e9)],
)
def test_sizes_beyond_an_order_slot_are_refused_or_clipped(key, value):
    # An order slot holds 2**32 - 1 lots.
    try:
        market = small_market(**{key: value, "population.short_base": 1.0})
        market.run(3.0)
    except (ConfigError, EngineError):
        return
    for venue in range(2):
        assert_sound(market.record["books"][venue])


@pytest.mark.parametrize("key", ["value.decisions_per_s", "arbitrage.looks_per_s"])
def test_a_rate_of_nearly_nothing_is_like_none(key):
    quiet = {"episode.burn_in_s": 0.0}
    market = small_market(**{key: 1e-12}, **quiet)
    none = small_market(**{key: 0.0}, **quiet)
    for run in (market, none):
        run.run(1.0)
    assert (market.record["clock"]["due"] >= 10**9).all()
    assert math.isfinite(market.record["marks"]["fundamental"])
    assert market.events == none.events


@pytest.mark.parametrize(
    ("key", "value", "most"),
    [
        ("liquidation.block_loss_quote", 1e18, "1e+13"),
        ("liquidation.cooldown_ms", 1e15, "1e+12"),
        ("holders.reaction_s", 1e12, "1e+09"),
        ("borrowing.notice_s", 1e12, "1e+09"),
        ("catalyst.start_s", (0.0, 1e12), "1e+09"),
        ("marks.frozen_from_s", -1e12, "1e+09"),
        ("borrowing.supply_base", 1e15, "1.6"),
    ],
)
def test_numbers_that_no_market_can_count_are_named(key, value, most):
    with pytest.raises(ConfigError, match=f"{key}=.* at most") as found:
        Scenario.load("short_squeeze", **{key: value})
    assert most in str(found.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("marks.weights", (-1.0, 0.0, 0.0, 0.0, 0.0)),
        ("marks.noise_bps", (float("nan"), 0.0, 0.0, 0.0, 0.0)),
        ("holders.stop_bps", (5_000.0, 50_000.0)),
        ("holders.wallet_multiple", 1e12),
        ("liquidation.fund_cap", 1e12),
        ("liquidation.cooldown_ms", 1e-9),
        ("borrowing.retry_s", 1e-12),
        ("positions", {"lots": (1,), "entry_ticks": (9,), "deposit_quanta": (-(2 * 10**17),)}),
        ("positions", {"lots": (2**63,), "entry_ticks": (9,), "deposit_quanta": (5,)}),
    ],
)
def test_numbers_that_mean_nothing_are_named(key, value):
    with pytest.raises(ConfigError, match=rf"{key}.*(than|at least|at most|finite)"):
        Scenario.load("short_squeeze", **{key: value})


@pytest.mark.parametrize(
    ("name", "key", "least"),
    [
        ("short_squeeze", "learner", 1e-4),
        ("squeeze_game", "game.players.maker_0", 1e-4),
        ("squeeze_game", "game.players.arbitrageur_0", 2e-4),
    ],
)
def test_a_capital_is_at_least_what_a_market_counts(name, key, least):
    """Rewards are shares of it: of nothing they would be no numbers."""
    Scenario.load(name, **{f"{key}.capital_quote": least})
    with pytest.raises(ConfigError, match=rf"{key}.capital_quote=.*; {least:g} at least"):
        Scenario.load(name, **{f"{key}.capital_quote": 0.4 * least})


def test_a_compressed_clock_divides_slow_rules_and_nothing_else():
    slow = {"funding.first_s": 60.0, "borrowing.notice_s": 90.0, "liquidation.cooldown_ms": 500.0}
    plain, fast = (
        Scenario.load("calm", **{**slow, "episode.clock_compression": factor}).pack()[0]
        for factor in (1.0, 20.0)
    )
    divided = {
        "funding": ("interval", "first", "sample"),
        "borrowing": ("accrual", "notice"),
        "protection": ("part", "update", "limit", "pause", "extension", "move_part", "day"),
    }
    window = Rule.TRADE_CANCELLATION  # the value of that rule is a duration
    for record, factor in ((plain, 20.0), (fast, 1.0)):
        record["protection"]["value"][window] /= factor
        record["protection"]["range"][window] /= factor
    for section in plain.dtype.names:
        for name in plain[section].dtype.names or ():
            before, after = plain[section][name], fast[section][name]
            if name in divided.get(section, ()):
                assert (before == 20 * after).all() and before.max() > 0, (section, name)
            else:
                assert before.tobytes() == after.tobytes(), (section, name)
    assert int(fast["funding"]["term"]) == 28_800_000  # what one payment is for, ms
    assert int(fast["borrowing"]["term"]) == 60_000
