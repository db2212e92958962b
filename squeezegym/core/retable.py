"""A change of the margin table in a running market."""

from squeezegym._jit import entry
from squeezegym.core.marginrules import set_margin


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
            set_margin(markets[row], params[0])

    return ladder_again
