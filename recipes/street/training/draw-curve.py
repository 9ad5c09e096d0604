"""Draws curve.svg from curve.csv, with nothing but the standard library."""
import csv
import math
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 720, 360, 56, 24, 150, 44
COLOURS = ["#111111", "#d1495b", "#2e86ab", "#edae49", "#4f9d69"]


def main():
    rows = list(csv.DictReader(open(HERE / "curve.csv", newline="")))
    steps = [int(row["step"]) for row in rows]
    series = [name for name in rows[0] if name not in ("step", "seconds", "loss", "box_loss")]
    across = lambda step: LEFT + (WIDTH - LEFT - RIGHT) * step / steps[-1]
    down = lambda value: TOP + (HEIGHT - TOP - BOTTOM) * (1 - value)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for tick in range(6):
        y = down(tick / 5)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick / 5:.1f}</text>')
    unit = 10 ** math.floor(math.log10(steps[-1])) // 2
    for step in range(0, steps[-1] + 1, unit):
        parts.append(f'<text x="{across(step):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{step}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">step</text>')
    labels = sorted(range(len(series)), key=lambda at: -float(rows[-1][series[at]]))
    for order, at in enumerate(labels):
        name, colour = series[at], COLOURS[at % len(COLOURS)]
        points = " ".join(f"{across(step):.1f},{down(float(row[name])):.1f}" for step, row in zip(steps, rows))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{3 if at == 0 else 1.5}"/>')
        title = "mAP@0.5" if name == "map50" else f"AP {name}"
        parts.append(f'<text x="{WIDTH - RIGHT + 10}" y="{TOP + 14 + 18 * order}" fill="{colour}">{title} {float(rows[-1][name]):.3f}</text>')
    parts.append("</svg>")
    (HERE / "curve.svg").write_text("\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
