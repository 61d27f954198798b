"""What may be asked of a conversation that goes on, and in which shape: by operators, tools and applications. Pure."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self

from pybase64 import b64decode
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from calls.control import OrderError
from media.requests import AddItem, Interrupt, PauseInput, Request, Reset, RetrieveItem, SendEvent
from verbs.base import JsonObject

MAX_ID_CHARS: Final = 64
MAX_PAUSE_S: Final = 3600.0
IMAGES: Final = ("data:image/png;base64,", "data:image/jpeg;base64,")
"The Realtime API takes no URLs that lead elsewhere, and no other kinds."
PARTS: Final = {"user": {"input_text", "input_image"}, "system": {"input_text"}, "assistant": {"output_text"}}
Role = Literal["user", "system", "assistant"]
Id = Annotated[str, Field(min_length=1, max_length=MAX_ID_CHARS)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class _Asked(_Shape, ABC):
    @abstractmethod
    def request(self) -> Request: ...


class _Image(_Shape):
    """A part that holds one."""

    type: Literal["input_image"]
    image_url: str
    detail: Literal["auto", "low", "high"] = "auto"

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if not self.image_url.startswith(IMAGES):
            raise ValueError(f"image_url must begin with {' or '.join(IMAGES)}")
        try:
            image = b64decode(self.image_url.partition(",")[2], validate=True)
        except ValueError:
            image = b""
        if not image:
            raise ValueError("image_url must hold an image in base64")
        return self


class _Words(_Shape):
    type: Literal["input_text", "output_text"]
    text: Annotated[str, Field(min_length=1)]


class _Message(_Shape):
    type: Literal["message"] = "message"
    id: Id | None = None
    role: Role
    content: Annotated[list[Annotated[_Words | _Image, Field(discriminator="type")]], Field(min_length=1)]

    @model_validator(mode="after")
    def _may_say_that(self) -> Self:
        for part in self.content:
            if part.type not in PARTS[self.role]:
                raise ValueError(f"a message of the {self.role} holds {' and '.join(sorted(PARTS[self.role]))} only")
        return self


class _Added(_Asked):
    """An item as the Realtime API has it, or what one is made of."""

    item: JsonObject | None = None
    previous_item_id: Id | None = None
    role: Role = "user"
    text: str | None = None
    image_url: str | None = None
    detail: str = "auto"

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if self.item is not None and {"role", "text", "image_url", "detail"} & self.model_fields_set:
            raise ValueError("item says all of it: leave role, text, image_url and detail out")
        if self.item is None and self.text is None and self.image_url is None:
            raise ValueError("text, image_url or item must be there")
        return self

    def request(self) -> Request:
        item = {"role": self.role, "content": self._parts()} if self.item is None else self.item
        return AddItem(_Message.model_validate(item).model_dump(exclude_none=True), self.previous_item_id)

    def _parts(self) -> list[JsonObject]:
        kind = "output_text" if self.role == "assistant" else "input_text"
        words = [] if self.text is None else [{"type": kind, "text": self.text}]
        image = {"type": "input_image", "image_url": self.image_url, "detail": self.detail}
        return [*words, *([] if self.image_url is None else [image])]


class _Retrieved(_Asked):
    item_id: Id

    def request(self) -> Request:
        return RetrieveItem(self.item_id)


class _Sent(_Asked):
    event: JsonObject

    def request(self) -> Request:
        return SendEvent(self.event)


class _Input(_Asked):
    paused: bool
    for_s: Annotated[float, Field(gt=0, le=MAX_PAUSE_S)] | None = None

    def request(self) -> Request:
        return PauseInput(self.paused) if self.for_s is None else PauseInput(self.paused, self.for_s)


class _Interrupted(_Asked):
    def request(self) -> Request:
        return Interrupt()


class _Reset(_Asked):
    history: bool | Literal["keep", "drop"] = True

    def request(self) -> Request:
        return Reset(self.history in {True, "keep"})


ASKED: Final[Mapping[str, type[_Asked]]] = {
    "items": _Added,
    "item": _Retrieved,
    "events": _Sent,
    "input": _Input,
    "interrupt": _Interrupted,
    "reset": _Reset,
}
"What can be asked of a conversation, by the name of it."


def request_of(name: str, told: object) -> Request:
    """Read what is asked.

    :raises OrderError: it is not of the shape that it must have
    """
    try:
        return ASKED[name].model_validate(told).request()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        said = first["msg"].removeprefix("Value error, ")
        raise OrderError(f"{place}: {said}" if place else said) from error
