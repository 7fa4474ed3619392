"""Action: something for a person to do."""

from datetime import timedelta
from typing import Any, ClassVar, Literal

from pydantic import Field

from automation.actions.action import Action
from automation.domain.run import Occasion
from schemas.automation import TaskRequested
from schemas.values import Name, Text


class CreateTask(Action):
    """Put a task for the client on somebody's list; ``{client}`` in the title becomes the client's name."""

    example: ClassVar[dict[str, Any]] = {
        "action": "create_task", "title": "Zavolat klientovi {client}", "due_in_days": 3, "assignee": "Petr Novotný",
    }  # fmt: skip

    action: Literal["create_task"]
    title: Name
    due_in_days: int = Field(default=7, ge=0, le=3_650)
    assignee: Text = ""

    def request(self, occasion: Occasion) -> TaskRequested:
        due = occasion.at + timedelta(days=self.due_in_days)
        return TaskRequested(**self._head(occasion), title=self.title, due=due, assignee=self.assignee)
