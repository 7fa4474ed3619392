"""Housekeeping: what a service keeps for some time is deleted when that is over, every hour."""

import asyncio

import structlog

from chassis.consume.journal import shorten
from chassis.database import TROUBLE, Database
from chassis.web.idempotency import forget_answers

EVERY = 3600.0
log = structlog.get_logger()


async def keep_house(database: Database, journal_days: int) -> None:
    """Delete what is too old, now and every hour, until cancelled."""
    while True:
        try:
            await shorten(database, journal_days)
            await forget_answers(database)
        except TROUBLE as error:
            log.warning("what is too old was not deleted", error=type(error).__name__)
        await asyncio.sleep(EVERY)
