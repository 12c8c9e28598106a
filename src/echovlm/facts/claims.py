"""The statements of one text that count, sorted by what is asked of them.

Counted are statements of this examination; what a text only cannot exclude is no claim.
"""

from __future__ import annotations

from collections.abc import Sequence

from echovlm.facts.statement import Certainty, Context, Statement


class Claims:
    """What one text claims.

    Attributes:
        current: statements of this examination, possible ones included.
        claimed: those that are at least likely.
        lesions: claims that a lesion is there, in one of the seven anatomies or left open.
        lesion_starts: their positions, ascending.
        denials: claims that none is there, restricted ones included.
        normal: claims that the organ is normal.
    """

    def __init__(self, statements: Sequence[Statement]) -> None:
        self.current = [each for each in statements if each.context is Context.CURRENT]
        self.claimed = [each for each in self.current if each.certainty is not Certainty.POSSIBLE]
        self._affirmed: dict[str, list[Statement]] = {}
        for each in self.claimed:
            if not each.negated:
                self._affirmed.setdefault(each.name, []).append(each)
        self.lesions = [
            each
            for each in self.claimed
            if each.name == "lesion_present"
            and each.value is True
            and not each.restricted
            and each.organ != "other"
        ]
        self.lesion_starts = sorted(each.start for each in self.lesions)
        self.denials = [
            each for each in self.claimed if each.name == "lesion_present" and each.value is False
        ]
        self.normal = [
            each
            for each in self.claimed
            if each.name == "pathology" and each.value == "normal" and not each.restricted
        ]

    def named(self, name: str) -> list[Statement]:
        """What is claimed under one name and not denied."""
        return list(self._affirmed.get(name, ()))

    def lesion_sides(self) -> list[Statement]:
        """Sides of the clauses that describe a lesion, or of its sentence where it has one side.

        A clause that denies lesions tells no side of one: 子宫前壁见结节，双附件区未见异常.
        """
        clauses = {each.clause for each in self.lesions}
        denying = {each.clause for each in self.denials}
        sentences = {each.sentence for each in self.lesions}
        stated = [each for each in self.named("laterality") if each.organ != "other"]
        values: dict[int, set[object]] = {}
        for each in stated:
            values.setdefault(each.sentence, set()).add(each.value)
        return [
            each
            for each in stated
            if each.clause in clauses
            or (
                each.sentence in sentences
                and len(values[each.sentence]) == 1
                and each.clause not in denying
            )
        ]

    def pathologies(self) -> list[Statement]:
        """Claims of benign and malignant; a denied "malignant" counts as a benign claim.

        A clause that names both weighs them against each other and claims neither.
        """
        claims = [
            each
            for each in self.current
            if each.name == "pathology" and each.value in ("benign", "malignant")
        ]
        both = {each.clause for each in claims if claim_of(each) == "benign"} & {
            each.clause for each in claims if claim_of(each) == "malignant"
        }
        return [each for each in claims if each.clause not in both]


def claim_of(statement: Statement) -> str:
    """What is claimed, "benign" or "malignant"; a denial claims the other one."""
    if not statement.negated:
        return str(statement.value)
    return "benign" if statement.value == "malignant" else "malignant"
