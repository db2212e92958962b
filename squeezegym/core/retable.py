"""A change of the margin table in a running market."""

from squeezegym._jit import entry
from squeezegym.codes import FIRST_HOLDER_SLOT, IN_LADDER
from squeezegym.core.triggers import LONGS, SHORTS, delist, enlist


@entry(seconds=5)
def ladder_again(fingerprint):
    """Build the entry; the fingerprint of the sources is part of its cache key."""

    def ladder_again(markets, params):
        """Put every account of the ladder at its trigger under the present margin table.

        Args:
            markets: (n,) ``market_dtype`` of one size class.
            params: (1,) ``params_dtype`` of the same size class.
        """
        fingerprint  # noqa: B018  (a closure cell: part of numba's cache key)
        for row in range(markets.shape[0]):
            market = markets[row]
            for slot in range(FIRST_HOLDER_SLOT, market["accounts"].shape[0]):
                account = market["accounts"][slot]
                if account["laddered"] == IN_LADDER:
                    delist(market, slot, LONGS if account["perp"] > 0 else SHORTS)
                    enlist(market, params[0], slot)

    return ladder_again
