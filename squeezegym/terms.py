"""The terms that a venue may change while its market runs: margin table and funding.

The scenario's stand in the params record; each market holds those in force, in the same form. Units
as in :mod:`squeezegym.state`; rates are integers in units of 1e-8.
"""

from __future__ import annotations

import numpy as np

N_TIERS = 16  # rows of the maintenance-margin table

FUNDING_PARAMS = np.dtype(
    [
        ("rule", "i8"),  # codes.FundingRule
        ("interval", "i8"),
        ("term", "i8"),  # the interval without compression, ms
        ("first", "i8"),  # time of the first payment
        ("sample", "i8"),
        ("linear", "i8"),  # 1: the k-th sample of an interval has weight k
        ("share", "f8"),  # interval over 8 hours
        ("interest", "f8"),
        ("clamp", "f8"),
        ("cap", "f8"),
        ("impact", "i8"),  # impact notional, quanta
        ("opening", "f8"),  # rate predicted before the first sample
    ],
    align=True,
)

MARGIN_PARAMS = np.dtype(
    [
        ("n_tiers", "i8"),
        ("floor", "i8", (N_TIERS,)),  # quanta of notional
        ("rate", "i8", (N_TIERS,)),  # maintenance margin rate, 1e-8
        ("deduction", "i8", (N_TIERS,)),  # maintenance amount ("cum"), quanta
        ("initial", "i8", (N_TIERS,)),  # initial margin rate, 1 / maximum leverage, 1e-8
    ],
    align=True,
)

TERMS_DTYPE = np.dtype([("margin", MARGIN_PARAMS), ("funding", FUNDING_PARAMS)], align=True)
