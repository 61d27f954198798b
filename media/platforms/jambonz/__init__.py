"""The jambonz platform, 0.9 and later: webhooks and the media socket of its `listen` verb."""

from media.platforms.base import Platform
from media.platforms.jambonz.call import JambonzCalls
from media.platforms.jambonz.media import JambonzMedia

__all__ = ["PLATFORM"]

PLATFORM = Platform(call=JambonzCalls(), media=JambonzMedia)
