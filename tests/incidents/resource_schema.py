"""The schema of the Incident resource as it is installed, to hold what is written against it."""

from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

CRD = Path(__file__).parents[2] / "k8s" / "base" / "crd.yaml"


@cache
def _validator() -> jsonschema.protocols.Validator:
    """A structural schema is a JSON Schema but for Kubernetes' own words, which are passed over."""
    definition = yaml.safe_load(CRD.read_text())
    version = definition["spec"]["versions"][0]
    return jsonschema.Draft202012Validator(version["schema"]["openAPIV3Schema"])


def fault(incident: dict[str, Any]) -> str:
    """Tell why the API server would refuse it; empty where it would not."""
    found = jsonschema.exceptions.best_match(_validator().iter_errors(incident))
    return "" if found is None else f"{found.json_path}: {found.message[:200]}"


def without_nulls(told: dict[str, Any]) -> dict[str, Any]:
    """Give what a merge patch leaves of it."""
    return {
        key: without_nulls(value) if isinstance(value, dict) else value
        for key, value in told.items()
        if value is not None
    }
