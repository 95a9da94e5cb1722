"""`python -m appliance run | healthcheck | reset-password | inventory [--json]`: all there is outside the browser."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import http.client
import json
import logging
import os
import sys

from appliance.settings.bootstrap import BadEnvironment, Bootstrap, read_environment, unknown_variables

BAD_ENVIRONMENT = 2


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m appliance", description="Meshbox. Everything is configured in the browser."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="run the box")
    commands.add_parser("healthcheck", help="exit 0 when the box on this machine is alive")
    commands.add_parser("reset-password", help="set a new admin password (asked for, or read from standard input)")
    inventory = commands.add_parser("inventory", help="show what this machine has")
    inventory.add_argument("--json", action="store_true", dest="as_json")
    options = parser.parse_args()
    try:
        bootstrap = read_environment()
        match options.command:
            case "run":
                return run_box(bootstrap)
            case "healthcheck":
                return healthcheck(bootstrap)
            case "reset-password":
                return reset_password(bootstrap)
            case _:
                return show_inventory(as_json=options.as_json)
    except BadEnvironment as error:
        print(error, file=sys.stderr)
        return BAD_ENVIRONMENT


# Each command imports what it needs itself: a health check every few seconds must not load the whole box.


def run_box(bootstrap: Bootstrap) -> int:
    import uvloop  # noqa: PLC0415

    from appliance.logs import set_up_logging  # noqa: PLC0415
    from appliance.main import run  # noqa: PLC0415

    bootstrap.check()
    ring = set_up_logging(bootstrap.log)
    for warning in unknown_variables(os.environ):
        logging.getLogger("meshbox").warning("%s", warning)
    return uvloop.run(run(bootstrap, ring))


def healthcheck(bootstrap: Bootstrap) -> int:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bootstrap.bind, bootstrap.bind)  # noqa: S104 - compared, not bound
    connection = http.client.HTTPConnection(host, bootstrap.web_port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return 0 if connection.getresponse().status == http.HTTPStatus.OK else 1
    except (OSError, http.client.HTTPException) as error:
        print(f"The box does not answer on port {bootstrap.web_port}: {error}", file=sys.stderr)
        return 1
    finally:
        connection.close()


def reset_password(bootstrap: Bootstrap) -> int:
    """Stores a new password; a running box takes it at the next login and ends the old sessions."""
    from appliance.storage.folder import DataFolder  # noqa: PLC0415
    from appliance.storage.passwords import MIN_LENGTH, store_password  # noqa: PLC0415

    password = getpass.getpass("New admin password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if len(password) < MIN_LENGTH:
        print(f"The password must have at least {MIN_LENGTH} characters; nothing was changed.", file=sys.stderr)
        return 1
    try:
        asyncio.run(store_password(DataFolder(bootstrap.data).secrets, password))
    except OSError as error:
        print(f"The password could not be stored: {error}", file=sys.stderr)
        return 1
    print("The password was changed. Every login made with the old one has ended.")
    return 0


def show_inventory(*, as_json: bool) -> int:
    from appliance.hardware.inventory import describe, to_json  # noqa: PLC0415
    from appliance.hardware.probe import Prober  # noqa: PLC0415

    found = Prober().probe()
    print(json.dumps(to_json(found), indent=2) if as_json else "\n".join(describe(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
