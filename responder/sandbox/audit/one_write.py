"""Promise 4: the change and its ledger travel in one write."""

from responder.sandbox.audit.rules import Step, Violation
from responder.sandbox.audit.versions import INCIDENT, LEDGER, Writer, shown
from responder.sandbox.audit.world import Target, World, target_of

PROMISE = "4, one write"


class OneWrite:
    """Looks for a change of ours without its ledger, and for a ledger without its change."""

    def __init__(self) -> None:
        self._altered: dict[Target, Violation] = {}
        """Values that are not what the same write's ledger tells: by admission, or by mistake."""

    def see(self, step: Step) -> list[Violation]:
        if step.after.kind == INCIDENT:
            self._excuse(step)
        if not step.is_ours:
            return []
        entries = step.after.ledger or {}
        self._compare(step)
        found = []
        for change in step.changes:
            if change.field == LEDGER:
                continue
            if change.by is Writer.HOLDER and change.field not in entries:
                violation = step.violation(PROMISE, f"{change}, and no ledger tells of it")
                if LEDGER in step.after.annotations:
                    found.append(violation)
                else:
                    # Admission may have taken it out: then an incident reports that.
                    self._altered.setdefault(target_of(step.after), violation)
            if change.by is Writer.GIVER and change.field in entries:
                found.append(step.violation(PROMISE, f"{change}, and it still is in the ledger"))
        return found

    def _excuse(self, step: Step) -> None:
        incident = step.world.incidents.get(step.after.uid)
        for target in list(self._altered):
            if incident is not None and incident.excuses(target):
                del self._altered[target]

    def _compare(self, step: Step) -> None:
        """Compare what this very write tells with what it did."""
        before = (step.before.ledger if step.before else None) or {}
        ours = {change.field for change in step.changes if change.by is Writer.HOLDER}
        for name, entry in sorted((step.after.ledger or {}).items()):
            applied, value = entry.get("applied"), step.after.fields.get(name)
            told = name in ours or before.get(name, {"applied": None})["applied"] != applied
            if told and value != applied:
                violation = step.violation(
                    PROMISE, f"the ledger has {shown(applied)} for {name}, which is {shown(value)}"
                )
                self._altered.setdefault(target_of(step.after), violation)

    def end(self, world: World, *, answering: bool) -> list[Violation]:
        """Judge what is told as altered by nobody's incident."""
        del world, answering
        return list(self._altered.values())
