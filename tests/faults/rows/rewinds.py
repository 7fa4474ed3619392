"""Databases are set back to a backup while the others go on: everybody comes to agree with what the owners now have."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

from klientela.proof.snapshot import QUIET
from klientela.proof.verify import all_services, prove
from tests.faults.judge import Verdict, compare, everywhere, said
from tests.faults.merchant import Merchant
from tests.faults.row import Draw, Outcome, Row, Run
from tests.faults.setting_back import back_up, set_back
from tests.faults.stage import Stage, a_stage
from tests.faults.story import BEGINNING, Story, found
from tests.rig import SERVICES, Rig

OWNERS = (("orders",), ("clients",), ("orders", "loyalty"), ("clients", "automation"), SERVICES)
CONSUMERS = (("loyalty",), ("automation",), ("service-desk",))
MINUTE, DAY = 4, 150
"""How many new firms buy in the time that is lost."""


def set_databases_back(choices: Sequence[Sequence[str]]) -> Run:
    """A run on a suite of its own, whose logs are no longer one history afterwards."""

    async def run(stage: Stage, random: Draw) -> Outcome:
        rewound = choices[random.number % len(choices)]
        async with a_stage(stage.machine, f"rewound-{'-'.join(rewound)}-{random.number}") as own:
            return await _set_back(own, rewound, random)

    return run


async def _set_back(stage: Stage, rewound: Sequence[str], random: Draw) -> Outcome:
    """Set back what has a minute or a day behind it; every other time business goes on meanwhile."""
    rig, merchant = stage.rig, Merchant(stage.rig, stage.load.shop)
    story, busy = merchant.story, random.number // len(choices_of(rewound)) % 2 == 1
    old = merchant.new_firms(5)
    await merchant.sell(old)
    await rig.settle()
    await merchant.say_whose(old[0], None)
    copies, backup = await back_up(rig, *rewound), story.copy()
    await lose_time(merchant, old, MINUTE if random.short else random.choice([MINUTE, DAY]))
    before = await told(rig)

    verdict = Verdict()
    async with AsyncExitStack() as meanwhile:
        if busy:
            selling = await meanwhile.enter_async_context(asyncio.TaskGroup())
            selling.create_task(merchant.sell(merchant.new_firms(30)))
        await set_back(rig, copies)
    recovery = await stage.load.probe()
    for each in (story, backup):
        each.sent.append(stage.load.inputs.sent[-1])
    await rig.settle()
    if "clients" in rewound:  # what a person said there in the lost time is lost
        story.owners = dict(backup.owners)
    if not busy:
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


def choices_of(rewound: Sequence[str]) -> Sequence[Sequence[str]]:
    """Return among which sets of databases one was chosen."""
    return OWNERS if rewound in OWNERS else CONSUMERS


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
    """Count what ``verify`` does not find proven, and dead letters."""
    findings = await prove(all_services(), {name: rig.dsn(name) for name in rig.names}, 60, lambda _: None)
    verdict.add("stuck", said(finding for finding in findings if finding.name == QUIET))
    verdict.add("lost", said(finding for finding in findings if finding.name != QUIET))
    dead = await everywhere(rig, "select handler, reason from chassis.dead_letters")
    verdict.add("lost", [f"dead letter {letter}" for letter in dead])


ROWS = (
    Row(
        "rewind-owner",
        "a backup of a minute or a day ago restored: of orders, clients, some, all",
        5,
        20,
        set_databases_back(OWNERS),
    ),
    Row(
        "rewind-consumer",
        "a backup of a minute or a day ago restored: of loyalty, automation, service-desk",
        5,
        20,
        set_databases_back(CONSUMERS),
    ),
)
