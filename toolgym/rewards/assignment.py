"""The assignment problem: pair rows with columns so that the sum of the weights of the pairs is largest."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence


def best_pairs(weights: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """The (row, column) pairs of an assignment of maximum weight, in row order; min(rows, columns) pairs.

    Weights are integers, so sums are exact and do not depend on the order of rows and columns. Takes O(r * c) to read
    the weights and O(r^4) to assign them, if r is the smaller side and c the larger. So a model that writes ten
    thousand calls costs little more than reading them.
    """
    if len(weights) > len(weights[0]):
        return sorted((row, column) for column, row in best_pairs(list(zip(*weights, strict=True))))
    # from here on there are at most as many rows as columns
    best = [row.index(max(row)) for row in weights]
    if len(set(best)) == len(best):  # fast path: no two rows prefer the same column
        return list(enumerate(best))
    rows, columns = len(weights), len(weights[0])
    kept = list(range(columns))
    if columns > rows * rows:  # only the r best columns of a row matter: other rows take at most r - 1 of them
        kept = sorted({column for row in weights for column in heapq.nlargest(rows, kept, key=row.__getitem__)})
        weights = [[row[column] for column in kept] for row in weights]
    return [(row, kept[column]) for row, column in enumerate(_columns(weights))]


def _columns(weights: Sequence[Sequence[int]]) -> list[int]:
    """The column of each row, for at most as many rows as columns: the Hungarian method, O(rows^2 * columns).

    Invariant: ``row_price[r] + column_price[c] >= weights[r][c]``, with equality for assigned pairs. Each new row
    searches the columns, nearest first, for a shortest augmenting path to a free column.
    """
    width = len(weights[0])
    row_price = [0] * len(weights)
    column_price = [0] * width
    owner = [-1] * width  # column -> its row, -1 if the column is free
    for start in range(len(weights)):
        distance: list[float] = [math.inf] * width  # the smallest gap on a path from `start` to each column
        parent = [-1] * width  # the column before it on that path, -1 for `start` itself
        reached: list[int] = []
        unreached = list(range(width))
        row, column = start, -1
        while row >= 0:  # until the nearest column is free
            for c in unreached:
                gap = row_price[row] + column_price[c] - weights[row][c]
                if gap < distance[c]:
                    distance[c], parent[c] = gap, column
            column = min(unreached, key=distance.__getitem__)
            step = int(distance[column])
            # lower the prices so that the gap of `column` becomes 0; the gaps of reached columns stay 0
            row_price[start] -= step
            for c in reached:
                column_price[c] += step
                row_price[owner[c]] -= step
            for c in unreached:
                distance[c] -= step
            unreached.remove(column)
            reached.append(column)
            row = owner[column]
        while column >= 0:  # along the path, each column passes to the row before it
            before = parent[column]
            owner[column] = owner[before] if before >= 0 else start
            column = before
    found = [0] * len(weights)
    for c, row in enumerate(owner):
        if row >= 0:
            found[row] = c
    return found
