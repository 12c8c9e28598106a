"""Draft what a source lists, for the tests of every public set."""

from __future__ import annotations

from echovlm.data.sources.source import Draft, Reject, Source


def drafts(source: Source) -> tuple[dict[str, Draft], dict[str, str]]:
    """Every entry drafted: drafts and reasons by key."""
    done, refused = {}, {}
    for entry in source.entries():
        try:
            done[entry.key] = source.draft(entry)
        except Reject as refusal:
            refused[entry.key] = refusal.reason
    return done, refused


def stated(draft: Draft, origin: str = "label") -> dict[str, object]:
    """Facts of one origin, value by name."""
    return {fact.name: fact.value for fact in draft.facts if fact.origin == origin}


def every_nth(source: Source, count: int) -> list[Draft]:
    """About ``count`` drafts, evenly spread over the entries."""
    entries = list(source.entries())
    return [source.draft(entry) for entry in entries[:: max(1, len(entries) // count)]]


def told(draft: Draft) -> dict[str, str]:
    """What was left out inside a draft: reasons by key."""
    return {part.key: part.reason for part in draft.rejected}
