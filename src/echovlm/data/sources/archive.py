"""A hospital archive: a tree of DICOM studies with a table of reports, de-identified on the way in.

Files are grouped by StudyInstanceUID, whatever folders they lie in. Every instance goes through
:mod:`echovlm.imaging.deidentify`; report texts are scrubbed of what the headers of their study and
the usual patterns name. Keys are salted digests, and a file that cannot be used is named by its
place in the sorted list of files, since its path may name the patient.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from echovlm.data.record import Rejected, ReportText
from echovlm.data.sources.report_table import ReportRow, read_report_table
from echovlm.data.sources.source import Draft, DraftPicture, Entry, Reject
from echovlm.data.writing import write_whole
from echovlm.errors import DataError, StudyError
from echovlm.facts import Fact, Origin
from echovlm.imaging.deidentify import (
    Deidentified,
    Policy,
    clinical_part,
    deidentify_instance,
    identifiers_of,
    scrub,
    study_digest,
    write_instance,
)
from echovlm.imaging.frames import key_frames
from echovlm.terms import Anatomy

_KEY_BYTES = 32
_HEADER = ["StudyInstanceUID", "SOPInstanceUID", "AccessionNumber", "PatientID"]
_SIDES = {"L": "left", "R": "right", "B": "bilateral"}


@dataclass(frozen=True)
class Archive:
    """A tree of DICOM files.

    Attributes:
        root: folder of the tree.
        policy: how instances are de-identified.
        reports: rows of the table of reports.
        keep_dicom: keep the de-identified instances too.
    """

    root: Path
    policy: Policy
    reports: tuple[ReportRow, ...] = field(default=(), repr=False)
    keep_dicom: bool = False
    name: str = "archive"
    licence: str = "not to be shared without the archive's consent"
    citation: str = ""

    def settings(self) -> dict[str, Any]:
        """Options, and a fingerprint that tells keys apart without giving them away."""
        return {
            "keep_measurements": self.policy.keep_measurements,
            "on_text": self.policy.on_text,
            "keep_dicom": self.keep_dicom,
            "key_fingerprint": study_digest("fingerprint", self.policy.salt)[:8],
        }

    def entries(self) -> Iterator[Entry]:
        """One entry per study, then one per file and report that belongs to none.

        Raises:
            DataError: when the folder holds no file.
        """
        if not self.root.is_dir():
            raise DataError(self.root, "is no folder", "Give the folder of the archive")
        files = sorted(path for path in self.root.rglob("*") if path.is_file())
        if not files:
            raise DataError(self.root, "holds no file", "Check the path")
        studies: dict[str, list[tuple[int, str, str]]] = {}
        accessions: dict[str, str] = {}
        loose: list[Entry] = []
        for number, path in enumerate(files, start=1):
            header = _header(path)
            if header is None:
                reason = "it is no DICOM file, or a damaged one"
                loose.append(Entry(f"file {number}", values={"refused": reason}))
                continue
            study = header["StudyInstanceUID"]
            relative = path.relative_to(self.root).as_posix()
            studies.setdefault(study, []).append((number, relative, header["SOPInstanceUID"]))
            if header["AccessionNumber"]:
                accessions.setdefault(header["AccessionNumber"], study)
        rows, orphans = self._matched(studies, accessions)
        for study in studies:
            yield self._entry(study, studies[study], rows.get(study, []))
        yield from loose
        for number in orphans:
            reason = "the report belongs to no study of the archive"
            yield Entry(f"report row {number}", values={"refused": reason})

    def _matched(
        self, studies: dict[str, Any], accessions: dict[str, str]
    ) -> tuple[dict[str, list[ReportRow]], list[int]]:
        rows: dict[str, list[ReportRow]] = {}
        orphans = []
        for row in self.reports:
            by_number = accessions.get(row.accession) if row.accession else None
            study = row.study_uid if row.study_uid in studies else by_number
            if study is None:
                orphans.append(row.number)
            else:
                rows.setdefault(study, []).append(row)
        return rows, orphans

    def _entry(
        self, study: str, instances: list[tuple[int, str, str]], rows: list[ReportRow]
    ) -> Entry:
        seen: set[str] = set()
        numbers, files, repeated = [], [], []
        for number, relative, uid in instances:
            if uid and uid in seen:
                repeated.append(number)
                continue
            seen.add(uid)
            numbers.append(number)
            files.append(relative)
        values = {"numbers": numbers, "repeated": repeated, "rows": rows}
        return Entry(study_digest(study, self.policy.salt), tuple(files), values)

    def draft(self, entry: Entry) -> Draft:
        """De-identify one study.

        Raises:
            Reject: when nothing of it can be used.
        """
        if "refused" in entry.values:
            raise Reject(entry.values["refused"])
        rejected = [
            self._rejected(entry, number, "it repeats another instance of the study")
            for number in entry.values["repeated"]
        ]
        audit: list[dict[str, Any]] = []
        clean: list[tuple[int, Deidentified]] = []
        for number, relative in zip(entry.values["numbers"], entry.files, strict=True):
            try:
                result = deidentify_instance(self.root / relative, self.policy)
            except StudyError as error:
                rejected.append(self._rejected(entry, number, f"it {error.problem}"))
                continue
            audit += [{"study": entry.key, "file": number, **c.as_json()} for c in result.changes]
            if result.quarantine:
                rejected.append(self._rejected(entry, number, result.quarantine, True))
            else:
                clean.append((number, result))
        if len({result.patient_key for _, result in clean}) > 1:
            raise Reject("its instances belong to different patients", True, tuple(audit))
        if not clean:
            reasons = "; ".join(sorted({row.reason for row in rejected}))
            held = bool(rejected) and all(row.quarantined for row in rejected)
            raise Reject(f"no instance of it can be used ({reasons})", held, tuple(audit))
        reports, changes = self._reports(entry)
        audit += changes
        return Draft(
            patient=clean[0][1].patient_key or entry.key,
            pictures=tuple(_pictures(clean)),
            anatomy=_anatomy(clean),
            facts=tuple(_facts(clean)),
            reports=reports,
            rejected=tuple(rejected),
            audit=tuple(audit),
            attachments=_attachments(clean) if self.keep_dicom else {},
        )

    def _rejected(
        self, entry: Entry, number: int, reason: str, quarantined: bool = False
    ) -> Rejected:
        key = f"{entry.key} file {number}"
        return Rejected(source=self.name, key=key, reason=reason, quarantined=quarantined)

    def _reports(self, entry: Entry) -> tuple[tuple[ReportText, ...], list[dict[str, Any]]]:
        """Reports of a study without what identifies anybody."""
        if not entry.values["rows"]:
            return (), []
        words = sorted({word for file in entry.files for word in _identifiers(self.root / file)})
        texts, audit = [], []
        for row in entry.values["rows"]:
            named = [*words, *(word for word in (row.accession, row.study_uid) if word)]
            findings, first = scrub(row.findings, named)
            impression, second = scrub(row.impression, named)
            source = f"report row {row.number}"
            text = row.as_text(clinical_part(findings), clinical_part(impression), source)
            if text is not None:
                texts.append(text)
            audit += [{"study": entry.key, "report": row.number, **c.as_json()} for c in first]
            audit += [{"study": entry.key, "report": row.number, **c.as_json()} for c in second]
        return tuple(texts), audit


def open_archive(
    root: Path,
    *,
    key_file: Path | None,
    reports: Path | None = None,
    keep_measurements: bool = False,
    on_text: Any = "mask",
    keep_dicom: bool = False,
) -> Archive:
    """Open an archive with its secret and its table of reports.

    Args:
        root: folder of the DICOM files.
        key_file: file of the secret; made where absent, readable by its owner alone.
        reports: table of reports, see :func:`read_report_table`.
        keep_measurements: keep measurement text inside the sector.
        on_text: "mask" or "quarantine".
        keep_dicom: keep the de-identified instances too.

    Raises:
        DataError: when there is no key file, it lies inside the archive, or a table is unreadable.
    """
    if key_file is None:
        raise DataError(
            root,
            "is an archive, whose patients get salted keys",
            "Name the file of the secret with --key-file; it is made where absent",
        )
    policy = Policy(read_key(key_file), keep_measurements, on_text)
    rows = tuple(read_report_table(reports)) if reports is not None else ()
    return Archive(root, policy, rows, keep_dicom)


def read_key(path: Path) -> bytes:
    """Read the secret of an archive; make one where the file is absent.

    Raises:
        DataError: when the file holds no key.
    """
    if not path.exists():
        write_whole(path, [secrets.token_hex(_KEY_BYTES).encode(), b"\n"])
        os.chmod(path, 0o600)
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        key = b""
    if len(key) < _KEY_BYTES:
        raise DataError(path, "holds no key of an archive", "Name the right file, or an absent one")
    return key


def _header(path: Path) -> dict[str, str] | None:
    """What tells studies apart; None for what is no DICOM image or object."""
    try:
        dataset = dcmread(path, stop_before_pixels=True, specific_tags=_HEADER)
    except (InvalidDicomError, OSError, ValueError, AttributeError, KeyError, NotImplementedError):
        return None
    header = {name: str(dataset.get(name) or "").strip() for name in _HEADER}
    if not header["StudyInstanceUID"]:  # such an instance is a study of its own
        header["StudyInstanceUID"] = hashlib.sha256(str(path).encode()).hexdigest()
    return header


def _identifiers(path: Path) -> tuple[str, ...]:
    try:
        return identifiers_of(dcmread(path, stop_before_pixels=True))
    except Exception:  # a damaged header names nobody; the patterns still apply
        return ()


def _pictures(clean: list[tuple[int, Deidentified]]) -> Iterator[DraftPicture]:
    for clip_number, (_, result) in enumerate(clean):
        for frame in key_frames(result.clip):
            yield DraftPicture(
                pixels=result.clip.frames[frame],
                mode=result.clip.mode,
                clip=clip_number,
                frame=frame,
                frame_time_ms=result.clip.frame_time_ms,
                pixel_spacing_mm=result.clip.pixel_spacing_mm,
            )


def _anatomy(clean: list[tuple[int, Deidentified]]) -> Anatomy | None:
    stated = {result.anatomy for _, result in clean if result.anatomy is not None}
    return stated.pop() if len(stated) == 1 else None


def _facts(clean: list[tuple[int, Deidentified]]) -> Iterator[Fact]:
    anatomy = _anatomy(clean)
    if anatomy is not None:
        yield Fact(name="anatomy", value=anatomy.value, origin=Origin.LABEL, source="DICOM header")
    sides = {
        str(result.dataset.get("ImageLaterality") or result.dataset.get("Laterality") or "")
        for _, result in clean
    }
    if len(sides) == 1 and (side := _SIDES.get(sides.pop())):
        yield Fact(name="laterality", value=side, origin=Origin.LABEL, source="DICOM header")


def _attachments(clean: list[tuple[int, Deidentified]]) -> dict[str, bytes]:
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for position, (_, result) in enumerate(clean):
            path = Path(folder) / f"{position:03d}.dcm"
            write_instance(result, path)
            found[path.name] = path.read_bytes()
    return found
