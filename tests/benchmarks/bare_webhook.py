"""The peer for duplicates: bare aiohttp that parses the same body into the same models."""

import sys

from aiohttp import web

from responder.alerts.notification import read_alertmanager


async def webhook(request: web.Request) -> web.StreamResponse:
    reading = read_alertmanager(await request.read())
    return web.json_response({"alerts": len(reading.notification.alerts)})


def main() -> None:
    app = web.Application(client_max_size=4 * 2**20)
    app.router.add_post("/webhooks/alertmanager", webhook)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)


if __name__ == "__main__":
    main()
