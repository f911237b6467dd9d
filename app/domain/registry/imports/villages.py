"""Village codes of a file as they are staged."""

import re
from typing import Final

from app.domain.registry.copy_text import NULL, text
from app.domain.registry.imports.cells import CellRefused, clean_text
from app.domain.registry.imports.reading_findings import masked
from app.domain.registry.imports.staging import Reading
from app.tenants.region_path import RegionPath

_MOST_REMEMBERED: Final = 1 << 17
_LONGEST: Final = 64
_FIGURES: Final = re.compile(r"\d{10}", re.ASCII)
_CODE: Final = re.compile(r"[\d.]{1,13}", re.ASCII)


class Villages(dict[str, str]):
    """The cell of a village -> ``village_code`` and ``village_id`` as COPY text.

    A code that is missing or unknown is staged without a village; SQL tells which of the two it is.
    """

    def __init__(self, reading: Reading) -> None:
        super().__init__()
        self._reading = reading
        default = reading.default_village
        self._default = f"{NULL}\t{NULL}" if default is None else f"{RegionPath.of_id(default).code}\t{default}"

    def __missing__(self, cell: str) -> str:
        try:
            code = clean_text(cell)
        except CellRefused:
            code = cell
        if not code:
            found = self._default
        else:
            # What stands here by mistake, a name or a NIK, is not kept as it is.
            shown = code if _CODE.fullmatch(code) else masked(code)
            found = f"{text(shown)}\t{text(self._village(code))}"
        if len(cell) <= _LONGEST:
            if len(self) >= _MOST_REMEMBERED:
                self.clear()
            self[cell] = found
        return found

    def _village(self, code: str) -> int | None:
        village = self._reading.village_of(code)
        if village is None and _FIGURES.fullmatch(code):
            # The same code with the dots of the Kemendagri.
            village = self._reading.village_of(f"{code[:2]}.{code[2:4]}.{code[4:6]}.{code[6:]}")
        return village
