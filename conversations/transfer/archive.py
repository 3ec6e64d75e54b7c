"""The JSON in which Wiz writes conversations: whole trees with every version, run and time, and no system prompt.

What stands in a file is somebody's claim: every field has a type and a bound; reading refuses the rest by its place.
"""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from conversations.attachments import MOST
from conversations.pictures import UPLOAD_LIMIT
from conversations.tool_calls import LONGEST_NAME
from conversations.tool_calls import MOST as MOST_CALLS

FORMAT: Final = "wiz-conversations"
VERSION: Final = 1
LONGEST_DATA: Final = 4 * UPLOAD_LIMIT // 3 + 100  # characters of a data URL

Moment = Annotated[datetime, Meta(tz=True)]
Count = Annotated[int, Meta(ge=0, le=1_000_000_000_000)]
Amount = Annotated[str, Meta(pattern=r"^\d{1,12}(\.\d{1,12})?$")]
Name = Annotated[str, Meta(max_length=200)]
Key = Annotated[str, Meta(min_length=1, max_length=100)]
Status = Literal["queued", "running", "completed", "failed", "cancelled", "interrupted"]


class RunRecord(Struct, omit_defaults=True):
    """One run of an answer."""

    status: Status
    attempt: Annotated[int, Meta(ge=0, le=10_000)] = 0
    provider_name: Annotated[str, Meta(max_length=100)] = ""
    model: Name = ""
    finish_reason: Annotated[str, Meta(max_length=20)] = ""
    usage: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    hops: Annotated[list[dict[str, Any]], Meta(max_length=100)] = msgspec.field(default_factory=list)
    receipt: dict[str, Any] = msgspec.field(default_factory=dict)
    queued_at: Moment | None = None
    started_at: Moment | None = None
    first_token_at: Moment | None = None
    finished_at: Moment | None = None


class AttachmentRecord(Struct, omit_defaults=True):
    """A picture; without ``data``, a data URL, only its name is told."""

    name: Annotated[str, Meta(max_length=200)]
    data: Annotated[str, Meta(max_length=LONGEST_DATA)] = ""


class ToolCallRecord(Struct, omit_defaults=True):
    """A call of a tool; without ``result`` no tool has answered."""

    name: Annotated[str, Meta(max_length=LONGEST_NAME)]
    id: Annotated[str, Meta(max_length=LONGEST_NAME)] = ""
    arguments: str = ""
    result: str | None = None


class MessageRecord(Struct, omit_defaults=True):
    """A message; ``id`` and ``parent`` are names inside the file alone."""

    id: Key
    role: Literal["user", "assistant"]
    content: str
    parent: Key | None = None
    reasoning: str = ""
    tool_calls: Annotated[list[ToolCallRecord], Meta(max_length=MOST_CALLS)] = msgspec.field(default_factory=list)
    agent_name: Annotated[str, Meta(max_length=100)] = ""
    created_at: Moment | None = None
    attachments: Annotated[list[AttachmentRecord], Meta(max_length=MOST)] = msgspec.field(default_factory=list)
    runs: Annotated[list[RunRecord], Meta(max_length=1000)] = msgspec.field(default_factory=list)


class FolderRecord(Struct, omit_defaults=True):
    """The folder of a conversation."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    instructions: Annotated[str, Meta(max_length=20_000)] = ""


class ConversationRecord(Struct, omit_defaults=True):
    """A conversation; ``head`` is the last message of the branch that is shown."""

    title: Name = ""
    agent: Annotated[str, Meta(max_length=100)] | None = None
    head: Key | None = None
    is_pinned: bool = False
    is_archived: bool = False
    is_title_automatic: bool = False
    folder: FolderRecord | None = None
    tags: Annotated[list[str], Meta(max_length=100)] = msgspec.field(default_factory=list)
    created_at: Moment | None = None
    updated_at: Moment | None = None
    messages: list[MessageRecord] = msgspec.field(default_factory=list)


class HeadRecord(Struct):
    """What stands before the conversations."""

    format: Literal["wiz-conversations"]
    version: Literal[1]
    exported_at: Moment | None


class ArchiveRecord(HeadRecord):
    """A whole file."""

    conversations: list[ConversationRecord]


class ClosedRecord(HeadRecord):
    """A whole file whose conversations are not decoded yet."""

    conversations: msgspec.Raw


# What the pages count on in the free parts of a run. Other keys are kept as they are.


class UsageShape(Struct):
    """Tokens and cost."""

    input_tokens: Count = 0
    output_tokens: Count = 0
    cost: Amount | None = None
    certain: bool = False


class ErrorShape(Struct):
    """Why a run failed."""

    code: Annotated[str, Meta(max_length=50)] = ""
    message: str = ""
    hint: str = ""
    detail: str = ""


class HopShape(Struct):
    """Who was left, and why."""

    provider: str = ""
    model: str = ""
    message: str = ""


class AttemptShape(Struct):
    """One attempt."""

    attempt: Count = 0
    model: str = ""
    code: str = ""


class ReceiptShape(Struct):
    """A receipt."""

    provider: str = ""
    model: str = ""
    model_answered: str = ""
    parameters: dict[str, float | str] = msgspec.field(default_factory=dict)
    dropped: list[str] = msgspec.field(default_factory=list)
    messages_sent: Count = 0
    pictures_sent: Count = 0
    pictures_left_out: Count = 0
    folder_instructions: Count = 0
    left_out: dict[str, Count] | None = None
    attempts: list[AttemptShape] = msgspec.field(default_factory=list)
    hops: list[HopShape] = msgspec.field(default_factory=list)
    timings: dict[str, Count | None] | None = None
