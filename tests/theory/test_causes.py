"""Taken away one at a time, each cause takes its effect with it."""

import pytest

from squeezegym.errors import ConfigError
from squeezegym.theory.causes import CAUSES, causes


@pytest.fixture(scope="module")
def effects():
    found = causes(100, seed=3_000_001)  # as in docs/causes.md
    assert len(found) == len(CAUSES)
    return {(e.cause.name, e.cause.outcome): e for e in found}


@pytest.mark.slow
def test_every_cause_adds_to_its_outcome(effects):
    for effect in effects.values():
        assert effect.difference > 0, effect
        assert effect.interval.low > 0, effect
        assert effect.interval.low <= effect.difference <= effect.interval.high


@pytest.mark.slow
def test_what_is_left_without_the_cause(effects):
    forced = effects["forced flow", "highest rise, %"]
    assert forced.present > 1.8 * forced.without
    linked = effects["arbitrage (metaorder on the perp)", "highest rise of spot, %"]
    assert linked.without < 0.1 * linked.present
    longs = effects["FOMO", "longs liquidated, base"]
    assert longs.without < 0.05 * longs.present


def test_too_few_episodes():
    with pytest.raises(ConfigError, match="episodes must lie between 5"):
        causes(2)
