"""A comparison as one HTML page that needs nothing else: no scripts, no fonts, no network."""

from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple

from gavelq.core.units import format_duration
from gavelq.sim.comparing import Result
from gavelq.sim.measures import Measures
from gavelq.sim.report import looks
from gavelq.sim.report.picture import MARK

Fact = tuple[str, str]
"""What it is called, and what it is."""


class _Said(NamedTuple):
    """A measure in words."""

    key: str
    name: str
    why: str
    form: Callable[[float], str]


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _times(value: float) -> str:
    return f"{value:.3f}"


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _seconds(value: float) -> str:
    return format_duration(value)


MEASURES = (
    _Said("jobs", "Jobs", "that were run", _whole),
    _Said("left_out", "Left out", "jobs that want more GPUs, or more memory, than the machine has", _whole),
    _Said("mean_jct_s", "Completion, mean", "from a job's submission to its end (JCT)", _seconds),
    _Said("p50_jct_s", "Completion, median", "half of the jobs were done within this time", _seconds),
    _Said("p95_jct_s", "Completion, 95 %", "19 of 20 jobs were done within this time", _seconds),
    _Said("mean_wait_s", "Waiting, mean", "the time in which a job did not run", _seconds),
    _Said("p95_wait_s", "Waiting, 95 %", "19 of 20 jobs waited no longer", _seconds),
    _Said("max_wait_s", "Waiting, longest", "of all jobs: what a mean hides", _seconds),
    _Said(
        "mean_bounded_slowdown", "Slowdown, mean",
        "completion as a multiple of the running time; jobs below 10 s count as 10 s", _times,
    ),
    _Said("makespan_s", "Makespan", "from the first submission to the last end", _seconds),
    _Said("utilisation", "Utilisation", "the part of all GPU-time within the makespan in which a job ran", _percent),
    _Said("backfilled", "Went ahead", "starts ahead of a waiting job that did not fit", _whole),
    _Said("promises_broken", "Promises broken", "jobs that started later than they were once promised", _whole),
    _Said("preemptions", "Preempted", "how often a job was stopped for another one", _whole),
    _Said("bound_mean_jct_s", "Bound of the mean completion", "no schedule whatever can be below", _seconds),
    _Said("ratio_mean_jct", "Mean completion / bound", "1 would be perfect, and mostly cannot be reached", _times),
    _Said("bound_makespan_s", "Bound of the makespan", "no schedule whatever can be below", _seconds),
    _Said("ratio_makespan", "Makespan / bound", "1 would be perfect", _times),
    _Said("events", "Events", "that the engine answered: submissions, plans, starts, ends", _whole),
    _Said("events_per_s", "Events per second", "of processor time: the speed of the simulator", _whole),
)  # fmt: skip
"""All of them but the policy's name, in the order of the page."""


def page(title: str, facts: Sequence[Fact], results: Sequence[Result], plots: Sequence[tuple[str, str]]) -> str:
    """The page. `plots`: what each shows, and its `<svg>` (`picture.parts`); everything else is escaped here."""
    shown = "\n".join(f"<figure>{svg}<figcaption>{escape(said)}</figcaption></figure>" for said, svg in plots)
    listed = "\n".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="{MARK}">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>{_style()}</style>
</head>
<body>
<main>
<h1>{escape(title)}</h1>
<dl>
{listed}
</dl>
<h2>Measures</h2>
{_table(results)}
<h2>Plots</h2>
{shown}
</main>
</body>
</html>
"""


def _table(results: Sequence[Result]) -> str:
    heads = "".join(f'<th scope="col">{escape(_called(result))}</th>' for result in results)
    rows = "\n".join(
        f'<tr><th scope="row">{said.name}<small>{said.why}</small></th>'
        + "".join(f"<td>{_cell(said, result.measures)}</td>" for result in results)
        + "</tr>"
        for said in MEASURES
    )
    head = f'<thead><tr><th scope="col">Measure</th>{heads}</tr></thead>'
    return f'<div class="wide"><table>{head}<tbody>{rows}</tbody></table></div>'


def _called(result: Result) -> str:
    return result.outcome.policy + (" (oracle)" if result.outcome.is_oracle else "")


def _cell(said: _Said, measures: Measures) -> str:
    value = getattr(measures, said.key)
    return "-" if value is None else f'<span title="{value:.15g}">{said.form(value)}</span>'


def _style() -> str:
    """Colours by number (`looks.ALL`), on light paper or dark as the reader's system has it; printers get light."""
    light = "".join(f"--c{number}:{tone.light};" for number, tone in enumerate(looks.ALL))
    dark = "".join(f"--c{number}:{tone.dark};" for number, tone in enumerate(looks.ALL))
    ink, faint, line, paper = (
        f"var(--c{looks.ALL.index(tone)})" for tone in (looks.INK, looks.FAINT, looks.LINE, looks.PAPER)
    )
    return f"""
:root{{color-scheme:light dark;{light}}}
@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}
body{{margin:0;background:{paper};color:{ink};font:15px/1.45 system-ui,sans-serif}}
main{{max-width:72rem;margin:0 auto;padding:1.5rem}}
h1{{font-size:1.4rem}} h2{{font-size:1.1rem;margin-top:2rem}}
dl div{{display:flex;flex-wrap:wrap;gap:0 1rem;padding:.2rem 0;border-bottom:1px solid {line}}}
dt{{flex:0 0 8rem;color:{faint}}} dd{{flex:1 1 20rem;margin:0;overflow-wrap:anywhere}}
.wide{{overflow-x:auto}}
table{{border-collapse:collapse;font-variant-numeric:tabular-nums}}
th,td{{padding:.3rem .8rem;text-align:right;border-bottom:1px solid {line};vertical-align:top;white-space:nowrap}}
th:first-child{{text-align:left;padding-left:0;font-weight:600;white-space:normal;min-width:14rem}}
th small{{display:block;font-weight:400;color:{faint}}}
figure{{margin:0 0 1.5rem;overflow-x:auto}} figcaption{{color:{faint};font-size:.85rem}}
figure svg{{display:block;width:100%;min-width:40rem;height:auto}}
figure svg *{{stroke-linejoin:round;stroke-linecap:butt}}
@media print{{figure,tr{{break-inside:avoid}}}}
"""
