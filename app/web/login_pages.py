"""What browser login tells people: what happened, and what to do now."""

from collections.abc import Mapping
from html import escape
from typing import Final, NamedTuple
from urllib.parse import quote

from starlette.responses import HTMLResponse

from app.schema.language import Language
from app.web.pages import button, copied, link, page

EXPIRED: Final = "LOGIN_EXPIRED"
DENIED: Final = "LOGIN_DENIED"
REFUSED: Final = "LOGIN_REFUSED"
UNAVAILABLE: Final = "LOGIN_UNAVAILABLE"
UNVERIFIED: Final = "LOGIN_UNVERIFIED"
TOO_LARGE: Final = "LOGIN_TOKEN_TOO_LARGE"
INTERNAL: Final = "INTERNAL_ERROR"
PRINCIPAL_UNKNOWN: Final = "PRINCIPAL_UNKNOWN"
"""The Authenticator's reason where the issuer vouches for somebody whom Kesos does not know."""


class _Told(NamedTuple):
    """A failure as an HTTP status, and as a title and a sentence in each language."""

    status: int
    words: Mapping[Language, tuple[str, str]]


def _told(status: int, indonesian: tuple[str, str], english: tuple[str, str]) -> _Told:
    return _Told(status, {Language.INDONESIAN: indonesian, Language.ENGLISH: english})


_FAILURES: Final[Mapping[str, _Told]] = {
    EXPIRED: _told(
        400,
        ("Login tidak dapat dilanjutkan", "Login ini sudah selesai, kedaluwarsa, atau dimulai di jendela lain."),
        ("This login cannot go on", "It is finished, has expired, or was begun in another window."),
    ),
    DENIED: _told(
        403,
        ("Login dibatalkan", "Anda, atau penyedia login, tidak memberi izin masuk ke Kesos."),
        ("Login was cancelled", "You, or the login provider, did not allow it."),
    ),
    REFUSED: _told(
        502,
        (
            "Penyedia login menolak",
            "Penyedia login tidak menyelesaikan login ini. Bila terulang, hubungi pengelola Kesos.",
        ),
        (
            "The login provider refused",
            "It did not complete this login. If it happens again, tell the operator of Kesos.",
        ),
    ),
    UNAVAILABLE: _told(
        503,
        ("Penyedia login tidak menjawab", "Cobalah beberapa menit lagi. Bila terulang, hubungi pengelola Kesos."),
        (
            "The login provider does not answer",
            "Try again in a few minutes. If it goes on, tell the operator of Kesos.",
        ),
    ),
    UNVERIFIED: _told(
        502,
        ("Jawaban penyedia login tidak sah", "Login tidak diterima. Sebutkan kode di bawah kepada pengelola Kesos."),
        (
            "The login provider's answer is not valid",
            "You were not logged in. Tell the operator of Kesos the code below.",
        ),
    ),
    TOO_LARGE: _told(
        502,
        (
            "Token login terlalu besar",
            "Token dari penyedia login tidak muat dalam kuki. Pengelola perlu mengurangi isinya untuk Kesos.",
        ),
        (
            "The login token is too large",
            "The token of the login provider does not fit into a cookie. The operator has to have it hold less for Kesos.",
        ),
    ),
    INTERNAL: _told(
        500,
        ("Terjadi kesalahan di server", "Anda belum masuk. Sebutkan nomor permintaan kepada pengelola Kesos."),
        ("Something went wrong in the server", "You were not logged in. Quote the request to the operator of Kesos."),
    ),
    "CSRF": _told(
        403,
        ("Permintaan tidak diterima", "Permintaan ini harus dikirim dari halaman Kesos sendiri."),
        ("The request was not accepted", "It must be sent from a page of Kesos itself."),
    ),
}


def failure_page(language: Language, reason: str, detail: str, request_id: str, next_path: str = "/") -> HTMLResponse:
    """Why there is no session: ``reason`` is one of the codes above, ``detail`` a further code for the operator."""
    failure = _FAILURES[reason]
    title, text = failure.words[language]
    indonesian = language is Language.INDONESIAN
    code = f"{reason} {detail}".strip()
    return page(
        language,
        title,
        text,
        link(f"/login?next={quote(next_path, safe='/')}", "Mulai login lagi" if indonesian else "Log in again"),
        f"{'Kode' if indonesian else 'Code'}: {escape(code)} · {'permintaan' if indonesian else 'request'} {request_id}",
        status=failure.status,
    )


def unknown_page(language: Language, subject: str) -> HTMLResponse:
    """The issuer knows this person, Kesos does not."""
    if language is Language.INDONESIAN:
        return page(
            language,
            "Anda belum terdaftar di Kesos",
            "Login Anda berhasil, tetapi belum ada hak akses untuk akun ini. Mintalah admin Kesos di dinas sosial "
            "kabupaten/kota atau provinsi Anda untuk memberikannya, dan kirimkan nomor akun ini kepadanya:",
            copied(subject),
            "Setelah hak akses diberikan, masuklah lagi. Keluar dulu bila ingin memakai akun lain.",
            link("/login", "Masuk lagi"),
            link("/logout", "Keluar"),
            status=403,
        )
    return page(
        language,
        "Kesos does not know you yet",
        "Your login succeeded, but this account has no access. Ask the Kesos administrator of the social affairs office "
        "of your regency or province for it, and send this account number:",
        copied(subject),
        "When access has been given, log in again. To use another account, log out first.",
        link("/login", "Log in again"),
        link("/logout", "Log out"),
        status=403,
    )


def logout_page(language: Language, form_action: tuple[str, ...]) -> HTMLResponse:
    """Asks whether to log out: a link alone must not do it, for any site may hold one."""
    if language is Language.INDONESIAN:
        return page(
            language, "Keluar dari Kesos?", button("/logout", "Keluar"), link("/", "Kembali"), form_action=form_action
        )
    return page(language, "Log out of Kesos?", button("/logout", "Log out"), link("/", "Back"), form_action=form_action)


def signed_out_page(language: Language) -> HTMLResponse:
    """The session is over."""
    if language is Language.INDONESIAN:
        return page(language, "Anda sudah keluar", "Sesi di peramban ini sudah berakhir.", link("/login", "Masuk lagi"))
    return page(language, "You are logged out", "The session in this browser is over.", link("/login", "Log in again"))
