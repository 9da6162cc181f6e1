"""Trying notices out, by hand: is the file right, and does a message arrive?"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from responder.errors import BadInput, Problem
from responder.notices.couriers import Answer, Couriers
from responder.notices.herald import sources
from responder.notices.loading import Loaded, load
from responder.notices.samples import sample_notice


async def check(file: Path | None, templates: Path | None) -> Loaded:
    """Read a file of destinations and a folder of templates, with every mistake of both.

    Templates are tried out on samples, and Apprise is asked whether it knows the addresses.
    """
    if file is None and templates is None:
        return Loaded()
    loaded = load(file, templates, try_out=True)
    if loaded.problems or not loaded.destinations:
        return loaded
    known = await Couriers().known([each.url for each in loaded.destinations])
    if known is None:
        return replace(loaded, problems=(Problem("Apprise can't be run", fix="install it"),))
    problems = tuple(
        Problem(
            "Apprise does not know such an address",
            field=f"destinations[{number}].url",
            fix="see the page of the service in Apprise's documentation",
            file=str(file),
            line=loaded.lines.get(each.name),
        )
        for number, (each, is_known) in enumerate(zip(loaded.destinations, known, strict=True))
        if not is_known
    )
    return replace(loaded, problems=problems)


async def try_out(
    file: Path | None, templates: Path | None, names: Sequence[str]
) -> list[tuple[str, Answer]]:
    """Send a test message to destinations by name, or to all; raises BadInput."""
    if file is None:
        raise BadInput([Problem("is not given", field="--notify-file")])
    loaded = load(file, templates)
    if loaded.problems:
        raise BadInput(loaded.problems)
    known = {each.name: each for each in loaded.destinations}
    if unknown := [name for name in names if name not in known]:
        there = ", ".join(known)
        raise BadInput([Problem(f"no destination {unknown[0]!r}; there are {there}")])
    facts = sample_notice()[0] | {"headline": "TEST"}
    couriers = Couriers()
    return [
        (
            name,
            await couriers.send(
                known[name].url, templates=sources(loaded, known[name].template), facts=facts
            ),
        )
        for name in names or known
    ]
