"""``python -m chassis serve SERVICE [--roles api,consume,relay]`` and ``python -m chassis migrate SERVICE``."""

import argparse
import asyncio

from chassis.run.migrations import migrate
from chassis.run.serve import ROLES, serve
from chassis.run.settings import Settings


def main() -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(prog="python -m chassis", description=__doc__)
    parser.add_argument("action", choices=("serve", "migrate"))
    parser.add_argument("service")
    parser.add_argument("--roles", default=",".join(ROLES), help="roles of the process, comma-separated")
    chosen = parser.parse_args()
    if chosen.action == "migrate":
        asyncio.run(migrate(Settings().database(chosen.service), chosen.service.replace("-", "_")))
        return
    roles = chosen.roles.split(",")
    if unknown := set(roles) - set(ROLES):
        parser.error(f"no such role: {', '.join(sorted(unknown))}")
    serve(chosen.service, roles)


if __name__ == "__main__":
    main()
