"""Logs: one structlog chain for ours and the libraries', JSON or console; never a body, a name or an address."""

import logging
import sys

import structlog

from chassis.errors import place_of


def _say_where(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Replace an exception by its kind and place: its message may quote personal data."""
    caught = event.pop("exc_info", None)
    error = caught[1] if isinstance(caught, tuple) else sys.exc_info()[1] if caught is True else caught
    if isinstance(error, BaseException):
        event["error"], event["at"] = type(error).__name__, place_of(error)
    return event


def configure_logs(form: str, service: str) -> None:
    """Send all logs of the process to standard error in one form (``json`` or ``console``)."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[*shared, _say_where, renderer],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta, _say_where, renderer,
        ])
    )  # fmt: skip
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)
