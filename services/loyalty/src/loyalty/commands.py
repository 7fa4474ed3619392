"""What people ask the service to do."""

from chassis.consume.fold import perform
from chassis.events.unit import Unit
from loyalty import store
from loyalty.domain import Programmes, Terms
from schemas.loyalty import Programme


async def change_programme(unit: Unit, terms: Terms) -> Programme:
    """Give the programme a new version, unless nothing would change; return the last version."""
    programmes: Programmes = await perform(unit, Programmes.change, terms, store.programmes)
    return programmes.versions[-1]
