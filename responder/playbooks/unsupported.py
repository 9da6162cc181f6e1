"""What a playbook may say and nothing acts on yet: told as warnings, never passed over in silence.

Each line of this page leaves it in the change that acts on it.
"""

from responder.errors import Problem
from responder.playbooks.hold import Hold
from responder.playbooks.schema import Playbook
from responder.playbooks.verbs import Scale, Shift, Suspend


def unsupported(playbook: Playbook) -> tuple[Problem, ...]:
    """List what is not yet acted on, with what happens instead. Fields are paths in the file."""
    spec = playbook.spec
    lists = [("spec.holds", spec.holds)]
    lists += [(f"spec.escalate[{at}].holds", stage.holds) for at, stage in enumerate(spec.escalate)]
    problems = [
        _warning(f"{path}[{index}].{hold.word}", told, fix="until it is, this hold is refused")
        for path, holds in lists
        for index, hold in enumerate(holds)
        if (told := _verb(hold))
    ]
    return tuple(problems)


def _verb(hold: Hold) -> str:
    match hold.verb:
        case Suspend() | Shift():
            return f"`{hold.word}`"
        case Scale(deployment=None):
            return "`scale` of a StatefulSet"
        case _:
            return ""


def _warning(field: str, what: str, *, fix: str) -> Problem:
    return Problem(f"{what} is not yet acted on", field=field, fix=fix, severity="warning")
