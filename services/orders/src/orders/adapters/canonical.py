"""Reads the canonical form: what comes by the topic ``intake.orders``, by the API and by imports."""

from chassis.service import Intake
from orders.adapters.envelope import channel_of, read_object, told_plainly, unwrap
from orders.domain.revision import ChannelOrder, Revision, revision_of


def parse(intake: Intake) -> Revision:
    """Read one order in the canonical form. Raises Rejected."""
    letter = unwrap(intake.body)
    channel = channel_of(intake)
    with told_plainly():
        said = ChannelOrder.model_validate(read_object(letter.body))
        return revision_of(
            said,
            channel_id=channel,
            arrival=intake.id,
            body_hash=letter.hash,
            received_at=letter.door.received_at,
        )
