"""Codes of the rules that a venue chooses from: liquidation, mark, index and funding."""

from __future__ import annotations

from enum import IntEnum


class Liquidation(IntEnum):
    """Where a liquidation order goes."""

    BOOK = 0  # through the book: insurance fund and ADL behind it
    ABSORBER = 1  # off-book, to the absorber at mark: the counterfactual without forced flow
    OFF = 2  # nobody is liquidated: the path without liquidations


class Policy(IntEnum):
    """How the liquidation engine closes an account."""

    IOC_AT_BANKRUPTCY = 0  # Binance: all at once at the bankruptcy price
    TIER_REDUCTION = 1  # Binance: as little as restores the margin, else all
    PARTIAL_20_COOLDOWN = 2  # Hyperliquid: a share first, the rest after a pause
    SMALL_STEPS = 3  # Deribit: one small order a round
    BLOCK_LIMITED = 4  # dYdX v4: a share a block at the fillable price
    RAMP = 5  # Drift: a growing share of what restores the margin


class LiquidationStage(IntEnum):
    """Who closes an account at its present equity."""

    NONE = 0  # above maintenance margin
    BOOK = 1
    BACKSTOP = 2  # so far below that the vault takes position and margin


class Remainder(IntEnum):
    """Who bears what neither book nor fund could close."""

    ADL = 0  # opposing positions, best ranked first
    PRO_RATA = 1  # opposing positions, in proportion to size
    SOCIALISED = 2  # the loss is charged to every position, by size


class Ranking(IntEnum):
    """Score by which positions are deleveraged."""

    BINANCE = 0
    BITMEX = 1
    HYPERLIQUID = 2
    BINANCE_LEGACY = 3


class MarkRule(IntEnum):
    """Formula of the mark."""

    BINANCE = 0  # median of funding basis, mean basis and last trade
    FUNDING_BASIS = 1  # BitMEX fair price
    HYPERLIQUID = 2  # median of the index with its smoothed basis and the local prices
    ORACLE = 3  # the index itself
    LAST = 4
    CLAMPED_LAST = 5  # Deribit's early rule: the last trade within the touch


class IndexRule(IntEnum):
    """How the prices of the spot venues become one."""

    BINANCE = 0  # weighted mean without outliers
    CLAMPED = 1  # Deribit: plain mean of prices held near their median


class FundingRule(IntEnum):
    """Form of the funding rate, and the price at which it is paid."""

    BINANCE = 0
    OKX = 1
    DERIBIT = 2
    HYPERLIQUID = 3
    DYDX = 4
    OFF = 5
