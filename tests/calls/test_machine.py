"""What a process may have, as Linux tells it, and where nobody tells."""

import os
import resource
from pathlib import Path

import pytest

from calls.admission import Means
from calls.machine import LOOK_EVERY_S, Machine, Rlimits, rlimits

PAGE = os.sysconf("SC_PAGE_SIZE")
UNLIMITED = Rlimits(None, None)


def written(root: Path, **files: str) -> Path:
    """Make the files: `proc__self__statm` is proc/self/statm."""
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def means(root: Path, limits: Rlimits = UNLIMITED) -> Means:
    return Machine(lambda: limits, root).means(0.0)


def test_a_machine_that_tells_nothing_has_no_limits(tmp_path: Path) -> None:
    assert means(tmp_path, Rlimits(48, 1 << 30)) == Means(None, 0.0)


def test_descriptors_are_counted_against_the_limit(tmp_path: Path) -> None:
    root = written(tmp_path, proc__self__fd__0="", proc__self__fd__1="", proc__self__fd__7="")
    assert means(root, Rlimits(48, None)).free_fds == 45
    assert means(root).free_fds is None


def test_where_not_even_that_can_be_looked_up_none_are_left(tmp_path: Path) -> None:
    root = written(tmp_path, proc__self__fd="no folder")
    assert means(root, Rlimits(48, None)).free_fds == 0


@pytest.mark.parametrize(
    ("files", "share"),
    [
        ({"proc__self__statm": "300 20 1 1 0 9 0\n"}, 0.3),
        ({"proc__self__statm": "oops"}, 0.0),
        ({"proc__self__cgroup": "garbage"}, 0.0),
        ({"proc__self__cgroup": "1:cpu:/\n2:name=systemd:/\n"}, 0.0),
        (
            {
                "proc__self__cgroup": "0::/app/web\n",
                "sys__fs__cgroup__app__web__memory.max": "max\n",
                "sys__fs__cgroup__app__memory.max": "1000\n",
                "sys__fs__cgroup__app__memory.current": "900\n",
                "sys__fs__cgroup__app__memory.stat": "anon 500\ninactive_file 100\n",
            },
            0.8,
        ),
        (
            {
                "proc__self__cgroup": "5:cpu:/\n4:hugetlb,memory:/a\n0::/\n",
                "sys__fs__cgroup__memory__a__memory.limit_in_bytes": "1000\n",
                "sys__fs__cgroup__memory__a__memory.usage_in_bytes": "700\n",
                "sys__fs__cgroup__memory__a__memory.stat": "cache 500\n",
                "sys__fs__cgroup__memory__memory.limit_in_bytes": "9223372036854771712\n",
                "sys__fs__cgroup__memory__memory.usage_in_bytes": "700\n",
                "sys__fs__cgroup__memory__memory.stat": "total_inactive_file 1\n",
            },
            0.7,
        ),
        (
            {
                "proc__self__cgroup": "0::/\n",
                "proc__self__statm": "400 1",
                "sys__fs__cgroup__memory.max": "1000\n",
                "sys__fs__cgroup__memory.current": "300\n",
                "sys__fs__cgroup__memory.stat": "",
            },
            0.4,
        ),
    ],
)
def test_the_tightest_limit_of_memory_is_felt(tmp_path: Path, files: dict[str, str], share: float) -> None:
    assert means(written(tmp_path, **files), Rlimits(None, 1000 * PAGE)).memory_share == pytest.approx(share)


def test_what_was_seen_a_moment_ago_is_not_looked_up_again(tmp_path: Path) -> None:
    machine = Machine(lambda: Rlimits(9, None), written(tmp_path, proc__self__fd__0=""))
    assert machine.means(5.0).free_fds == 8
    written(tmp_path, proc__self__fd__1="")
    assert machine.means(5.0 + LOOK_EVERY_S / 2).free_fds == 8
    assert machine.means(5.0 + LOOK_EVERY_S).free_fds == 7


def test_the_systems_own_limits_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {resource.RLIMIT_NOFILE: 1024, resource.RLIMIT_AS: resource.RLIM_INFINITY}
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (told[kind], told[kind]))
    assert rlimits() == Rlimits(1024, None)
    monkeypatch.setattr("sys.platform", "win32")
    assert rlimits() == UNLIMITED


def test_this_very_process_has_descriptors_left() -> None:
    left = Machine().means(0.0).free_fds
    assert left is None or 0 < left < resource.getrlimit(resource.RLIMIT_NOFILE)[0]
