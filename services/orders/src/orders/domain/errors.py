"""What an operator or a channel may be refused, and why."""

from chassis.errors import BusinessError, NotFound


class OrderUnknown(NotFound):
    """There is no such order."""

    slug = "order-unknown"


class ProductUnknown(NotFound):
    """There is no such product."""

    slug = "product-unknown"


class ChannelUnknown(NotFound):
    """There is no such channel."""

    slug = "channel-unknown"


class SecretNotWanted(BusinessError):
    """Only a WooCommerce channel has a secret and settings."""

    slug = "secret-not-wanted"


class ClientUnknown(NotFound):
    """The client's card is not known here (yet)."""

    slug = "client-unknown"


class ConfirmationNeeded(BusinessError):
    """Linking overwrites the order's billing data for good: repeat with "overwrite_billing": true."""

    slug = "confirmation-needed"


class SignatureWrong(BusinessError):
    """X-WC-Webhook-Signature is missing, or is not that of the body under the channel's secret."""

    slug = "signature-wrong"
    status = 401


class BodyTooLarge(BusinessError):
    """The body is over 1 MiB."""

    slug = "body-too-large"
    status = 413


class NotAnObject(BusinessError):
    """The body is not a JSON object."""

    slug = "not-a-json-object"
    status = 400
