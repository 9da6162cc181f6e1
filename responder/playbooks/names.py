"""What may become the name of something that we hold. Each check answers "" or says the fault.

Rendered names are hostile input: they come from the labels of an alert. Workloads, ConfigMaps and
namespaces follow Kubernetes' own rules (RFC 1123); the ids of campaigns, pools, segments and
providers are the sender's, so they may hold anything that is printable, and are compared to the
byte: nothing is trimmed, folded or normalised, for two ids that look alike are two ids.
"""

import re

LONGEST_SUBDOMAIN = 253
LONGEST_LABEL = 63
LONGEST_ID = 200

DNS_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
DNS_SUBDOMAIN = rf"{DNS_LABEL}(\.{DNS_LABEL})*"
CONFIG_MAP_KEY = "[-._a-zA-Z0-9]+"

# The hold documents are ours alone: a plain key under these names would be read as a hold.
OUR_CONFIG_MAP = "sending-holds"
OUR_KEY = "hold.json"


def label_fault(name: str) -> str:
    """Check an RFC 1123 label, the form of namespaces and of playbooks' names."""
    if len(name) > LONGEST_LABEL:
        return f"is longer than {LONGEST_LABEL} characters"
    if re.fullmatch(DNS_LABEL, name) is None:
        return "may hold only a-z, 0-9 and `-`, and must begin and end with a letter or digit"
    return ""


def subdomain_fault(name: str) -> str:
    """Check an RFC 1123 subdomain, the form of the names of workloads and ConfigMaps."""
    if len(name) > LONGEST_SUBDOMAIN:
        return f"is longer than {LONGEST_SUBDOMAIN} characters"
    if re.fullmatch(DNS_SUBDOMAIN, name) is None:
        return "may hold only a-z, 0-9, `-` and `.`, and must begin and end with a letter or digit"
    return ""


def config_map_fault(name: str) -> str:
    """Check the name of a ConfigMap whose plain keys are to be held: never our own."""
    if name == OUR_CONFIG_MAP:
        return "is where the hold documents are kept"
    return subdomain_fault(name)


def key_fault(key: str) -> str:
    """Check a ConfigMap's key as Kubernetes' IsConfigMapKey does, and that it is not our own."""
    if len(key) > LONGEST_SUBDOMAIN:
        return f"is longer than {LONGEST_SUBDOMAIN} characters"
    if re.fullmatch(CONFIG_MAP_KEY, key) is None:
        return "may hold only letters, digits, `-`, `.` and `_`"
    if key == "." or key.startswith(".."):
        return "is refused by Kubernetes"
    if key == OUR_KEY:
        return "is the key of the hold document, which is ours"
    return ""


def id_fault(identifier: str) -> str:
    """Check the id of a campaign, pool, segment or provider."""
    if not identifier:
        return "is empty"
    if len(identifier) > LONGEST_ID:
        return f"is longer than {LONGEST_ID} characters"
    # isprintable() also refuses what hides or reorders text: zero-width and bidirectional marks,
    # unpaired surrogates, and every white space but the plain one.
    if not identifier.isprintable():
        return "holds characters that can't be printed"
    if identifier != identifier.strip():
        return "begins or ends with white space"
    return ""
