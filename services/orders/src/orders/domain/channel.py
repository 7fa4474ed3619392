"""Where orders come from."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from orders.domain.errors import SecretNotWanted
from schemas.event import Value
from schemas.values import Name


def token_hash(token: str) -> bytes:
    """Return what is kept of a channel's token."""
    return hashlib.sha256(token.encode(errors="replace")).digest()


ChannelKind = Literal["woocommerce", "kafka", "import"]


class MetaKeys(Value):
    """Under which keys a shop's plug-ins put IČO and DIČ; the first that holds something counts."""

    ico_keys: tuple[Name, ...] = Field(default=("_billing_ic", "billing_ic"), max_length=20)
    dic_keys: tuple[Name, ...] = Field(default=("_billing_dic", "billing_dic"), max_length=20)


@dataclass(frozen=True, slots=True)
class Channel:
    """One shop, marketplace, ERP or import; ``token_hash`` is all that is kept of a token."""

    id: UUID
    kind: ChannelKind
    name: str
    created_at: datetime
    secret: str = ""
    token_hash: bytes | None = None
    settings: MetaKeys = field(default_factory=MetaKeys)

    def changed(self, name: str | None, secret: str | None, settings: MetaKeys | None) -> "Channel":
        """Return the channel with what is given in place of what it has. Raises SecretNotWanted."""
        if self.kind != "woocommerce" and (secret or settings):
            raise SecretNotWanted
        keys = settings.model_dump(exclude_unset=True) if settings else {}
        merged = self.settings.model_copy(update=keys)
        return replace(self, name=name or self.name, secret=secret or self.secret, settings=merged)
