"""What a run computes on: its name for people, and whether it has bfloat16 in hardware."""

import os
import platform
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")

BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
"""CPU features (Linux names, x86 and Arm) that multiply bfloat16 faster than float32."""


def has_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 pays on this device."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        return bool(BFLOAT16_FLAGS & _cpu_flags())
    return False


def device_name(device: torch.device) -> str:
    """For example "cpu (Intel Xeon, 2 threads)" or "cuda (NVIDIA H200)"."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"cpu ({cpu_name()}, {threads} thread{'s' * (threads != 1)})"
    return device.type


def cpu_cores() -> int:
    """Cores this process may use, which a cluster or a container may limit."""
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable else os.cpu_count() or 1


def memory_gb() -> float | None:
    """Memory of the machine in GB; None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    except (AttributeError, ValueError, OSError):
        return None


@lru_cache
def _cpu_lines() -> tuple[str, ...]:
    info = Path("/proc/cpuinfo")
    return tuple(info.read_text(errors="replace").splitlines()) if info.is_file() else ()


def _cpu_flags() -> set[str]:
    lines = [line for line in _cpu_lines() if line.lower().startswith(("flags", "features"))]
    return set(lines[0].split(":", 1)[1].split()) if lines else set()


def cpu_name() -> str:
    """The processor's name for people."""
    lines = [line for line in _cpu_lines() if line.startswith("model name")]
    model = lines[0].split(":", 1)[1] if lines else platform.processor() or platform.machine()
    return " ".join(model.replace("(R)", "").replace("(TM)", "").split())


_here = threading.local()


def side_by_side(
    work: Callable[[Item], Result], items: Sequence[Item], ahead: int = 0, device: str = "cpu"
) -> list[Result]:
    """The work on each item, in their order, on as many cores as torch may use: one item, one core.

    Torch would rather put all cores on one item, and wait at every layer for the slowest of them: beside
    other programs most of the time goes by in waiting. Inside of `work` torch has one thread.

    Args:
        work: on one item; called from several threads.
        items: in any number; a single one has all cores.
        ahead: items begun beyond the number of cores, for work that reads before it computes.
        device: anything but "cpu": one item after the other.
    """
    threads = torch.get_num_threads()
    if len(items) < 2 or threads + ahead < 2 or device != "cpu" or getattr(_here, "inside", False):
        return [work(item) for item in items]

    def begin() -> None:
        _here.inside = True
        torch.set_num_threads(1)

    try:
        with ThreadPoolExecutor(min(threads + ahead, len(items)), initializer=begin) as pool:
            return list(pool.map(work, items))
    finally:
        torch.set_num_threads(threads)  # what threads that are begun later will have
