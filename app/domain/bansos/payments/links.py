"""Links to files for banks, made as those to exports are, and good for nothing else."""

from typing import ClassVar

from app.domain.exports.links import ExportLinks


class BankFileLinks(ExportLinks):
    """Makes and reads links; what ``Linked`` calls an export is the file's place in the vault."""

    purpose: ClassVar[bytes] = b"kesos bank file link"
