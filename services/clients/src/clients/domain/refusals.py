"""Why something asked of the clients is not done."""

from typing import ClassVar
from uuid import UUID

from chassis.errors import BusinessError, NotFound


class ClientUnknown(NotFound):
    """There is no such client."""

    slug: ClassVar[str] = "client-unknown"


class IdentityUnknown(NotFound):
    """No order and no card has shown this identity yet."""

    slug: ClassVar[str] = "identity-unknown"


class TaskUnknown(NotFound):
    """There is no such task."""

    slug: ClassVar[str] = "task-unknown"


class StatusUnknown(BusinessError):
    """The status is not on the list of statuses."""

    slug: ClassVar[str] = "status-unknown"
    status: ClassVar[int] = 422

    def __init__(self, field: str = "status") -> None:
        super().__init__(errors=[{"field": field, "message": "not on the list of statuses"}])


class StatusTaken(BusinessError):
    """A status of this name is on the list already."""

    slug: ClassVar[str] = "status-taken"


class NumberWrong(BusinessError):
    """An IČO or DIČ fails its check."""

    status: ClassVar[int] = 422
    field: ClassVar[str]

    def __init__(self) -> None:
        super().__init__(errors=[{"field": self.field, "message": "the check digit or the form is wrong"}])


class IcoWrong(NumberWrong):
    """An IČO has eight digits, the last of them a check digit; this one fails the check."""

    slug: ClassVar[str] = "ico-wrong"
    field: ClassVar[str] = "ico"


class DicWrong(NumberWrong):
    """A DIČ begins with its country, a Czech one is checked further; this one fails."""

    slug: ClassVar[str] = "dic-wrong"
    field: ClassVar[str] = "dic"


class NumberTaken(BusinessError):
    """Another client has this number."""

    field: ClassVar[str]

    def __init__(self, client_id: UUID, label: str) -> None:
        super().__init__(
            f"{self.field}: belongs to another client, {label}",
            [{"field": self.field, "message": "taken", "client_id": str(client_id), "label": label}],
        )


class IcoTaken(NumberTaken):
    """Another client has this IČO."""

    slug: ClassVar[str] = "ico-taken"
    field: ClassVar[str] = "ico"


class DicTaken(NumberTaken):
    """Another client has this DIČ, and there is no IČO to tell the two apart."""

    slug: ClassVar[str] = "dic-taken"
    field: ClassVar[str] = "dic"
