"""What each signal says, in the words of whoever goes and looks."""

from typing import Final, NamedTuple

from app.domain.base import Term
from app.domain.ewarong.models.signals import SignalCode


class SignalUnit(Term):
    """What is measured."""

    CARDS = ("CARDS", "KKS")
    TIMES = ("TIMES", "kali")
    SHARE = ("SHARE", "bagian dari satu")
    TRANSACTIONS = ("TRANSACTIONS", "transaksi")
    OFFICES = ("OFFICES", "jabatan")
    INDEX = ("INDEX", "indeks Herfindahl-Hirschman")
    FAMILIES = ("FAMILIES", "KPM")
    RUPIAH = ("RUPIAH", "rupiah")
    DAYS = ("DAYS", "hari")


class Told(NamedTuple):
    """What a signal says."""

    unit: SignalUnit
    """Of F8 that of the share; where no supplier is named it is ``INDEX``."""
    indonesian: str
    english: str


TOLD: Final = {
    SignalCode.F1: Told(
        SignalUnit.CARDS,
        "Banyak KKS digesek pada satu e-Warong dalam beberapa menit. Mungkin kartu dikumpulkan; mungkin hanya antrean hari salur.",
        "Many cards were used at one e-Warong within minutes. Cards may have been collected; it may just be the queue of a pay-out day.",
    ),
    SignalCode.F2: Told(
        SignalUnit.TIMES,
        "KKS yang sama menghabiskan saldo berkali-kali dalam beberapa hari. Mungkin saldo ditarik tanpa barang; mungkin salurannya rapel.",
        "The same card emptied its balance again within days. Money may have been taken without goods; it may be arrears paid at once.",
    ),
    SignalCode.F3: Told(
        SignalUnit.SHARE,
        "Sebagian besar keranjang di e-Warong ini sama persis. Mungkin barang dipaketkan, padahal KPM bebas memilih.",
        "Most baskets of this e-Warong are the same. Goods may be sold as packages, though families choose for themselves.",
    ),
    SignalCode.F4: Told(
        SignalUnit.TRANSACTIONS,
        "Transaksi di luar jam wajar, atau sebelum dana masuk. Mungkin saldo ditarik dahulu; mungkin jam perangkat salah.",
        "Sold at an hour when nobody sells, or before the money was there. Families may have been charged ahead; a clock may be wrong.",
    ),
    SignalCode.F5: Told(
        SignalUnit.TRANSACTIONS,
        "KPM dari kabupaten/kota lain berbelanja di sini. Dekat perbatasan itu wajar; selain itu kartu mungkin dibawa orang lain.",
        "Families of another regency bought here. Near a border that is ordinary; elsewhere somebody may be carrying their cards.",
    ),
    SignalCode.F6: Told(
        SignalUnit.TRANSACTIONS,
        "Kartu dipakai setelah pemegangnya tercatat meninggal atau keluarganya bubar. Mungkin ahli waris belum melapor.",
        "A card was used after its holder was known to be dead, or the family dissolved. The heirs may not have reported it yet.",
    ),
    SignalCode.F7: Told(
        SignalUnit.OFFICES,
        "Pemilik e-Warong tercatat memegang jabatan yang melarangnya menjadi agen. Cocokkan dengan surat keputusannya.",
        "The owner of the e-Warong is listed as holding an office that bars them. Compare with the decree.",
    ),
    SignalCode.F8: Told(
        SignalUnit.SHARE,
        "Satu atau beberapa pemasok menguasai pembelian e-Warong sekecamatan. Mungkin diarahkan; mungkin memang sedikit pemasok.",
        "One or a few suppliers have what the e-Warong of a district buy. They may be steered; there may be few suppliers.",
    ),
    SignalCode.F9: Told(
        SignalUnit.TRANSACTIONS,
        "Jumlah bulat satu baris yang menghabiskan saldo, berulang kali. Mungkin gesek tunai; mungkin hanya membeli beras.",
        "Round amounts of one line that emptied the balance, repeatedly. It may be cash for a swipe; it may be rice alone.",
    ),
    SignalCode.F10: Told(
        SignalUnit.FAMILIES,
        "KPM yang dilayani sebulan melebihi batas satu e-Warong. Mungkin e-Warong di sekitarnya kurang.",
        "More families in a month than one e-Warong may serve. There may be too few around.",
    ),
    SignalCode.F11: Told(
        SignalUnit.RUPIAH,
        "E-Warong tidak melaporkan penjualan kepada bukan KPM. Mungkin toko fiktif; mungkin lupa melapor.",
        "The e-Warong reported no sales to others than families of the programme. It may be no real shop; it may have forgotten to report.",
    ),
    SignalCode.F12: Told(
        SignalUnit.DAYS,
        "Saldo keluarga lama tidak tersentuh. Mungkin kartu belum diterima, ditahan orang, atau keluarganya pindah.",
        "The balance of a family has not moved for long. The card may not have arrived, somebody may keep it, or the family has moved.",
    ),
}
