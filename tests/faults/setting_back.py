"""Setting databases back to copies of them, as `klientela restore` does, while the other services go on."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from uuid import uuid4

import asyncpg

from chassis.database import run_formatted
from tests.rig import Rig, until


async def back_up(rig: Rig, *names: str) -> dict[str, str]:
    """Copy databases while their services stand still; return the copies' names."""
    await asyncio.gather(*(asyncio.to_thread(rig.processes[name].stop) for name in names))
    copies = {name: f"{rig.databases[name]}_{uuid4().hex[:6]}" for name in names}
    for name in names:
        await copy_database(rig, rig.databases[name], copies[name])
    await asyncio.gather(*(asyncio.to_thread(rig.processes[name].start) for name in names))
    return copies


async def set_back(rig: Rig, copies: Mapping[str, str], *, silently: bool = False) -> None:
    """Put the copies in the databases' places, as ``restore`` does: under a stamp of their own.

    One that is set back ``silently``, as an image of a disk is, does not know of it.
    """
    await asyncio.gather(*(asyncio.to_thread(rig.processes[name].stop) for name in copies))
    for name, copy in copies.items():
        await copy_database(rig, copy, rig.databases[name])
        await drop_database(rig, copy)
        process = rig.processes[name]
        if not silently:
            process.environment = {**process.environment, "KLIENTELA_RESTORE_STAMP": uuid4().hex}
    await asyncio.gather(*(asyncio.to_thread(rig.processes[name].start) for name in copies))


async def copy_database(rig: Rig, source: str, target: str) -> None:
    await drop_database(rig, target)
    server = await asyncpg.connect(rig.server)

    async def copied() -> bool:
        with suppress(asyncpg.ObjectInUseError):  # a session of the stopped service is still going
            await run_formatted(server, "create database %I template %I", target, source)
            return True
        return False

    try:
        await until(copied)
    finally:
        await server.close()


async def drop_database(rig: Rig, name: str) -> None:
    server = await asyncpg.connect(rig.server)
    await run_formatted(server, "drop database if exists %I with (force)", name)
    await server.close()
