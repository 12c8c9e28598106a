"""Assessment systems as data tables and pure functions.

One module per system reads its rows from ``tables/`` and applies them to words and numbers that
somebody states. Every result names its system, edition and citation and the rows that were used,
each with its provenance: *seen* in a named source, or written from *knowledge* and still to be
checked by a clinician. A result is a rule applied to inputs: preliminary, not medical advice.
"""
