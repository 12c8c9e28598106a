"""True conversations about a record: every statement carries the fact it came from."""

from echovlm.data.conversations.samples import samples_of

__all__ = ["samples_of"]
