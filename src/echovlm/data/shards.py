"""Work in shards: each step is a function of one shard, on all cores or on a Ray cluster.

A shard writes into a hidden folder of its own, which gets its name only when it is whole and
flushed: the rename is the acknowledgement. So a run can be killed at any moment, and running it
again does what is missing. A shard found there counts only if it was made from the same inputs (its
fingerprint). The result does not depend on the number of workers.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from echovlm.data.writing import flush_folder, flush_tree, told_in_a_sentence
from echovlm.errors import DataError, OptionError, OutputError

_DONE = "done.json"
_PR_SET_PDEATHSIG = 1  # prctl(2)
_IN_FLIGHT_PER_WORKER = 2  # enough to keep workers busy, few enough to bound memory


class Step(Protocol):
    """A function of one shard; it can be pickled and holds everything it needs."""

    def __call__(self, items: Sequence[Any], number: int, folder: Path) -> dict[str, int]:
        """Do the work of one shard.

        Args:
            items: the shard's share of the work.
            number: running number of the shard, from 0.
            folder: an empty folder to write into.

        Returns:
            Counts to add up over shards ("records", "rejected").
        """
        ...


@dataclass(frozen=True)
class Plan:
    """What a run does.

    Attributes:
        step: the function of one shard.
        shards: the shares of the work; entries are plain JSON values or dataclasses with a repr
            that tells them apart.
        work: folder of finished shards, on a file system that every worker sees.
        identity: what decides the result besides the shares (versions, settings).
    """

    step: Step
    shards: Sequence[Sequence[Any]]
    work: Path
    identity: str

    def fingerprint(self, number: int) -> str:
        """Digest of everything that decides one shard."""
        digest = hashlib.sha256(self.identity.encode())
        for item in self.shards[number]:
            digest.update(repr(item).encode())
        return digest.hexdigest()

    def place(self, number: int) -> Path:
        """Folder of one finished shard."""
        return self.work / f"{number:05d}"


def split_evenly(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """Cut a list into shares of at most ``size``."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def run(
    plan: Plan,
    *,
    workers: int = 1,
    ray_address: str | None = None,
    advance: Callable[[int, int], None] = lambda shards, items: None,
) -> dict[str, int]:
    """Do every shard that is not done yet.

    Args:
        plan: what to do.
        workers: processes on this machine; 1 works in this process.
        ray_address: address of a Ray cluster ("auto", "local", "ray://host:10001"), instead of
            local processes.
        advance: called with the numbers of shards and items that were finished since the last call.

    Returns:
        Counts summed over all shards.

    Raises:
        OutputError: when a shard could not be written or a worker was killed; finished shards stay.
        DataError: when another run works in the same folder.
    """
    if workers < 1:
        raise OptionError(f"--workers must be at least 1, not {workers}.")
    with told_in_a_sentence(plan.work):
        plan.work.mkdir(parents=True, exist_ok=True)
    totals: dict[str, int] = {}
    with _alone(plan.work):
        _remove_unfinished(plan.work)
        missing = []
        for number in range(len(plan.shards)):
            counts = _finished(plan, number)
            if counts is None:
                missing.append(number)
            else:
                _add(totals, counts)
                advance(1, len(plan.shards[number]))
        if ray_address is not None:
            done = _on_ray(plan, missing, ray_address)
        elif workers == 1 or len(missing) < 2:
            done = ((number, _do(plan.step, *_job(plan, number))) for number in missing)
        else:
            done = _on_processes(plan, missing, workers)
        for number, counts in done:
            _add(totals, counts)
            advance(1, len(plan.shards[number]))
    return totals


def _add(totals: dict[str, int], counts: dict[str, int]) -> None:
    for name, count in counts.items():
        totals[name] = totals.get(name, 0) + count


@contextmanager
def _alone(work: Path) -> Iterator[None]:
    """Hold the folder for this run; the lock goes with the process, however it ends."""
    with open(work / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DataError(
                work.parent, "is being written by another run", "Wait for it, or stop it"
            ) from None
        yield


def _remove_unfinished(work: Path) -> None:
    for place in work.glob(".*.part"):
        shutil.rmtree(place, ignore_errors=True)


def _finished(plan: Plan, number: int) -> dict[str, int] | None:
    try:
        done = json.loads((plan.place(number) / _DONE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return done["counts"] if done["fingerprint"] == plan.fingerprint(number) else None


_Job = tuple[Sequence[Any], int, Path, str]


def _job(plan: Plan, number: int) -> _Job:
    return plan.shards[number], number, plan.place(number), plan.fingerprint(number)


def _do(
    step: Step, items: Sequence[Any], number: int, place: Path, fingerprint: str
) -> dict[str, int]:
    """Do one shard in the process that calls it, and give it its name."""
    temporary = place.with_name(f".{place.name}.{os.getpid()}.part")
    with told_in_a_sentence(place.parent.parent):
        try:
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir(parents=True)
            counts = step(items, number, temporary)
            done = json.dumps({"fingerprint": fingerprint, "counts": counts}, sort_keys=True)
            (temporary / _DONE).write_text(done, encoding="utf-8")
            flush_tree(temporary)
            shutil.rmtree(place, ignore_errors=True)
            os.replace(temporary, place)
            flush_folder(place.parent)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    return counts


def _start_worker(parent: int) -> None:
    """Leave Ctrl-C to the parent, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent(parent)


def end_with_parent(parent: int) -> None:
    """Let this process end when the one that started it is gone, even by kill -9 (on Linux).

    Args:
        parent: number of the process that started this one, as that process knows it.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was gone before it could be watched
        os._exit(1)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Children get one thread each: numpy on several is slower when processes share the cores."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_THREAD_LIMIT")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _on_processes(
    plan: Plan, missing: Sequence[int], workers: int
) -> Iterator[tuple[int, dict[str, int]]]:
    context = multiprocessing.get_context("spawn")
    waiting = iter(missing)
    running: dict[Future[dict[str, int]], int] = {}
    with _one_thread_each():
        pool = ProcessPoolExecutor(
            workers, mp_context=context, initializer=_start_worker, initargs=(os.getpid(),)
        )
        try:
            while True:
                for number in waiting:
                    running[pool.submit(_do, plan.step, *_job(plan, number))] = number
                    if len(running) >= workers * _IN_FLIGHT_PER_WORKER:
                        break
                if not running:
                    break
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield running.pop(future), future.result()
            pool.shutdown()
        except BrokenProcessPool:
            _stop(pool)
            raise OutputError(
                f"{plan.work.parent}: a worker process was killed (too little memory?); run the "
                "same command again with fewer --workers, what is finished is kept."
            ) from None
        except BaseException:
            _stop(pool)
            raise


def _stop(pool: ProcessPoolExecutor) -> None:
    """End the workers now: an interrupted shard is done again by the next run."""
    processes = list((pool._processes or {}).values())  # the executor offers no public way
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()
    for process in processes:
        process.join()


def _on_ray(
    plan: Plan, missing: Sequence[int], address: str
) -> Iterator[tuple[int, dict[str, int]]]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ModuleNotFoundError:
        raise OptionError(
            "--ray needs Ray; install the extra: pip install 'echovlm[cluster]'."
        ) from None
    _check_reachable(address)
    started = not ray.is_initialized()
    try:
        if started:
            ray.init(
                address=address, include_dashboard=False, log_to_driver=False, logging_level=50
            )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise OptionError(f"The Ray cluster '{address}' cannot be reached ({error}).") from None
    try:
        remote = ray.remote(_do)
        limit = max(1, int(ray.cluster_resources().get("CPU", 1))) * _IN_FLIGHT_PER_WORKER
        waiting = iter(missing)
        running: dict[Any, int] = {}
        while True:
            for number in waiting:
                running[remote.remote(plan.step, *_job(plan, number))] = number
                if len(running) >= limit:
                    break
            if not running:
                break
            finished, _ = ray.wait(list(running), num_returns=1)
            for reference in finished:
                yield running.pop(reference), _ray_result(ray, reference)
    finally:
        if started:
            ray.shutdown()


def _check_reachable(address: str) -> None:
    """Try the port of a cluster first: Ray itself keeps trying for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        try:
            socket.create_connection((host, int(port)), timeout=5).close()
        except OSError as error:
            raise OptionError(f"The Ray cluster '{address}' cannot be reached: {error}.") from None


def _ray_result(ray: Any, reference: Any) -> dict[str, int]:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
