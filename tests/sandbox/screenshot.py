"""`python -m tests.sandbox.screenshot FILE.svg`: the live view of the sandbox, for the README.

Plays the scenario that `responder sandbox` plays, and draws it as it stands some minutes after the
brake was pulled.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.terminal_theme import MONOKAI

from responder.evidence.loading import load_metrics
from responder.logs import configure_logs
from responder.playbooks.loading import load_directory
from responder.sandbox.alerting.rule_files import load_rules
from responder.sandbox.crew import Wishes
from responder.sandbox.rehearsal import Rehearsal
from responder.sandbox.scenario.loading import load_scenario
from responder.sandbox.speed import Speed
from responder.sandbox.telling.live import drawn
from responder.sandbox.telling.picture import Line, Picture
from responder.shipped import ALERT_RULES, METRICS, PLAYBOOKS

_WIDTH: Final = 116
_HEIGHT: Final = 36
_TOLD_SECONDS: Final = 11 * 60
_FRAME: Final = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width;
}}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""As rich frames it, but with fonts of the reader's own: a picture fetches nothing."""


class Keeping:
    """Keeps the picture of one moment."""

    picture: Picture | None = None

    def show(self, picture: Picture) -> None:
        if picture.told_seconds <= _TOLD_SECONDS:
            self.picture = picture

    def line(self, line: Line) -> None:
        """Lines are part of the picture."""


def main() -> None:
    target = Path(sys.argv[1])
    keeping = Keeping()
    wishes = Wishes(
        scenario=load_scenario("bounces"),
        playbooks=load_directory(PLAYBOOKS).playbooks,
        metrics=load_metrics(METRICS).metrics,
        rules=load_rules(ALERT_RULES),
        speed=Speed(60.0),
        api_port=0,
        prometheus=None,
        kubeconfig=None,
    )
    with Path(os.devnull).open("a", encoding="utf-8") as nowhere:
        configure_logs("json", stream=nowhere)
        asyncio.run(Rehearsal(wishes, keeping).run())
        if keeping.picture is None:
            raise SystemExit("nothing was shown")
        console = Console(
            record=True, width=_WIDTH, height=_HEIGHT, file=nowhere, force_terminal=True
        )
        console.print(drawn(keeping.picture, height=_HEIGHT))
    svg = console.export_svg(title="responder sandbox", theme=MONOKAI, code_format=_FRAME)
    target.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
