"""What the rules of grants refuse. ``fields`` are parameters of ``app.authz.grants``."""

from datetime import datetime, timedelta

from app.authz.roles import Role
from app.tenants.errors import Conflict, DomainError, NotFound
from app.tenants.region_path import RegionLevel, RegionPath

_LEVELS = {
    RegionLevel.COUNTRY: ("seluruh Indonesia", "the whole country"),
    RegionLevel.PROVINCE: ("provinsi", "a province"),
    RegionLevel.REGENCY: ("kabupaten/kota", "a regency or city"),
    RegionLevel.DISTRICT: ("kecamatan", "a district"),
    RegionLevel.VILLAGE: ("desa/kelurahan", "a village"),
}


class RoleNeverGiven(DomainError):
    """People do not give this role."""

    code = "ROLE_NEVER_GIVEN"
    fields = ("role",)

    def __init__(self, role: Role) -> None:
        super().__init__(
            f"Peran {role.value} tidak diberikan kepada siapa pun.", f"Nobody is given the role {role.value}."
        )


class RoleLevelWrong(DomainError):
    """The role is given at other levels of the region tree."""

    code = "ROLE_LEVEL_WRONG"
    fields = ("role", "region")

    def __init__(self, role: Role, levels: frozenset[RegionLevel]) -> None:
        texts = [_LEVELS[level] for level in sorted(levels, key=lambda level: level.depth)]
        super().__init__(
            f"Peran {role.value} diberikan untuk {' atau '.join(indonesian for indonesian, _ in texts)}.",
            f"The role {role.value} is given for {' or '.join(english for _, english in texts)}.",
        )


class EntityWrong(DomainError):
    """The role is given for one thing of another kind, or for none."""

    code = "ENTITY_WRONG"
    fields = ("entity",)

    def __init__(self, role: Role, bound_to: str | None) -> None:
        if bound_to is None:
            super().__init__(
                f"Peran {role.value} berlaku untuk seluruh wilayahnya: jangan sertakan `entity`.",
                f"The role {role.value} is for the whole of its region: leave `entity` out.",
            )
        else:
            super().__init__(
                f"Peran {role.value} diberikan untuk satu {bound_to}: sertakan `entity` dengan jenis {bound_to}.",
                f"The role {role.value} is given for one {bound_to}: name it in `entity`, with the kind {bound_to}.",
            )


class GrantRegionUnknown(DomainError):
    """There is no such region, or it is not within the giver's own: nobody is told which."""

    code = "REGION_UNKNOWN"
    fields = ("region",)

    def __init__(self, region: RegionPath) -> None:
        super().__init__(
            f"Tidak ada wilayah {region.code} di wilayah kerja Anda.",
            f"There is no region {region.code} where you may give roles.",
        )


class ValidityWrong(DomainError):
    """A grant ends in the future, and not too far in it."""

    code = "VALIDITY_WRONG"
    fields = ("valid_to",)

    def __init__(self, now: datetime, longest: timedelta) -> None:
        latest = (now + longest).date().isoformat()
        super().__init__(
            f"Masa berlaku harus berakhir di masa depan, paling lambat {latest}.",
            f"The grant must end in the future, on {latest} at the latest.",
        )


class GrantTextWrong(DomainError):
    """A subject, name or reason is empty, too long, or holds control characters."""

    code = "TEXT_WRONG"

    def __init__(self, field: str, longest: int) -> None:
        super().__init__(
            f"`{field}` harus teks yang dapat dibaca, 1 sampai {longest} karakter.",
            f"`{field}` must be readable text of 1 to {longest} characters.",
        )
        self.fields = (field,)


class GrantForOneself(DomainError):
    """Nobody gives, confirms or revokes what they hold themselves."""

    code = "GRANT_FOR_ONESELF"

    def __init__(self) -> None:
        super().__init__(
            "Hak akses Anda sendiri harus diurus oleh orang lain.", "Your own grants must be seen to by somebody else."
        )


class SecondPersonNeeded(DomainError):
    """Whoever gave a grant does not confirm it."""

    code = "SECOND_PERSON_NEEDED"

    def __init__(self) -> None:
        super().__init__(
            "Usulan Anda harus disahkan oleh orang lain.", "What you proposed must be confirmed by somebody else."
        )


class HigherOfficeNeeded(DomainError):
    """The role is given and revoked by an office above."""

    code = "HIGHER_OFFICE_NEEDED"

    def __init__(self, role: str, level: RegionLevel) -> None:
        indonesian, english = _LEVELS[level]
        super().__init__(
            f"Peran {role} hanya diurus oleh administrator {indonesian}.",
            f"The role {role} is seen to by an administrator of {english} alone.",
        )


class GrantExists(Conflict):
    """The same principal has this role here, or it has been proposed."""

    code = "GRANT_EXISTS"

    def __init__(self) -> None:
        super().__init__(
            "Peran ini sudah diberikan atau diusulkan untuk orang dan wilayah yang sama.",
            "The same person has been given this role in this region, or proposed for it.",
        )


class GrantUnknown(NotFound):
    """There is no such grant, or none that the caller may change."""

    code = "GRANT_UNKNOWN"

    def __init__(self) -> None:
        super().__init__("Tidak ada hak akses dengan ID ini.", "There is no grant with this id.")


class GrantNotProposed(Conflict):
    """Only what waits to be confirmed can be."""

    code = "GRANT_NOT_PROPOSED"

    def __init__(self) -> None:
        super().__init__("Hak akses ini tidak sedang menunggu pengesahan.", "This grant does not wait to be confirmed.")


class ProposalLapsed(Conflict):
    """The proposal has waited too long."""

    code = "PROPOSAL_LAPSED"

    def __init__(self) -> None:
        super().__init__(
            "Usulan ini sudah kedaluwarsa: ajukan usulan baru.", "This proposal has lapsed: propose it anew."
        )


class GrantRevokedAlready(Conflict):
    """What was revoked stays so."""

    code = "GRANT_REVOKED_ALREADY"

    def __init__(self) -> None:
        super().__init__("Hak akses ini sudah dicabut.", "This grant has been revoked already.")
