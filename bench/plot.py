"""Figures as bars in SVG, by hand: a picture that reads on light and on dark pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LABEL, BAR, STEP, HEAD, FOOT = 720, 150, 400, 30, 46, 14
STYLE = """\
<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.bar { fill: #8b949e } .ours { fill: #0969da } .range { stroke: #1f2328; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .bar { fill: #6e7681 } .ours { fill: #4493f8 } .range { stroke: #e6edf3 }
}
</style>"""


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    value: float
    low: float
    high: float
    "Of all rounds; `value` is their median."
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    form: str
    "How a value is written, as `format` takes it."
    bars: Sequence[Bar]

    @property
    def height(self) -> int:
        return HEAD + STEP * len(self.bars) + FOOT


def svg(charts: Sequence[Chart]) -> str:
    """Draw the charts below each other, each with a scale of its own that begins at 0."""
    height = sum(chart.height for chart in charts)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" role="img">',
        f"<title>{escape('; '.join(chart.title for chart in charts))}</title>",
        STYLE,
    ]
    top = 0
    for chart in charts:
        lines += _chart(chart, top)
        top += chart.height
    return "\n".join([*lines, "</svg>", ""])


def _chart(chart: Chart, top: int) -> list[str]:
    scale = BAR / max((bar.high for bar in chart.bars), default=1.0)
    lines = [f'<text class="title" x="8" y="{top + 26}">{escape(chart.title)}</text>']
    for nth, bar in enumerate(chart.bars):
        lines += _bar(bar, chart.form, scale, top + HEAD + STEP * nth)
    return lines


def _bar(bar: Bar, form: str, scale: float, y: int) -> list[str]:
    kind = "ours" if bar.ours else "bar"
    middle, value = y + STEP // 2, format(bar.value, form)
    lines = [
        f'<text x="{LABEL - 10}" y="{middle + 4}" text-anchor="end">{escape(bar.label)}</text>',
        f'<rect class="{kind}" x="{LABEL}" y="{y + 5}" width="{bar.value * scale:.1f}" height="{STEP - 10}" rx="2"/>',
        f'<text x="{LABEL + bar.high * scale + 10:.1f}" y="{middle + 4}">{escape(value)}</text>',
    ]
    if bar.high > bar.low:
        ends = f'x1="{LABEL + bar.low * scale:.1f}" x2="{LABEL + bar.high * scale:.1f}"'
        lines.append(f'<line class="range" {ends} y1="{middle}" y2="{middle}"/>')
    return lines
