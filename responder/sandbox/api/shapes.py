"""The fields of each built-in kind, as far as anything here looks at them, with their types."""

from typing import Any, Final

from responder.sandbox.api.decoding import (
    BYTES,
    FLAG,
    LONG,
    MICRO_TIME,
    NUMBER,
    TEXT,
    TEXTS,
    TIME,
    Shape,
)
from responder.sandbox.api.kinds import Kind

_Fields = dict[str, Any]
_OWNER: Final[_Fields] = {
    **dict.fromkeys(("apiVersion", "kind", "name", "uid"), TEXT),
    "controller": FLAG,
    "blockOwnerDeletion": FLAG,
}
_ENTRY: Final[_Fields] = {
    **dict.fromkeys(("manager", "operation", "subresource", "apiVersion", "fieldsType"), TEXT),
    "time": TIME,
}
METADATA: Final[_Fields] = {
    **dict.fromkeys(("name", "generateName", "namespace", "uid", "resourceVersion"), TEXT),
    "labels": TEXTS,
    "annotations": TEXTS,
    "finalizers": [TEXT],
    "ownerReferences": [_OWNER],
    "managedFields": [_ENTRY],
    "creationTimestamp": TIME,
    "deletionTimestamp": TIME,
    "deletionGracePeriodSeconds": LONG,
    "generation": LONG,
}
_NAMED: Final[_Fields] = {"name": TEXT}
_CONDITIONS: Final[list[Any]] = [
    dict.fromkeys(("type", "status", "reason", "message", "lastTransitionTime"), TEXT)
]
_SELECTOR: Final[_Fields] = {
    "matchLabels": TEXTS,
    "matchExpressions": [{"key": TEXT, "operator": TEXT, "values": [TEXT]}],
}
_CONTAINER: Final[_Fields] = {
    "name": TEXT,
    "image": TEXT,
    "command": [TEXT],
    "args": [TEXT],
    "env": [{"name": TEXT, "value": TEXT}],
    "ports": [{"name": TEXT, "containerPort": NUMBER, "protocol": TEXT}],
    "volumeMounts": [{"name": TEXT, "mountPath": TEXT}],
}
_POD: Final[_Fields] = {
    "containers": [_CONTAINER],
    "initContainers": [_CONTAINER],
    "imagePullSecrets": [_NAMED],
    "nodeName": TEXT,
    "volumes": [_NAMED],
}
_COUNTS: Final[_Fields] = dict.fromkeys(
    (
        *("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"),
        *("fullyLabeledReplicas", "unavailableReplicas", "currentReplicas", "desiredReplicas"),
    ),
    NUMBER,
)
_WORKLOAD: Final[_Fields] = {
    "spec": {
        "replicas": NUMBER,
        "selector": _SELECTOR,
        "template": {"metadata": METADATA, "spec": _POD},
        "paused": FLAG,
        "strategy": {"type": TEXT},
    },
    "status": {**_COUNTS, "observedGeneration": LONG, "conditions": _CONDITIONS},
}
_REFERENCE: Final[_Fields] = dict.fromkeys(
    ("apiVersion", "kind", "name", "namespace", "uid", "resourceVersion", "fieldPath"), TEXT
)
_EVENT: Final[_Fields] = {
    **dict.fromkeys(("note", "reason", "type", "action"), TEXT),
    **dict.fromkeys(("reportingController", "reportingInstance"), TEXT),
    "eventTime": MICRO_TIME,
    "regarding": _REFERENCE,
    "related": _REFERENCE,
    "series": {"count": NUMBER, "lastObservedTime": MICRO_TIME},
    "deprecatedCount": NUMBER,
    "deprecatedSource": {"component": TEXT, "host": TEXT},
    "deprecatedFirstTimestamp": TIME,
    "deprecatedLastTimestamp": TIME,
}
_RULES: Final[_Fields] = {
    "rules": [
        {
            key: [TEXT]
            for key in ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")
        }
    ]
}
_BINDING: Final[_Fields] = {
    "subjects": [dict.fromkeys(("kind", "name", "namespace", "apiGroup"), TEXT)],
    "roleRef": dict.fromkeys(("kind", "name", "apiGroup"), TEXT),
}
_SCHEMA: Final[_Fields] = {
    **dict.fromkeys(("type", "format", "pattern", "description"), TEXT),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), LONG),
    **dict.fromkeys(("minProperties", "maxProperties"), LONG),
    "required": [TEXT],
    "nullable": FLAG,
    "x-kubernetes-list-map-keys": [TEXT],
    "x-kubernetes-list-type": TEXT,
    "x-kubernetes-map-type": TEXT,
    "x-kubernetes-validations": [{"rule": TEXT, "message": TEXT, "fieldPath": TEXT}],
}
_SCHEMA["properties"] = {"*": _SCHEMA}
_SCHEMA["items"] = _SCHEMA
"""`additionalProperties` may be a schema, or true."""
_DEFINITION: Final[_Fields] = {
    "spec": {
        "group": TEXT,
        "scope": TEXT,
        "names": {
            **dict.fromkeys(("kind", "plural", "singular", "listKind"), TEXT),
            "shortNames": [TEXT],
            "categories": [TEXT],
        },
        "versions": [
            {
                "name": TEXT,
                "served": FLAG,
                "storage": FLAG,
                "schema": {"openAPIV3Schema": _SCHEMA},
                "subresources": {"status": {}, "scale": {}},
                "additionalPrinterColumns": [
                    {"name": TEXT, "type": TEXT, "jsonPath": TEXT, "priority": NUMBER}
                ],
            }
        ],
    },
    "status": {"conditions": _CONDITIONS, "storedVersions": [TEXT]},
}
_ASKED: Final[_Fields] = {
    "user": TEXT,
    "groups": [TEXT],
    "resourceAttributes": dict.fromkeys(
        ("verb", "group", "version", "resource", "subresource", "namespace", "name"), TEXT
    ),
    "nonResourceAttributes": {"verb": TEXT, "path": TEXT},
}
_KINDS: Final[dict[str, _Fields]] = {
    "ConfigMap": {"data": TEXTS, "binaryData": {"*": BYTES}, "immutable": FLAG},
    "Secret": {"data": {"*": BYTES}, "stringData": TEXTS, "immutable": FLAG, "type": TEXT},
    "Namespace": {"spec": {"finalizers": [TEXT]}, "status": {"phase": TEXT}},
    "Service": {"spec": {"type": TEXT, "clusterIP": TEXT, "selector": TEXTS, "ports": [{}]}},
    "Pod": {"spec": _POD, "status": {"phase": TEXT, "conditions": _CONDITIONS}},
    "Event": _EVENT,
    "Deployment": _WORKLOAD,
    "ReplicaSet": _WORKLOAD,
    "HorizontalPodAutoscaler": {
        "spec": {
            "minReplicas": NUMBER,
            "maxReplicas": NUMBER,
            "scaleTargetRef": {"apiVersion": TEXT, "kind": TEXT, "name": TEXT},
            "metrics": [{"type": TEXT}],
            "behavior": {},
        },
        "status": {**_COUNTS, "observedGeneration": LONG, "conditions": _CONDITIONS},
    },
    "Lease": {
        "spec": {
            "holderIdentity": TEXT,
            "leaseDurationSeconds": NUMBER,
            "leaseTransitions": NUMBER,
            "acquireTime": MICRO_TIME,
            "renewTime": MICRO_TIME,
        }
    },
    "Role": _RULES,
    "ClusterRole": _RULES,
    "RoleBinding": _BINDING,
    "ClusterRoleBinding": _BINDING,
    "CustomResourceDefinition": _DEFINITION,
    "ValidatingAdmissionPolicy": {"spec": {}, "status": {}},
    "ValidatingAdmissionPolicyBinding": {"spec": {}},
    "TokenReview": {"spec": {"token": TEXT, "audiences": [TEXT]}},
    "SubjectAccessReview": {"spec": _ASKED},
    "SelfSubjectAccessReview": {"spec": _ASKED},
    "SelfSubjectRulesReview": {"spec": {"namespace": TEXT}},
}
TOKEN_REQUEST: Final[_Fields] = {
    "metadata": METADATA,
    "spec": {"audiences": [TEXT], "expirationSeconds": LONG},
}
SCALE: Final[_Fields] = {"metadata": METADATA, "spec": {"replicas": NUMBER}}
JSON_PATCH: Final[list[_Fields]] = [dict.fromkeys(("op", "path", "from"), TEXT)]
DELETE_OPTIONS: Final[_Fields] = {
    "propagationPolicy": TEXT,
    "gracePeriodSeconds": LONG,
    "dryRun": [TEXT],
    "orphanDependents": FLAG,
    "preconditions": {"uid": TEXT, "resourceVersion": TEXT},
}


def of(kind: Kind) -> Shape:
    """A custom resource is read by its schema; only its metadata is everybody's."""
    own = {} if kind.custom else _KINDS.get(kind.kind, {})
    return {"apiVersion": TEXT, "kind": TEXT, "metadata": METADATA, **own}
