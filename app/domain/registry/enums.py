"""Coded values of the social registry.

Source of the housing, asset and person values: Regsosek 2022 and DTSEN questionnaires (domain facts, section 3). Integer answer codes
drift between questionnaires, so the names are what is stored; importers map each questionnaire's integers onto them.
"""

from app.domain.base import Term


class RegistryScheme(Term):
    """Which registry an edition or a rank belongs to."""

    DTKS = ("DTKS", "Data Terpadu Kesejahteraan Sosial")
    DTSEN = ("DTSEN", "Data Tunggal Sosial dan Ekonomi Nasional")
    REGSOSEK = ("REGSOSEK", "Registrasi Sosial Ekonomi")
    P3KE = ("P3KE", "Pensasaran Percepatan Penghapusan Kemiskinan Ekstrem")
    LOCAL = ("LOCAL", "data daerah")


class FamilyStatus(Term):
    """Whether a family is still registered where it stands."""

    ACTIVE = ("ACTIVE", "aktif")
    MOVED = ("MOVED", "pindah")
    DISSOLVED = ("DISSOLVED", "bubar atau bergabung dengan keluarga lain")
    NOT_FOUND = ("NOT_FOUND", "tidak ditemukan")


class Sex(Term):
    """Sex as registered."""

    MALE = ("MALE", "laki-laki")
    FEMALE = ("FEMALE", "perempuan")


class FamilyRelationship(Term):
    """Relationship to the head of the family (SHDK)."""

    HEAD = ("HEAD", "kepala keluarga")
    HUSBAND = ("HUSBAND", "suami")
    WIFE = ("WIFE", "istri")
    CHILD = ("CHILD", "anak")
    CHILD_IN_LAW = ("CHILD_IN_LAW", "menantu")
    GRANDCHILD = ("GRANDCHILD", "cucu")
    PARENT = ("PARENT", "orang tua")
    PARENT_IN_LAW = ("PARENT_IN_LAW", "mertua")
    OTHER_RELATIVE = ("OTHER_RELATIVE", "famili lain")
    DOMESTIC_WORKER = ("DOMESTIC_WORKER", "pembantu")
    OTHER = ("OTHER", "lainnya")


class IdentityStatus(Term):
    """How far a person's identity is established with the civil registry."""

    NO_IDENTITY = ("NO_IDENTITY", "tanpa identitas")
    IN_PROCESS = ("IN_PROCESS", "proses Dukcapil")
    NIK_ISSUED = ("NIK_ISSUED", "NIK terbit, belum dipadankan")
    MATCHED = ("MATCHED", "padan")
    UNMATCHED = ("UNMATCHED", "tidak padan")


class MismatchReason(Term):
    """Why the civil registry could not match a person."""

    NIK_EMPTY = ("NIK_EMPTY", "NIK kosong")
    NIK_NOT_FOUND = ("NIK_NOT_FOUND", "NIK tidak ditemukan")
    NAME_DIFFERS = ("NAME_DIFFERS", "nama beda")
    BIRTH_DATE_DIFFERS = ("BIRTH_DATE_DIFFERS", "tanggal lahir beda")
    NIK_DUPLICATE = ("NIK_DUPLICATE", "NIK ganda")
    NOT_RECORDED = ("NOT_RECORDED", "belum rekam KTP-el")
    DECEASED = ("DECEASED", "meninggal")
    MOVED_ABROAD = ("MOVED_ABROAD", "pindah luar negeri")


class NoNikReason(Term):
    """Why a person has no NIK."""

    NOT_RECORDED = ("NOT_RECORDED", "belum rekam")
    NEGLECTED = ("NEGLECTED", "terlantar")
    CHILD_WITHOUT_CERTIFICATE = ("CHILD_WITHOUT_CERTIFICATE", "anak tanpa akta")
    REMOTE_COMMUNITY = ("REMOTE_COMMUNITY", "komunitas adat terpencil")
    MENTAL_DISORDER = ("MENTAL_DISORDER", "orang dengan gangguan jiwa")
    TRAFFICKING_VICTIM = ("TRAFFICKING_VICTIM", "korban perdagangan orang")
    DISASTER_REFUGEE = ("DISASTER_REFUGEE", "pengungsi bencana")
    OTHER = ("OTHER", "lainnya")


class Presence(Term):
    """Where a member is found to be (keberadaan)."""

    PRESENT = ("PRESENT", "tinggal bersama keluarga")
    DECEASED = ("DECEASED", "meninggal")
    MOVED_WITHIN_COUNTRY = ("MOVED_WITHIN_COUNTRY", "pindah dalam negeri")
    MOVED_ABROAD = ("MOVED_ABROAD", "pindah luar negeri")
    NEW_MEMBER = ("NEW_MEMBER", "anggota baru")
    NOT_FOUND = ("NOT_FOUND", "tidak ditemukan")


class MaritalStatus(Term):
    """Marital status."""

    SINGLE = ("SINGLE", "belum kawin")
    MARRIED = ("MARRIED", "kawin")
    DIVORCED = ("DIVORCED", "cerai hidup")
    WIDOWED = ("WIDOWED", "cerai mati")


class HouseOwnership(Term):
    """Status of the house that the family lives in."""

    OWNED = ("OWNED", "milik sendiri")
    RENTED = ("RENTED", "kontrak/sewa")
    RENT_FREE = ("RENT_FREE", "bebas sewa")
    OFFICIAL = ("OFFICIAL", "dinas")
    OTHER = ("OTHER", "lainnya")


class LandTitle(Term):
    """Proof of ownership of the land under the house."""

    CERTIFICATE_OF_MEMBER = ("CERTIFICATE_OF_MEMBER", "SHM atas nama anggota keluarga")
    CERTIFICATE_OF_OTHER_WITH_AGREEMENT = (
        "CERTIFICATE_OF_OTHER_WITH_AGREEMENT",
        "SHM atas nama lain dengan perjanjian",
    )
    CERTIFICATE_OF_OTHER_WITHOUT_AGREEMENT = (
        "CERTIFICATE_OF_OTHER_WITHOUT_AGREEMENT",
        "SHM atas nama lain tanpa perjanjian",
    )
    OTHER_CERTIFICATE = ("OTHER_CERTIFICATE", "sertifikat selain SHM")
    LETTER = ("LETTER", "girik, letter C atau surat lain")
    NONE = ("NONE", "tidak punya")


class Floor(Term):
    """Main material of the floor."""

    MARBLE_GRANITE = ("MARBLE_GRANITE", "marmer/granit")
    CERAMIC = ("CERAMIC", "keramik")
    PARQUET_VINYL_CARPET = ("PARQUET_VINYL_CARPET", "parket/vinil/karpet")
    TILE_TERRAZZO = ("TILE_TERRAZZO", "ubin/tegel/teraso")
    WOOD = ("WOOD", "kayu/papan")
    CEMENT_BRICK = ("CEMENT_BRICK", "semen/bata merah")
    BAMBOO = ("BAMBOO", "bambu")
    EARTH = ("EARTH", "tanah")
    OTHER = ("OTHER", "lainnya")


class Wall(Term):
    """Main material of the outer walls."""

    MASONRY = ("MASONRY", "tembok")
    PLASTERED_WOVEN_BAMBOO = ("PLASTERED_WOVEN_BAMBOO", "plesteran anyaman bambu/kawat")
    WOOD_BOARD = ("WOOD_BOARD", "kayu/papan/gypsum/GRC/calciboard")
    WOVEN_BAMBOO = ("WOVEN_BAMBOO", "anyaman bambu")
    LOG = ("LOG", "batang kayu")
    BAMBOO = ("BAMBOO", "bambu")
    OTHER = ("OTHER", "lainnya")


class Roof(Term):
    """Main material of the roof. Codes 5 and 6 are swapped between questionnaires, names never are."""

    CONCRETE = ("CONCRETE", "beton")
    TILE = ("TILE", "genteng")
    ZINC = ("ZINC", "seng")
    ASBESTOS = ("ASBESTOS", "asbes")
    WOOD_SHINGLE = ("WOOD_SHINGLE", "kayu/sirap")
    BAMBOO = ("BAMBOO", "bambu")
    THATCH = ("THATCH", "jerami/ijuk/daun/rumbia")
    OTHER = ("OTHER", "lainnya")


class DrinkingWater(Term):
    """Main source of drinking water."""

    BOTTLED = ("BOTTLED", "air kemasan bermerek")
    REFILL = ("REFILL", "air isi ulang")
    PIPED = ("PIPED", "leding")
    BOREHOLE = ("BOREHOLE", "sumur bor/pompa")
    PROTECTED_WELL = ("PROTECTED_WELL", "sumur terlindung")
    UNPROTECTED_WELL = ("UNPROTECTED_WELL", "sumur tak terlindung")
    PROTECTED_SPRING = ("PROTECTED_SPRING", "mata air terlindung")
    UNPROTECTED_SPRING = ("UNPROTECTED_SPRING", "mata air tak terlindung")
    SURFACE_WATER = ("SURFACE_WATER", "air permukaan")
    RAINWATER = ("RAINWATER", "air hujan")
    OTHER = ("OTHER", "lainnya")


class SewageDistance(Term):
    """Distance from the water source to the nearest sewage reservoir."""

    UNDER_10_M = ("UNDER_10_M", "kurang dari 10 meter")
    AT_LEAST_10_M = ("AT_LEAST_10_M", "10 meter atau lebih")
    UNKNOWN = ("UNKNOWN", "tidak tahu")


class Lighting(Term):
    """Main source of lighting."""

    PLN_METERED = ("PLN_METERED", "listrik PLN dengan meteran")
    PLN_UNMETERED = ("PLN_UNMETERED", "listrik PLN tanpa meteran")
    OTHER_ELECTRICITY = ("OTHER_ELECTRICITY", "listrik non-PLN")
    NO_ELECTRICITY = ("NO_ELECTRICITY", "bukan listrik")


class MeterPower(Term):
    """Installed power of an electricity meter, in volt-ampere."""

    VA_450 = ("VA_450", "450 watt")
    VA_900 = ("VA_900", "900 watt")
    VA_1300 = ("VA_1300", "1.300 watt")
    VA_2200 = ("VA_2200", "2.200 watt")
    VA_OVER_2200 = ("VA_OVER_2200", "lebih dari 2.200 watt")


class CookingFuel(Term):
    """Main cooking fuel."""

    ELECTRICITY = ("ELECTRICITY", "listrik")
    LPG_5_5_KG = ("LPG_5_5_KG", "elpiji 5,5 kg/Bright Gas")
    LPG_12_KG = ("LPG_12_KG", "elpiji 12 kg")
    LPG_3_KG = ("LPG_3_KG", "elpiji 3 kg")
    CITY_GAS = ("CITY_GAS", "gas kota")
    BIOGAS = ("BIOGAS", "biogas")
    KEROSENE = ("KEROSENE", "minyak tanah")
    BRIQUETTE = ("BRIQUETTE", "briket")
    CHARCOAL = ("CHARCOAL", "arang")
    FIREWOOD = ("FIREWOOD", "kayu bakar")
    OTHER = ("OTHER", "lainnya")
    NO_COOKING = ("NO_COOKING", "tidak memasak di rumah")


class Toilet(Term):
    """Toilet facility of the family."""

    OWN = ("OWN", "ada, digunakan sendiri")
    SHARED = ("SHARED", "ada, digunakan bersama keluarga tertentu")
    COMMUNAL = ("COMMUNAL", "ada, MCK komunal")
    PUBLIC = ("PUBLIC", "ada, MCK umum")
    UNUSED = ("UNUSED", "ada, tidak digunakan")
    NONE = ("NONE", "tidak ada fasilitas")


class ToiletBowl(Term):
    """Kind of toilet bowl."""

    GOOSENECK = ("GOOSENECK", "leher angsa")
    COVERED_SQUAT = ("COVERED_SQUAT", "plengsengan dengan tutup")
    OPEN_SQUAT = ("OPEN_SQUAT", "plengsengan tanpa tutup")
    PIT = ("PIT", "cemplung/cubluk")


class SewageDisposal(Term):
    """Where sewage ends."""

    SEPTIC_TANK = ("SEPTIC_TANK", "tangki septik")
    TREATMENT_PLANT = ("TREATMENT_PLANT", "IPAL")
    WATER_BODY = ("WATER_BODY", "kolam/sawah/sungai/danau/laut")
    PIT = ("PIT", "lubang tanah")
    OPEN_LAND = ("OPEN_LAND", "pantai/tanah lapang/kebun")
    OTHER = ("OTHER", "lainnya")


class SchoolParticipation(Term):
    """Whether a person goes to school."""

    NEVER = ("NEVER", "tidak/belum pernah sekolah")
    ATTENDING = ("ATTENDING", "masih sekolah")
    LEFT = ("LEFT", "tidak bersekolah lagi")


class EducationLevel(Term):
    """Level of education, attended or completed."""

    NONE = ("NONE", "tidak/belum tamat SD")
    EARLY_CHILDHOOD = ("EARLY_CHILDHOOD", "TK/PAUD")
    PRIMARY = ("PRIMARY", "SD/sederajat")
    LOWER_SECONDARY = ("LOWER_SECONDARY", "SMP/sederajat")
    UPPER_SECONDARY = ("UPPER_SECONDARY", "SMA/SMK/sederajat")
    DIPLOMA_1_2 = ("DIPLOMA_1_2", "D1/D2")
    DIPLOMA_3 = ("DIPLOMA_3", "D3")
    BACHELOR = ("BACHELOR", "D4/S1")
    MASTER = ("MASTER", "S2")
    DOCTORATE = ("DOCTORATE", "S3")
    SPECIAL = ("SPECIAL", "SLB")


class Industry(Term):
    """Field of work (lapangan usaha) of the main job."""

    FOOD_CROPS = ("FOOD_CROPS", "pertanian padi dan palawija")
    HORTICULTURE = ("HORTICULTURE", "hortikultura")
    ESTATE_CROPS = ("ESTATE_CROPS", "perkebunan")
    CAPTURE_FISHERY = ("CAPTURE_FISHERY", "perikanan tangkap")
    AQUACULTURE = ("AQUACULTURE", "perikanan budidaya")
    LIVESTOCK = ("LIVESTOCK", "peternakan")
    FORESTRY = ("FORESTRY", "kehutanan dan pertanian lainnya")
    MINING = ("MINING", "pertambangan/penggalian")
    MANUFACTURING = ("MANUFACTURING", "industri pengolahan")
    ENERGY = ("ENERGY", "pengadaan listrik, gas, uap")
    WATER_WASTE = ("WATER_WASTE", "pengelolaan air, limbah, daur ulang")
    CONSTRUCTION = ("CONSTRUCTION", "konstruksi")
    TRADE = ("TRADE", "perdagangan dan reparasi kendaraan")
    TRANSPORT = ("TRANSPORT", "pengangkutan dan pergudangan")
    LODGING_FOOD = ("LODGING_FOOD", "akomodasi dan makan minum")
    INFORMATION = ("INFORMATION", "informasi dan komunikasi")
    FINANCE = ("FINANCE", "keuangan dan asuransi")
    REAL_ESTATE = ("REAL_ESTATE", "real estat")
    PROFESSIONAL = ("PROFESSIONAL", "aktivitas profesional, ilmiah, teknis")
    RENTAL_SERVICES = ("RENTAL_SERVICES", "penyewaan, ketenagakerjaan, penunjang usaha")
    GOVERNMENT = ("GOVERNMENT", "administrasi pemerintahan, pertahanan")
    EDUCATION = ("EDUCATION", "pendidikan")
    HEALTH = ("HEALTH", "kesehatan dan aktivitas sosial")
    ARTS = ("ARTS", "kesenian, hiburan, rekreasi")
    OTHER_SERVICES = ("OTHER_SERVICES", "aktivitas jasa lainnya")
    HOUSEHOLD_EMPLOYER = ("HOUSEHOLD_EMPLOYER", "keluarga sebagai pemberi kerja")


class WorkPosition(Term):
    """Position in the main job (kedudukan dalam pekerjaan utama)."""

    OWN_ACCOUNT = ("OWN_ACCOUNT", "berusaha sendiri")
    ASSISTED_BY_UNPAID = ("ASSISTED_BY_UNPAID", "dibantu buruh tidak tetap/tidak dibayar")
    EMPLOYER = ("EMPLOYER", "dibantu buruh tetap/dibayar")
    EMPLOYEE = ("EMPLOYEE", "buruh/karyawan/pegawai swasta")
    CIVIL_SERVANT = ("CIVIL_SERVANT", "PNS/TNI/Polri/BUMN/BUMD/pejabat negara")
    CASUAL_AGRICULTURE = ("CASUAL_AGRICULTURE", "pekerja bebas pertanian")
    CASUAL_OTHER = ("CASUAL_OTHER", "pekerja bebas non-pertanian")
    UNPAID = ("UNPAID", "pekerja keluarga/tidak dibayar")


class Nutrition(Term):
    """Nutritional status of a small child."""

    WASTING = ("WASTING", "gizi kurang (wasting)")
    STUNTING = ("STUNTING", "kerdil (stunting)")
    NO_RECORD = ("NO_RECORD", "tidak ada catatan")
    UNKNOWN = ("UNKNOWN", "tidak tahu")


class Difficulty(Term):
    """How much difficulty a person has with a function."""

    CANNOT = ("CANNOT", "tidak bisa sama sekali")
    MUCH = ("MUCH", "banyak kesulitan")
    SOME = ("SOME", "sedikit kesulitan")
    NONE = ("NONE", "tidak mengalami kesulitan")


class DepressionFrequency(Term):
    """How often a person feels depressed or anxious."""

    DAILY = ("DAILY", "setiap hari")
    WEEKLY = ("WEEKLY", "mingguan")
    MONTHLY = ("MONTHLY", "bulanan")
    NEVER = ("NEVER", "tidak pernah atau beberapa kali setahun")


class ChronicDisease(Term):
    """Chronic disease reported."""

    NONE = ("NONE", "tidak ada")
    HYPERTENSION = ("HYPERTENSION", "hipertensi")
    RHEUMATISM = ("RHEUMATISM", "rematik")
    ASTHMA = ("ASTHMA", "asma")
    HEART = ("HEART", "masalah jantung")
    DIABETES = ("DIABETES", "diabetes")
    TUBERCULOSIS = ("TUBERCULOSIS", "tuberkulosis")
    STROKE = ("STROKE", "stroke")
    CANCER = ("CANCER", "kanker atau tumor ganas")
    KIDNEY_FAILURE = ("KIDNEY_FAILURE", "gagal ginjal")
    HAEMOPHILIA = ("HAEMOPHILIA", "hemofilia")
    HIV = ("HIV", "HIV/AIDS")
    CHOLESTEROL = ("CHOLESTEROL", "kolesterol")
    CIRRHOSIS = ("CIRRHOSIS", "sirosis hati")
    THALASSEMIA = ("THALASSEMIA", "talasemia")
    LEUKAEMIA = ("LEUKAEMIA", "leukemia")
    ALZHEIMER = ("ALZHEIMER", "alzheimer")
    OTHER = ("OTHER", "lainnya")


class HealthInsurance(Term):
    """Segment of health insurance (JKN)."""

    PBI_JK = ("PBI_JK", "penerima bantuan iuran (pusat)")
    PBI_REGIONAL = ("PBI_REGIONAL", "penerima bantuan iuran daerah")
    INDEPENDENT = ("INDEPENDENT", "mandiri")
    WAGE_EARNER = ("WAGE_EARNER", "pekerja penerima upah")
    NONE = ("NONE", "tidak memiliki")


class TurnoverBand(Term):
    """Monthly turnover of the person's own business, in seven bands (I lowest, VII highest)."""

    BAND_1 = ("BAND_1", "golongan omzet 1 (terendah)")
    BAND_2 = ("BAND_2", "golongan omzet 2")
    BAND_3 = ("BAND_3", "golongan omzet 3")
    BAND_4 = ("BAND_4", "golongan omzet 4")
    BAND_5 = ("BAND_5", "golongan omzet 5")
    BAND_6 = ("BAND_6", "golongan omzet 6")
    BAND_7 = ("BAND_7", "golongan omzet 7 (tertinggi)")


class Caregiver(Term):
    """Whether a person who needs help has somebody who gives it."""

    FAMILY = ("FAMILY", "ada, anggota keluarga")
    OUTSIDE_FAMILY = ("OUTSIDE_FAMILY", "ada, bukan anggota keluarga")
    NONE = ("NONE", "tidak ada")
