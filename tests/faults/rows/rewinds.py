"""Databases are set back to a backup while the others go on: everybody comes to agree with what the owners now have."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

import asyncpg

from tests.faults.inputs import NOBODY
from tests.faults.judge import Verdict, add_findings, compare, everywhere, found, two_of_a_firm
from tests.faults.merchant import Merchant
from tests.faults.row import Draw, Outcome, Row, Run
from tests.faults.rows.striking import killed
from tests.faults.setting_back import back_up, set_back
from tests.faults.stage import Stage
from tests.rig import SERVICES, Rig, ServiceUnderTest

OWNERS = (("orders",), ("clients",), ("orders", "loyalty"), ("clients", "automation"), SERVICES)
CONSUMERS = (("loyalty",), ("automation",), ("service-desk",))
ASKED = "restatement.asked"
"""The point at which a consumer has asked an owner and not yet given up what it asked about."""
FEW, MANY = 4, 150
BUYING = {timedelta(minutes=1): FEW, timedelta(days=1): MANY}
"""How much time is lost, and how many new firms buy in it; in a short run as few in a day as in a minute."""


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
    """Set back what has a minute or a day behind it; the suite has recovered when nothing is left to do."""
    rig, merchant, rewound = stage.rig, Merchant(stage.rig, stage.load.shop), rewind.databases
    inputs, lost = merchant.inputs, random.choice(list(BUYING))
    await set_clocks(rig, -lost)
    old = merchant.new_firms(5)
    await merchant.sell(old)
    await rig.settle()
    await merchant.say_whose(old[0], NOBODY)
    await merchant.service_devices(old[1])
    await rig.settle()
    copies, backup = await back_up(rig, *rewound), deepcopy(inputs)
    if "service-desk" not in rewound:  # what is said there alone would be lost with it
        await merchant.service_devices(old[1])
    await lose_time(merchant, old, FEW if random.short else BUYING[lost])
    await set_clocks(rig, timedelta(0), *copies.values())
    before = await told(rig)

    verdict, began = Verdict(), await _strike(merchant, rewind, copies)
    await stage.load.probe()
    for each in (inputs, backup):
        each.sent.append(stage.load.inputs.sent[-1])
    await rig.settle()
    recovery = asyncio.get_running_loop().time() - began
    if "clients" in rewound:  # what a person said there in the lost time is lost
        inputs.owners = backup.owners
    if not rewind.busy or "orders" not in rewound:
        known = replace(inputs, sent=(backup if "orders" in rewound else inputs).sent)
        acted = backup if rewound == SERVICES else inputs
        verdict.add_differences(compare(known.truth(acted.sent), await found(rig)))
        await look_over(rig, verdict)
    await merchant.send_again()
    await rig.settle()
    verdict.add_differences(compare(inputs.truth(), await found(rig)))
    await look_over(rig, verdict)
    after = await told(rig)
    verdict.add("lost", [f"rule's act {act}" for act in before - after])
    if not {"orders", "service-desk"} & set(rewound):  # what they say once more after all is another occasion
        verdict.add("doubled", [f"rule's act {act}" for act in after - before if act in before])
    return Outcome(1, verdict, [recovery])


async def _strike(merchant: Merchant, rewind: Rewind, copies: Mapping[str, str]) -> float:
    """Set databases back and return when that was; where business goes on, a consumer dies once it has asked."""
    async with AsyncExitStack() as meanwhile:
        if rewind.busy:
            business = await meanwhile.enter_async_context(asyncio.TaskGroup())
            business.create_task(merchant.sell(merchant.new_firms(30)))
            if "orders" in rewind.databases and "loyalty" not in rewind.databases:
                business.create_task(die_once_asked(merchant.rig.processes["loyalty"]))
        await set_back(merchant.rig, copies, silently=rewind.silent)
        return asyncio.get_running_loop().time()


async def set_clocks(rig: Rig, ahead: timedelta, *copies: str) -> None:
    """Set the clocks of all services, those of backups too: what is restored finds how late it is by then.

    They go from the past to the present, as business does.
    """
    for database in (*rig.databases.values(), *copies):
        connection = await asyncpg.connect(f"{rig.server.rsplit('/', 1)[0]}/{database}")
        await connection.execute("update chassis.clock set ahead = $1", ahead)
        await connection.close()


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
    await merchant.say_whose(old[4], NOBODY)


async def told(rig: Rig) -> Counter[tuple[str, str]]:
    """Return how often which rule has acted for which client."""
    runs = await rig.rows("automation", "select rule_id::text, client_id::text, count(*) from runs group by 1, 2")
    return Counter({(rule, client): times for rule, client, times in runs})


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
        2 * len(OWNERS),
        20,
        set_databases_back(OWNERS),
        fresh=True,
    ),
    Row(
        "rewind-consumer",
        "a backup of a minute or a day ago restored: of loyalty, automation, service-desk",
        2 * len(CONSUMERS),
        20,
        set_databases_back(CONSUMERS),
        fresh=True,
    ),
    Row(
        "rewind-silent",
        "an image of a minute or a day ago put back, which the database does not know: of any, some, all",
        2 * len((*OWNERS, *CONSUMERS)),
        20,
        set_databases_back((*OWNERS, *CONSUMERS), silently=True),
        fresh=True,
    ),
)
