"""No number of anybody stays with an outlet."""

import pytest

from app.domain.base import DomainError
from app.domain.ewarong.oversight.texts import checked_text


@pytest.mark.parametrize(
    "text",
    [
        "KPM 9902010101900001 mengeluh",
        "nik:9902-0101-0190-0001.",
        "9902 01 010190 0001",
        "kartu 6013.0102.0304.0506",
        "9902010101900001234 angka panjang",
        "3302 9902 0101 0190 0001",
        "9902 0101 0190 0001 2 orang",
        "\u0669\u0669\u0660\u0662\u0660\u0661\u0660\u0661\u0660\u0661\u0669\u0660\u0660\u0660\u0660\u0661",
    ],
)
def test_a_text_with_sixteen_digits_is_refused_by_name_and_not_repeated(text: str) -> None:
    with pytest.raises(DomainError) as refused:
        checked_text("description", text)
    assert (refused.value.code, refused.value.fields) == ("PERSONAL_NUMBER", ("description",))
    assert "9902" not in refused.value.english + refused.value.indonesian


@pytest.mark.parametrize(
    "text",
    [
        "Beras berkutu, 10 kg.",
        "Harga 12.500, 13.000, 14.500, 15.000 rupiah",
        "Pada 2026-03-10 pukul 08:15, telepon 0812-3456-7890",
        "Baris pertama\nbaris kedua",
        "123456789012345",
    ],
)
def test_prices_days_and_telephones_are_no_such_number(text: str) -> None:
    assert checked_text("description", f"  {text} ") == text


@pytest.mark.parametrize("text", ["", "   ", "x" * 2_001, "a\0b", "a\u202eb", "a\u200bb"])
def test_a_text_is_there_is_not_endless_and_can_be_printed(text: str) -> None:
    with pytest.raises(DomainError) as refused:
        checked_text("reason", text)
    assert (refused.value.code, refused.value.fields) == ("TEXT_LENGTH", ("reason",))


def test_a_note_may_be_empty() -> None:
    assert not checked_text("note", " ", empty=True)
