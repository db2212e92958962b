"""Taken away one at a time, each cause takes its effect with it."""

import pytest

from squeezegym.errors import ConfigError
from squeezegym.theory.causes import CAUSES, causes


@pytest.fixture(scope="module")
def effects():
    found = causes(100, seed=3_000_001)  # as in docs/causes.md
    assert len(found) == len(CAUSES)
    return {(e.cause.name, e.cause.outcome): e.difference for e in found}


@pytest.mark.slow
def test_every_cause_adds_to_its_outcome(effects):
    for effect in effects.values():
        assert effect.mean > 0, effect
        assert effect.interval.low > 0, effect
        assert effect.interval.low <= effect.mean <= effect.interval.high


@pytest.mark.slow
def test_what_is_left_without_the_cause(effects):
    forced = effects["forced flow", "highest rise, %"]
    assert forced.with_rule > 1.8 * forced.without
    linked = effects["arbitrage (metaorder on the perp)", "highest rise of spot, %"]
    assert linked.without < 0.1 * linked.with_rule
    longs = effects["FOMO", "longs liquidated, base"]
    assert longs.without < 0.05 * longs.with_rule


def test_too_few_episodes():
    with pytest.raises(ConfigError, match="episodes must lie between 5"):
        causes(2)
