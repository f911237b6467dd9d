"""OpenSID's code lists (sheet "Kode Data" of its form) and what each code means in the registry.

A code is mapped only as far as it says something: PETANI/PEKEBUN works, but in one of three fields of agriculture, so
its industry stays open. Codes that are known and say nothing map to nothing; codes that are not here are errors of the
file.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from app.domain.registry.enums import (
    Difficulty,
    EducationLevel,
    FamilyRelationship,
    HealthInsurance,
    Industry,
    MaritalStatus,
    NoNikReason,
    Presence,
    SchoolParticipation,
    Sex,
    WorkPosition,
)

SEX: Final[Mapping[int, Sex]] = {1: Sex.MALE, 2: Sex.FEMALE}

RELATIONSHIP: Final[Mapping[int, FamilyRelationship]] = {
    1: FamilyRelationship.HEAD,
    2: FamilyRelationship.HUSBAND,
    3: FamilyRelationship.WIFE,
    4: FamilyRelationship.CHILD,
    5: FamilyRelationship.CHILD_IN_LAW,
    6: FamilyRelationship.GRANDCHILD,
    7: FamilyRelationship.PARENT,
    8: FamilyRelationship.PARENT_IN_LAW,
    9: FamilyRelationship.OTHER_RELATIVE,
    10: FamilyRelationship.DOMESTIC_WORKER,
    11: FamilyRelationship.OTHER,
}

MARITAL_STATUS: Final[Mapping[int, MaritalStatus]] = {
    1: MaritalStatus.SINGLE,
    2: MaritalStatus.MARRIED,
    3: MaritalStatus.DIVORCED,
    4: MaritalStatus.WIDOWED,
}

# PINDAH (3) does not say where to: OpenSID files moves abroad under it, too. PERGI (6) is a visitor who left.
PRESENCE: Final[Mapping[int, Presence]] = {
    1: Presence.PRESENT,
    2: Presence.DECEASED,
    3: Presence.MOVED_WITHIN_COUNTRY,
    4: Presence.NOT_FOUND,
    6: Presence.MOVED_WITHIN_COUNTRY,
}
STATUS_NOT_VALID: Final = 9
"""The village itself has marked the row TIDAK VALID."""

PREGNANT: Final[Mapping[int, bool]] = {1: True, 2: False}
HAS_IDENTITY_CARD: Final[Mapping[int, bool]] = {1: False, 2: True}

DIPLOMA: Final[Mapping[int, EducationLevel]] = {
    1: EducationLevel.NONE,
    2: EducationLevel.NONE,
    3: EducationLevel.PRIMARY,
    4: EducationLevel.LOWER_SECONDARY,
    5: EducationLevel.UPPER_SECONDARY,
    6: EducationLevel.DIPLOMA_1_2,
    7: EducationLevel.DIPLOMA_3,
    8: EducationLevel.BACHELOR,
    9: EducationLevel.MASTER,
    10: EducationLevel.DOCTORATE,
}
_NEVER_AT_SCHOOL: Final = 1
"""TIDAK / BELUM SEKOLAH in ``pendidikan_kk_id``."""


class Schooling(NamedTuple):
    """What ``pendidikan_sedang_id`` says."""

    participation: SchoolParticipation | None
    level: EducationLevel | None


_AT_SCHOOL: Final[Mapping[int, EducationLevel]] = {
    2: EducationLevel.EARLY_CHILDHOOD,
    4: EducationLevel.PRIMARY,
    6: EducationLevel.LOWER_SECONDARY,
    7: EducationLevel.UPPER_SECONDARY,
    8: EducationLevel.DIPLOMA_1_2,
    9: EducationLevel.DIPLOMA_1_2,
    10: EducationLevel.DIPLOMA_3,
    11: EducationLevel.BACHELOR,
    12: EducationLevel.MASTER,
    13: EducationLevel.DOCTORATE,
    14: EducationLevel.SPECIAL,
    15: EducationLevel.SPECIAL,
    16: EducationLevel.SPECIAL,
}
SCHOOLING: Final[Mapping[int, Schooling]] = {
    1: Schooling(SchoolParticipation.NEVER, None),
    3: Schooling(SchoolParticipation.NEVER, None),
    5: Schooling(SchoolParticipation.LEFT, EducationLevel.PRIMARY),
    17: Schooling(None, None),
    18: Schooling(None, None),
    **{code: Schooling(SchoolParticipation.ATTENDING, level) for code, level in _AT_SCHOOL.items()},
}
_NOT_AT_SCHOOL: Final = 18
"""TIDAK SEDANG SEKOLAH in ``pendidikan_sedang_id``."""


def schooling(diploma_code: int | None, schooling_code: int | None) -> Schooling:
    """What ``pendidikan_kk_id`` and ``pendidikan_sedang_id`` say together.

    Whether somebody who is not at school has never been there or has left it, only the diploma tells.
    """
    said = Schooling(None, None) if schooling_code is None else SCHOOLING[schooling_code]
    if schooling_code not in {None, _NOT_AT_SCHOOL} or diploma_code is None:
        return said
    if diploma_code == _NEVER_AT_SCHOOL:
        return Schooling(SchoolParticipation.NEVER, None)
    return Schooling(SchoolParticipation.LEFT, None) if schooling_code == _NOT_AT_SCHOOL else said


class Occupation(NamedTuple):
    """What ``pekerjaan_id`` says about work; None where it says nothing."""

    working: bool | None = True
    industry: Industry | None = None
    position: WorkPosition | None = None
    own_business: bool | None = None


_NO_WORK: Final = Occupation(working=False)
_WORK: Final = Occupation()
_PUBLIC_SERVANT: Final = Occupation(position=WorkPosition.CIVIL_SERVANT)
_OFFICE_HOLDER: Final = Occupation(industry=Industry.GOVERNMENT, position=WorkPosition.CIVIL_SERVANT)
_INDUSTRIES: Final[Mapping[Industry, tuple[int, ...]]] = {
    Industry.LIVESTOCK: (10, 22),
    Industry.MANUFACTURING: (12, 29, 30),
    Industry.CONSTRUCTION: (13, 26),
    Industry.TRADE: (8, 84),
    Industry.TRANSPORT: (14, 66, 79, 81),
    Industry.LODGING_FOOD: (46,),
    Industry.INFORMATION: (44, 77, 78),
    Industry.PROFESSIONAL: (39, 40, 67, 68, 69, 70, 71, 80),
    Industry.RENTAL_SERVICES: (47,),
    Industry.GOVERNMENT: (85, 86),
    Industry.EDUCATION: (64, 65),
    Industry.HEALTH: (37, 38, 72, 73, 74, 76),
    Industry.ARTS: (36,),
    Industry.OTHER_SERVICES: (24, 28, 32, 34, 41, 42, 43, 83, 87),
    Industry.HOUSEHOLD_EMPLOYER: (23,),
}
OCCUPATION: Final[Mapping[int, Occupation]] = {
    **dict.fromkeys(range(1, 90), _WORK),
    **dict.fromkeys((1, 2, 3, 4), _NO_WORK),
    **{code: Occupation(industry=industry) for industry, codes in _INDUSTRIES.items() for code in codes},
    5: _PUBLIC_SERVANT,
    **dict.fromkeys((6, 7), _OFFICE_HOLDER),
    15: Occupation(position=WorkPosition.EMPLOYEE),
    # The registry's position CIVIL_SERVANT takes in employees of BUMN and BUMD and holders of public office.
    **dict.fromkeys((16, 17), _PUBLIC_SERVANT),
    **dict.fromkeys(range(48, 64), _OFFICE_HOLDER),
    88: Occupation(own_business=True),
    89: Occupation(working=None),
}
"""1-4 are BELUM/TIDAK BEKERJA, MENGURUS RUMAH TANGGA, PELAJAR/MAHASISWA, PENSIUNAN; 89 is LAINNYA."""


class Disability(NamedTuple):
    """What ``cacat_id`` says: one function of which the difficulty is known, or only that there is some disability."""

    difficulties: Mapping[str, Difficulty]
    names_no_function: bool


_UNSPECIFIC: Final = Disability({}, names_no_function=True)
DISABILITY: Final[Mapping[int, Disability]] = {
    1: _UNSPECIFIC,
    # NETRA/BUTA runs from low vision to blindness: MUCH is what holds for all of them.
    2: Disability({"difficulty_seeing": Difficulty.MUCH}, names_no_function=False),
    3: _UNSPECIFIC,
    4: _UNSPECIFIC,
    5: _UNSPECIFIC,
    6: _UNSPECIFIC,
    # TIDAK CACAT does not rule out some difficulty.
    7: Disability({}, names_no_function=False),
}

NO_NIK_REASON: Final[Mapping[int, NoNikReason]] = {
    2: NoNikReason.NOT_RECORDED,
    **dict.fromkeys((1, 3, 4, 5, 6, 7, 8), NoNikReason.OTHER),
}
"""``status_rekam`` of a person without NIK; 2 is BELUM REKAM."""

HEALTH_INSURANCE: Final[Mapping[int, HealthInsurance | None]] = {
    1: HealthInsurance.NONE,
    2: HealthInsurance.PBI_JK,
    # BPJS without aid is either self-paid or paid from wages, and ASURANSI LAINNYA (99) is no JKN segment.
    3: None,
    4: HealthInsurance.PBI_REGIONAL,
    99: None,
}
