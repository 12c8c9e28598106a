"""Clinical truth of texts: reports read as facts, compared, and checked for mistakes."""

from echovlm.evaluate.clinical.against import mistakes_against
from echovlm.evaluate.clinical.entities import (
    EntityScores,
    entities,
    entity_scores,
    entity_scores_of,
    named_entities,
)
from echovlm.evaluate.clinical.lint import Remark, RemarkKind, remarks, remarks_by_rule
from echovlm.evaluate.clinical.mistakes import Mistake, MistakeKind
from echovlm.evaluate.clinical.reading import FactKind, Reading, ReportFact, read_report
from echovlm.evaluate.clinical.scores import (
    ClinicalScores,
    clinical_scores,
    read_reports,
    score_readings,
    signature,
)
from echovlm.evaluate.clinical.within import mistakes_within

__all__ = [
    "ClinicalScores",
    "EntityScores",
    "FactKind",
    "Mistake",
    "MistakeKind",
    "Reading",
    "Remark",
    "RemarkKind",
    "ReportFact",
    "clinical_scores",
    "entities",
    "entity_scores",
    "entity_scores_of",
    "mistakes_against",
    "mistakes_within",
    "named_entities",
    "read_report",
    "read_reports",
    "remarks",
    "remarks_by_rule",
    "score_readings",
    "signature",
]
