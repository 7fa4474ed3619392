"""Databases are set back to a backup while the others go on: everybody comes to agree with what the owners now have."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import NamedTuple

from tests.faults.judge import Verdict, add_findings, compare, everywhere, two_of_a_firm
from tests.faults.merchant import Merchant
from tests.faults.row import Draw, Outcome, Row, Run
from tests.faults.rows.processes import killed
from tests.faults.setting_back import back_up, set_back
from tests.faults.stage import Stage
from tests.faults.story import BEGINNING, Story, found
from tests.rig import SERVICES, Rig, ServiceUnderTest

OWNERS = (("orders",), ("clients",), ("orders", "loyalty"), ("clients", "automation"), SERVICES)
CONSUMERS = (("loyalty",), ("automation",), ("service-desk",))
ASKED = "restatement.asked"
"""The point at which a consumer has asked an owner and not yet given up what it asked about."""
MINUTE, DAY = 4, 150
"""How many new firms buy in the time that is lost."""


class Rewind(NamedTuple):
    """Which databases are set back, whether they know, and whether business goes on meanwhile."""

    databases: Sequence[str]
    silent: bool
    busy: bool


def set_databases_back(choices: Sequence[Sequence[str]], *, silently: bool = False) -> Run:
    """A run after which the logs are no longer one history; every other round is busy."""

    async def run(stage: Stage, random: Draw) -> Outcome:
        round_, n = divmod(random.number, len(choices))
        return await _set_back(stage, Rewind(choices[n], silently, busy=round_ % 2 == 1), random)

    return run


async def _set_back(stage: Stage, rewind: Rewind, random: Draw) -> Outcome:
    """Set back what has a minute or a day behind it; where business goes on, a consumer dies once it has asked."""
    rig, merchant, rewound = stage.rig, Merchant(stage.rig, stage.load.shop), rewind.databases
    story = merchant.story
    old = merchant.new_firms(5)
    await merchant.sell(old)
    await rig.settle()
    await merchant.say_whose(old[0], None)
    copies, backup = await back_up(rig, *rewound), story.copy()
    await lose_time(merchant, old, MINUTE if random.short else random.choice([MINUTE, DAY]))
    before = await told(rig)

    verdict = Verdict()
    async with AsyncExitStack() as meanwhile:
        if rewind.busy:
            business = await meanwhile.enter_async_context(asyncio.TaskGroup())
            business.create_task(merchant.sell(merchant.new_firms(30)))
            if "orders" in rewound and "loyalty" not in rewound:
                business.create_task(die_once_asked(rig.processes["loyalty"]))
        await set_back(rig, copies, silently=rewind.silent)
    recovery = await stage.load.probe()
    for each in (story, backup):
        each.sent.append(stage.load.inputs.sent[-1])
    await rig.settle()
    if "clients" in rewound:  # what a person said there in the lost time is lost
        story.owners = dict(backup.owners)
    if not rewind.busy or "orders" not in rewound:
        known, acted = Story(), backup if rewound == SERVICES else story
        known.sent, known.owners = (backup if "orders" in rewound else story).sent, story.owners
        verdict.add_differences(compare(known.truth(acted), await found(rig), BEGINNING))
        await look_over(rig, verdict)
    await merchant.send_again()
    await rig.settle()
    verdict.add_differences(compare(story.truth(story), await found(rig), BEGINNING))
    await look_over(rig, verdict)
    verdict.add("lost", [f"rule's act {act}" for act in before - await told(rig)])
    return Outcome(1, verdict, [recovery])


async def die_once_asked(process: ServiceUnderTest) -> None:
    """Have a consumer killed between asking an owner to restate and giving up what it asked about."""
    await asyncio.to_thread(process.stop)
    process.fault = f"{ASKED}:1:kill"
    process.spawn()
    await killed(process)
    process.fault = ""
    await asyncio.to_thread(process.start)


async def lose_time(merchant: Merchant, old: list[str], firms: int) -> None:
    """Sell and relink in the time that will be lost."""
    new = merchant.new_firms(firms)
    await merchant.sell([*new, old[4], old[1]])
    await merchant.rig.settle()
    await merchant.say_whose(old[0], old[1])
    await merchant.say_whose(new[0], old[1])
    await merchant.say_whose(old[4], None)


async def told(rig: Rig) -> set[tuple[str, str]]:
    """Return which rule has acted on which client's what."""
    runs = await rig.rows("automation", "select distinct rule_id::text, client_id::text from runs")
    return {(row[0], row[1]) for row in runs}


async def look_over(rig: Rig, verdict: Verdict) -> None:
    """Count what ``verify`` does not find proven, firms with two clients, and dead letters.

    Which event came in which order is told by versions alone, which ``verify`` looks at: an owner that hears something
    again, after it was set back, says the same under the same id, at another number.
    """
    await add_findings(verdict, rig, 60)
    verdict.add("doubled", await two_of_a_firm(rig))
    dead = await everywhere(rig, "select handler, reason from chassis.dead_letters")
    verdict.add("lost", [f"dead letter {letter}" for letter in dead])


ROWS = (
    Row(
        "rewind-owner",
        "a backup of a minute or a day ago restored: of orders, clients, some, all",
        5,
        20,
        set_databases_back(OWNERS),
        fresh=True,
    ),
    Row(
        "rewind-consumer",
        "a backup of a minute or a day ago restored: of loyalty, automation, service-desk",
        5,
        20,
        set_databases_back(CONSUMERS),
        fresh=True,
    ),
    Row(
        "rewind-silent",
        "an image of a minute or a day ago put back, which the database does not know: of any, some, all",
        8,
        20,
        set_databases_back((*OWNERS, *CONSUMERS), silently=True),
        fresh=True,
    ),
)
