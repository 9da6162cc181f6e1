"""The people of a scenario: they want something of incidents, by the responder's own door."""

from dataclasses import dataclass
from typing import Final

import aiohttp

from responder.sandbox.stage import NAMESPACE

THIRD_PERSON: Final = {
    "acknowledge": "acknowledges",
    "approve": "approves",
    "reject": "rejects",
    "release": "releases",
}


@dataclass(slots=True)
class People:
    """Whoever speaks for them, with the token of the sandbox."""

    session: aiohttp.ClientSession
    url: str
    token: str

    async def want(self, verb: str, name: str, reason: str) -> str:
        """Give why it was refused; nothing where it was not."""
        path = f"{self.url}/api/v1/incidents/{NAMESPACE}/{name}/{verb}"
        headers = {"Authorization": f"Bearer {self.token}"}
        body = {"by": "a person in the sandbox", "reason": reason}
        async with self.session.post(path, json=body, headers=headers) as answer:
            if answer.ok:
                return ""
            problem = await answer.json(content_type=None)
            return str(problem.get("detail") or f"{answer.status} {answer.reason}")
