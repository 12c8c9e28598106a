"""The data engine: from archives and public sets to samples whose texts are true. No torch."""
