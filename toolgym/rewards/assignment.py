"""The assignment problem: pair rows with columns so that the sum of the pairs' weights is largest."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence


def best_pairs(weights: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """The (row, column) pairs of a heaviest assignment, in row order; min(rows, columns) of them.

    Weights are integers, so sums are exact and do not depend on the order of rows and columns. With
    r the smaller and c the larger side it takes O(r * c) to read the weights and O(r^4) to assign:
    beyond the r best columns of each row no column is needed, since the other rows can take at most
    r - 1 of those. A model that writes ten thousand calls therefore costs only the reading.
    """
    if len(weights) > len(weights[0]):
        return sorted((row, column) for column, row in best_pairs(list(zip(*weights, strict=True))))
    best = [row.index(max(row)) for row in weights]
    if len(set(best)) == len(best):  # no two rows want the same column
        return list(enumerate(best))
    rows, columns = len(weights), len(weights[0])
    kept = list(range(columns))
    if columns > rows * rows:
        kept = sorted({column for row in weights for column in heapq.nlargest(rows, kept, key=row.__getitem__)})
        weights = [[row[column] for column in kept] for row in weights]
    return [(row, kept[column]) for row, column in enumerate(_columns(weights))]


def _columns(weights: Sequence[Sequence[int]]) -> list[int]:
    """The column of each row, for no more rows than columns: shortest augmenting paths.

    Prices keep ``row_price[r] + column_price[c] >= weights[r][c]``, with equality on assigned pairs.
    Each new row grows a tree of reached columns, nearest first, until it reaches a free one.
    """
    width = len(weights[0])
    row_price = [0] * len(weights)
    column_price = [0] * width
    owner = [-1] * width
    for start in range(len(weights)):
        distance: list[float] = [math.inf] * width
        parent = [-1] * width
        reached: list[int] = []
        unreached = list(range(width))
        row, column = start, -1
        while row >= 0:
            for c in unreached:
                gap = row_price[row] + column_price[c] - weights[row][c]
                if gap < distance[c]:
                    distance[c], parent[c] = gap, column
            column = min(unreached, key=distance.__getitem__)
            step = int(distance[column])
            row_price[start] -= step
            for c in reached:
                column_price[c] += step
                row_price[owner[c]] -= step
            for c in unreached:
                distance[c] -= step
            unreached.remove(column)
            reached.append(column)
            row = owner[column]
        while column >= 0:
            before = parent[column]
            owner[column] = owner[before] if before >= 0 else start
            column = before
    found = [0] * len(weights)
    for c, row in enumerate(owner):
        if row >= 0:
            found[row] = c
    return found
