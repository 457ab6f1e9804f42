#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads the output of the program turns, and prints medians in milliseconds and in units of T:
`turns ... | medians.py`."""

import collections
import statistics
import sys

times = collections.defaultdict(list)
for line in sys.stdin:
    label, ns = line.split()
    times[label].append(int(ns) / 1e6)
unit = statistics.median(times["T"])
for label, values in times.items():
    middle = statistics.median(values)
    print(f"{label:12} {middle:8.2f} ms {middle / unit:6.2f} T   ({len(values)} runs, {min(values):.2f} to {max(values):.2f})")
