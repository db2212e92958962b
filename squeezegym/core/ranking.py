"""Who comes first by a score: everybody in order, or the best few of many."""

import numpy as np

from squeezegym._jit import kernel


@kernel
def rank(score, order):
    """Fill ``order`` with the indices of ``score``, highest first; ties: lower index first.

    A heap sort in place: nothing is allocated and 100,000 accounts take no square of that.
    """
    n = np.int64(score.shape[0])
    for i in range(n):
        order[i] = i
    for root in range(n // 2 - 1, -1, -1):
        _sink(score, order, np.int64(root), n, True)
    for end in range(n - 1, 0, -1):
        last = order[0]
        order[0] = order[end]
        order[end] = last
        _sink(score, order, np.int64(0), np.int64(end), True)


@kernel
def line_up(score, order, size):
    """Make the first ``size`` indices of ``order`` a heap from which :func:`take_best` takes."""
    for root in range(size // 2 - 1, -1, -1):
        _sink(score, order, np.int64(root), size, False)


@kernel
def take_best(score, order, size):
    """Take the best-ranked index out of a heap of ``size``, at least 1; ties as of :func:`rank`.

    Who needs a few of many sorts no others.
    """
    best = np.int64(order[0])
    order[0] = order[size - 1]
    _sink(score, order, np.int64(0), size - 1, False)
    return best


@kernel
def _sink(score, order, root, size, last):
    """Restore the heap below its root: on top the index that ranks last, or first."""
    while True:
        child = 2 * root + 1
        if child >= size:
            return
        if child + 1 < size and _ranks_after(score, order[child + 1], order[child]) == last:
            child += 1
        if _ranks_after(score, order[child], order[root]) != last:
            return
        swapped = order[root]
        order[root] = order[child]
        order[child] = swapped
        root = child


@kernel(inline=True)
def _ranks_after(score, a, b):
    return score[a] < score[b] or (score[a] == score[b] and a > b)
