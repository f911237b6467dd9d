"""Exports: what may be asked for (``desk``), how it is written (``running``, ``nodes``), and what the schema says of it (``fields``)."""
