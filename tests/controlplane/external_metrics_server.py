"""An aggregated API server for external.metrics.k8s.io whose values are whatever was PUT there.

A program of its own: `python external_metrics_server.py PORT CERTIFICATE KEY`. It trusts everybody
who reaches it, which is the API server on this machine.
"""

import datetime as dt
import logging
import ssl
import sys
from typing import Any

from aiohttp import web

GROUP_VERSION = "external.metrics.k8s.io/v1beta1"
_ROOT = f"/apis/{GROUP_VERSION}"
_VALUE = f"{_ROOT}/namespaces/{{namespace}}/{{metric}}"
_Values = dict[tuple[str, str], str]
_VALUES = web.AppKey("values", _Values)


def _key(request: web.Request) -> tuple[str, str]:
    return request.match_info["namespace"], request.match_info["metric"]


async def _discovery(_: web.Request) -> web.Response:
    return web.json_response(
        {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": GROUP_VERSION,
            "resources": [],
        }
    )


async def _get(request: web.Request) -> web.Response:
    """An unknown metric is an empty list, which an autoscaler reports and doesn't act on."""
    value = request.app[_VALUES].get(_key(request))
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    items: list[dict[str, Any]] = [
        {
            "metricName": request.match_info["metric"],
            "metricLabels": {},
            "timestamp": now,
            "value": value,
        }
    ]
    return web.json_response(
        {
            "kind": "ExternalMetricValueList",
            "apiVersion": GROUP_VERSION,
            "metadata": {},
            "items": items if value is not None else [],
        }
    )


async def _put(request: web.Request) -> web.Response:
    request.app[_VALUES][_key(request)] = str((await request.json())["value"])
    return web.json_response({})


async def _delete(request: web.Request) -> web.Response:
    request.app[_VALUES].pop(_key(request), None)
    return web.json_response({})


def main() -> None:
    port, certificate, key = sys.argv[1:]
    logging.basicConfig(level=logging.INFO)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    app = web.Application()
    app[_VALUES] = {}
    app.add_routes(
        [
            web.get(_ROOT, _discovery),
            web.get(_VALUE, _get),
            web.put(_VALUE, _put),
            web.delete(_VALUE, _delete),
        ]
    )
    web.run_app(app, host="127.0.0.1", port=int(port), ssl_context=context, print=None)


if __name__ == "__main__":
    main()
