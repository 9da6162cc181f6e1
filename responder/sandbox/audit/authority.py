"""Promise 6, as far as a history shows it: nothing is written where it isn't allowed."""

import math

from responder.sandbox.audit.demands import SENDING_HOLDS, agrees, is_transactional, may_be_held
from responder.sandbox.audit.rules import UNSEEN_SECONDS, Step, Violation
from responder.sandbox.audit.versions import CONFIG_MAP, HOLDER, INCIDENT, Writer, beyond_fields
from responder.sandbox.audit.world import World

PROMISE = "6, never beyond authority"


class Authority:
    """Looks at who is written to, and at whether more than a hold is."""

    def __init__(self) -> None:
        self._allowed_until: dict[str, float] = {}
        """When what was allowed was so no more, by uid."""

    def see(self, step: Step) -> list[Violation]:
        if step.after.kind == INCIDENT:
            return []
        self._follow(step)
        if not step.is_ours:
            return []
        before = step.before
        if before is None:
            is_ours = (step.after.kind, step.after.name) == (CONFIG_MAP, SENDING_HOLDS)
            return [] if is_ours else [step.violation(PROMISE, "we created it")]
        found = []
        # What is held may be kept and given back, whatever its owner says meanwhile.
        is_held = before.ledger is not None or any(
            entry["manager"] == HOLDER for entry in before.entries
        )
        allowed = may_be_held(before, immune=step.world.immune)
        tightens = any(change.by is Writer.HOLDER for change in step.changes)
        told = "; ".join(map(str, step.changes))
        until = self._allowed_until.get(before.uid, -math.inf)
        lately = step.after.seen - until <= UNSEEN_SECONDS
        if told and not allowed and not is_held and not lately:
            mail = "transactional mail" if is_transactional(before) else "nobody allowed it"
            found.append(step.violation(PROMISE, f"written to, though {mail}: {told}"))
        elif is_transactional(before) and not agrees(before) and before.ledger is None and tightens:
            found.append(step.violation(PROMISE, f"transactional mail is held: {told}"))
        strange, now = beyond_fields(before), beyond_fields(step.after)
        found += [
            step.violation(PROMISE, f"our write changed its {key}")
            for key in sorted(strange.keys() | now.keys())
            if strange.get(key) != now.get(key)
        ]
        return found

    def _follow(self, step: Step) -> None:
        before, immune = step.before, step.world.immune
        was_allowed = before is not None and may_be_held(before, immune=immune)
        if was_allowed and not may_be_held(step.after, immune=immune):
            self._allowed_until[step.after.uid] = step.after.seen

    def end(self, world: World, *, answering: bool) -> list[Violation]:
        """All is judged as it happens."""
        del world, answering
        return []
