"""Compiled code of the measures: edges swapped at random, and groups of three nodes counted."""

import numpy as np

from evocircuits.compilation import compiler

compiled = compiler()


@compiled
def swap_targets(sender, target, present, loops, picks):
    """Exchange the targets of pairs of edges, `picks` int[attempts, 2], in place, where nothing speaks against it.

    `sender` int[S], `target` int[S]: each edge's ends, neurons before channels; `present` int[senders, targets]: how
    many edges there are from one to another. Refused is what would double an edge or, unless `loops`, end where it
    begins.
    """
    for k in range(len(picks)):
        one, other = picks[k, 0], picks[k, 1]
        a, b, c, d = sender[one], target[one], sender[other], target[other]
        if a == c or b == d or present[a, d] or present[c, b] or (not loops and (a == d or c == b)):
            continue
        present[a, b] -= 1
        present[c, d] -= 1
        present[a, d] += 1
        present[c, b] += 1
        target[one], target[other] = d, b


@compiled
def count_triads(onto, inhibitory):
    """int[512]: how many groups of three nodes i < j < k have each code.

    `onto` int[n, n]: 1 where an edge leads from one node to another; `inhibitory` int[n], 0 or 1. A code's bits, from
    the lowest: i→j, j→i, i→k, k→i, j→k, k→j, and whether i, j, k are inhibitory.
    """
    counts = np.zeros(512, np.int64)
    n = len(onto)
    for i in range(n):
        for j in range(i + 1, n):
            pair = onto[i, j] + 2 * onto[j, i] + 64 * inhibitory[i] + 128 * inhibitory[j]
            for k in range(j + 1, n):
                code = pair + 4 * onto[i, k] + 8 * onto[k, i] + 16 * onto[j, k] + 32 * onto[k, j]
                counts[code + 256 * inhibitory[k]] += 1
    return counts
