"""How fast the data engine is, how much memory it takes, and what that means for a large set.

    .venv/bin/python benchmarks/data.py WORK [--cases 1000] [--workers 2] [--shared ../shared]

Every step runs as a command of its own, as a user would run it, and is timed from outside; memory
is the largest sum over the process and its workers, sampled 20 times a second. The last step reads
the built set as training would and counts tokens: at most 196 visual tokens per picture, and the
texts by nano's tokenizer.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED = {"pictures": 1_470_000, "studies": 208_941}  # paper, section 3.1
MIB = 1 << 20


def measure(arguments: list[str]) -> dict[str, float]:
    """Run one command of echovlm; seconds, and peak memory in MiB over all its processes."""
    command = [sys.executable, "-m", "echovlm", *arguments]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    whole = psutil.Process(process.pid)
    peak = 0
    while process.poll() is None:
        peak = max(peak, memory(whole))
        time.sleep(0.05)
    seconds = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return {"seconds": round(seconds, 2), "peak_mib": round(peak / MIB)}


def memory(process: psutil.Process) -> int:
    total = 0
    try:
        for member in (process, *process.children(recursive=True)):
            total += member.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return total


def counts(folder: Path) -> dict[str, int]:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["counts"]


def step(name: str, results: dict, arguments: list[str], out: Path, unit: str) -> None:
    shutil.rmtree(out, ignore_errors=True)
    found = measure(arguments)
    done = counts(out).get(unit, 0)
    found |= {"unit": unit, "done": done, "per_second": round(done / found["seconds"], 1)}
    results[name] = found
    print(f"{name:28} {json.dumps(found)}", flush=True)


def loader(folder: Path, samples: int) -> dict[str, float]:
    """Read samples in training order on one core: decoded pictures and tokens a second."""
    from tokenizers import Tokenizer
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

    from echovlm.data.reader import SampleReader
    from echovlm.data.sample import Split

    tokenizer = Tokenizer.from_file(str(ROOT / "src/echovlm/nano/tokenizer.json"))
    reader = SampleReader(folder, Split.TRAIN)
    order = reader.order(seed=0)[:samples]
    tokens = pictures = 0
    start = time.perf_counter()
    for index in order:
        example = reader[int(index)]
        texts = "\n".join(turn.text for turn in example.sample.turns)
        tokens += len(tokenizer.encode(texts).ids)
        for pixels in example.pictures:
            height, width = smart_resize(
                *pixels.shape[:2], factor=28, min_pixels=4 * 28 * 28, max_pixels=196 * 28 * 28
            )
            tokens += height * width // (28 * 28)
            pictures += 1
    seconds = time.perf_counter() - start
    return {
        "samples": len(order),
        "pictures_per_second": round(pictures / seconds, 1),
        "tokens_per_second": round(tokens / seconds),
    }


def hours(found: dict, workers: int, cores: int) -> float:
    """Hours for a set as large as the published one, if all cores worked as these did."""
    return round(PUBLISHED[found["unit"]] / (found["per_second"] / workers * cores) / 3600, 2)


def main() -> None:
    """Run every step and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    options = parser.parse_args()
    work, workers = options.work, str(options.workers)
    work.mkdir(parents=True, exist_ok=True)
    results: dict = {"workers": options.workers, "cases": options.cases}

    simulated, archive = work / "simulated", work / "archive"
    many = ["--workers", workers]
    cases = ["--cases", str(options.cases)]
    step(
        "simulate",
        results,
        ["data", "simulate", str(simulated), *cases, *many],
        simulated,
        "pictures",
    )
    bus_bra = options.shared / "ultrasound" / "breast" / "BUS-BRA"
    if bus_bra.is_dir():
        out = work / "bus-bra"
        step(
            "import bus-bra",
            results,
            ["data", "import", "bus-bra", str(bus_bra), str(out), *many],
            out,
            "pictures",
        )
    if not archive.exists():
        measure(["simulate-archive", str(archive), "--studies", "100", "--workers", workers])
    out = work / "archive-set"
    arguments = [
        "data",
        "import",
        "archive",
        str(archive),
        str(out),
        "--key-file",
        str(work / "key"),
    ]
    arguments += ["--reports", str(archive / "reports.csv"), *many]
    step("import archive (with OCR)", results, arguments, out, "pictures")
    for store in ("jsonl", "parquet"):
        out = work / f"built-{store}"
        arguments = ["data", "build", str(simulated), "--out", str(out), "--store", store, *many]
        step(f"build {store}", results, arguments, out, "studies")
        results[f"read {store}"] = loader(out, 2000)
        print(f"read {store:23} {json.dumps(results[f'read {store}'])}", flush=True)
    for name in ("import archive (with OCR)", "build jsonl"):
        results[f"hours for the published size, {name}"] = {
            "one machine of 64 cores": hours(results[name], options.workers, 64),
            "ten of them": hours(results[name], options.workers, 640),
        }
    (work / "figures.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
