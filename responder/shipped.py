"""The files that come with the responder: rules, playbooks, and the resource definition.

They stand at the top of the repository, where people read and copy them; the wheel carries copies.
"""

from pathlib import Path

_HERE = Path(__file__).parent
_COPIES = _HERE / "copies"
_REPOSITORY = _HERE.parent

_ROOT = _COPIES if _COPIES.is_dir() else _REPOSITORY

PLAYBOOKS = _ROOT / "rules" / "playbooks"
METRICS = _ROOT / "rules" / "metrics"
ALERT_RULES = _ROOT / "rules" / "alerts"
MANIFESTS = _COPIES / "k8s" if _COPIES.is_dir() else _REPOSITORY / "k8s" / "base"
