"""What is put on the servers: the model's manner of speaking, the caller's rate, and what else differs between runs."""

from dataclasses import dataclass
from typing import Literal

Mode = Literal["realtime", "bursts", "barge_ins"]


@dataclass(frozen=True, slots=True)
class Variant:
    mode: Mode = "realtime"
    rate_hz: int = 24000
    "Of the platform's audio. At 8000 the model speaks G.711, so that no bridge has to change a rate."
    tls: bool = False
    "On the model's side."
    processes: int = 1
    bad_hooks: bool = False
    "The application refuses, redirects, drips, bombs and is silent by turns: `bad_sink.py`."
    tones: bool = False
    "Latency by the onsets of tones, for a server that does not pass samples on as they are."

    @property
    def needs_native(self) -> bool:
        """Whether the load that is written in Python cannot do it."""
        return self.mode == "barge_ins" or self.rate_hz != 24000 or self.tls or self.tones

    @property
    def name(self) -> str:
        said = [
            "" if self.mode == "realtime" else self.mode.replace("_", " "),
            "" if self.rate_hz == 24000 else f"{self.rate_hz // 1000} kHz",
            "TLS" if self.tls else "",
            "" if self.processes == 1 else f"{self.processes} processes",
            "bad hooks" if self.bad_hooks else "",
            "tones" if self.tones else "",
        ]
        return ", ".join(part for part in said if part) or "real time"
