"""The jambonz platform, 0.9 and later: webhooks, the websocket application API, the media socket of `listen`."""

from media.platforms.base import Platform
from media.platforms.jambonz.call import JambonzCalls
from media.platforms.jambonz.control import JambonzControl
from media.platforms.jambonz.llm import JambonzLlm
from media.platforms.jambonz.media import JambonzMedia
from media.platforms.jambonz.rest import JambonzRest

__all__ = ["PLATFORM"]

PLATFORM = Platform(
    call=JambonzCalls(), llm=JambonzLlm(), media=JambonzMedia, control=JambonzControl(), rest=JambonzRest()
)
