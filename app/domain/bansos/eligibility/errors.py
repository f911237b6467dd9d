"""What eligibility refuses."""

from app.domain.base import DomainError


class RuleInvalid(DomainError):
    """A condition cannot be read. ``line`` and ``column`` count from 1."""

    code = "RULE_INVALID"

    def __init__(self, line: int, column: int, indonesian: str, english: str) -> None:
        super().__init__(f"Baris {line}, kolom {column}: {indonesian}", f"Line {line}, column {column}: {english}")
        self.line, self.column = line, column


class SentenceInvalid(DomainError):
    """A sentence of a rule names a fact that there is not."""

    code = "RULE_SENTENCE_INVALID"

    def __init__(self, placeholder: str) -> None:
        super().__init__(
            f"Kalimat menyebut {{{placeholder}}}, yang bukan fakta keluarga. Tulis misalnya {{family.decile}}.",
            f"The sentence names {{{placeholder}}}, which is no fact of a family. Write {{family.decile}}, for example.",
        )
