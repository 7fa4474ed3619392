"""What a command says when it cannot do its work."""


class Refusal(Exception):
    """A plain sentence for the person at the terminal: what is wrong and what to do. The command ends with ``code``."""

    code = 1


class NotAsAsked(Refusal):
    """The suite is up, but not as it was asked for; nothing was changed."""

    code = 2
