"""What a playbook may say and nothing acts on yet: told as warnings, never passed over in silence.

Each line of this page leaves it in the change that acts on it.
"""

from responder.errors import Problem
from responder.playbooks.hold import Hold
from responder.playbooks.schema import Playbook
from responder.playbooks.verbs import Scale, Shift, Suspend

_PERSON = "until it is, a person must release the incident"


def unsupported(playbook: Playbook) -> tuple[Problem, ...]:
    """List what is not yet acted on, with what happens instead. Fields are paths in the file."""
    spec = playbook.spec
    problems = [
        _warning(f"spec.holds[{index}].{hold.word}", told, fix="until it is, this hold is refused")
        for index, hold in enumerate(spec.holds)
        if (told := _verb(hold))
    ]
    if spec.mode == "approve":
        problems.append(
            _warning("spec.mode", "`approve`", fix="until it is, this playbook only observes")
        )
    if spec.escalate:
        problems.append(
            _warning("spec.escalate", "escalating", fix="until it is, the first holds stand")
        )
    if spec.guards.include_transactional:
        problems.append(
            _warning(
                "spec.guards.includeTransactional",
                "holding transactional mail",
                fix="until it is, transactional mail is never held",
            )
        )
    if spec.review_after is not None:
        problems.append(
            _warning("spec.reviewAfter", "a review date", fix="until it is, nobody is reminded")
        )
    return (*problems, *_resume(playbook))


def _resume(playbook: Playbook) -> list[Problem]:
    policy = playbook.resume_policy
    asked = {
        ("spec.resume.start.acknowledged", "waiting for an acknowledgement"): policy.acknowledged,
        ("spec.resume.steps", "resuming in steps"): bool(policy.steps),
        ("spec.resume.check", "checking evidence before resuming"): policy.check is not None,
    }
    return [_warning(field, what, fix=_PERSON) for (field, what), given in asked.items() if given]


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
