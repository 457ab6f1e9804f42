# SPDX-License-Identifier: GPL-2.0-or-later
"""Draws line charts as SVG, with sizes on a logarithmic axis and one line for each method."""

from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 400, 70, 130, 40, 50
COLOURS = ("#444444", "#b0413e", "#c98a1b", "#2e7d4f", "#1f5fa8", "#7a4aa0")


def size_name(size):
    for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size // unit} {name}"
    return f"{size} B"


def step_of(top):
    """Returns about five round numbers from 0 to `top`, for the ticks of an axis."""
    power = 1
    while power * 50 <= top:
        power *= 10
    return next(power * n for n in (1, 2, 5, 10) if power * n * 6 >= top)


def chart(title, unit, lines):
    """Returns the chart as an SVG document. `lines`: {name: {size: value}}."""
    sizes = sorted({size for points in lines.values() for size in points})
    top = max(value for points in lines.values() for value in points.values()) * 1.05
    place = {size: LEFT + i * (WIDTH - LEFT - RIGHT) / max(1, len(sizes) - 1) for i, size in enumerate(sizes)}

    def height(value):
        return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
           f'<text x="{LEFT}" y="22" font-size="15">{escape(title)}</text>']
    value, step = 0, step_of(top)
    while value <= top:
        y = height(value)
        out.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#dddddd"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value}</text>')
        value += step
    for size in sizes:
        out.append(f'<text x="{place[size]:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{size_name(size)}</text>')
    out.append(f'<text x="{LEFT}" y="{HEIGHT - 10}">{escape(unit)}</text>')
    ends = []
    for (name, points), colour in zip(lines.items(), COLOURS):
        path = " ".join(f"{place[s]:.1f},{height(v):.1f}" for s, v in sorted(points.items()))
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        ends.append([height(points[max(points)]), name, colour])
    ends.sort()
    for previous, this in zip(ends, ends[1:]):  # so that the names do not overlap
        this[0] = max(this[0], previous[0] + 15)
    for y, name, colour in ends:
        out.append(f'<text x="{WIDTH - RIGHT + 8}" y="{y + 4:.1f}" fill="{colour}">{escape(name)}</text>')
    return "\n".join([*out, "</svg>", ""])
