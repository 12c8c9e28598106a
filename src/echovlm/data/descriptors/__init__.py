"""What a mask lets one say about a structure, each word with the number it was read from."""

from echovlm.data.descriptors.describe import Description, describe
from echovlm.data.descriptors.descriptor import Descriptor
from echovlm.data.descriptors.facts import facts_of, head_facts, lesion_facts, lumen_facts
from echovlm.data.descriptors.head import Head, measure_head
from echovlm.data.descriptors.lumen import Lumen, measure_lumen
from echovlm.data.descriptors.tissue import find_tissue

__all__ = [
    "Description",
    "Descriptor",
    "Head",
    "Lumen",
    "describe",
    "facts_of",
    "find_tissue",
    "head_facts",
    "lesion_facts",
    "lumen_facts",
    "measure_head",
    "measure_lumen",
]
