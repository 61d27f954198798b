"""Files and libraries that no call shall wait for: they are loaded when a configuration is taken up."""

import structlog

from calls.carrying import asks_servers, changes_rate
from config.settings import Settings
from hooks.mcp import servers
from media.audio import clip, preload

log = structlog.get_logger("calls")


def load_sounds(settings: Settings) -> None:
    """Load what routes need to change rates and to fill a wait."""
    if any(changes_rate(route, settings.platform.version) for route in settings.routes):
        preload()
    for route in (route for route in settings.routes if route.media.hold_clip):
        try:
            clip(str(route.media.hold_clip), route.media.sample_rate_hz)
        except (OSError, ValueError) as error:
            log.error("hold_clip_refused", route=route.name, message=str(error), instead="a soft tone")  # noqa: TRY400  # as it says


def load_servers(settings: Settings) -> None:
    """Load what asks servers of tools, where a route names any."""
    if any(asks_servers(route, settings.platform.version) for route in settings.routes):
        servers.preload()
