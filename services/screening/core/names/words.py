"""Words that carry little or nothing of a name.

Legal forms, generic business words, titles, particles, placeholders.

All are in the folded form of `normalise` (lower case, Latin, no accents). Knows no name, list or
score.
"""

# ruff: noqa: SIM905  tables of words read best as text

import re
from collections.abc import Mapping
from typing import Final

LEGAL_FORMS: Final = frozenset(
    """
    ab ag ao aps as asa bhd bv bvba ca cjsc co coltd company corp corporation cv doo ead eirl eood fze fzc fzco fzllc
    gmbh inc incorporated jsc kg kk kft limited limitada llc llp lp ltd ltda ltee nv oao ojsc ooo oy oyj pao pjs pjsc
    plc pt pte pty pvt pcl psc private public joint stock sa sab saa sac sae sagl sal sapi sarl sas sdn sirketi slu sl
    snc spa spol sprl srl sro sti tov ug ulc uab vof zao zat otkrytoe zakrytoe publichnoe aktsionernoe obshchestvo
    ogranichennoi otvetstvennostyu ogranichennoy otvetstvennost otkrytogo aktsionernogo obshchestva iooo
    ogranichennoj otvetstvennostiu obschestvo otkrytoye zakrytoye publichnoye aktsionernoye beschrankter haftung ztaa
    fllc tdv gesellschaft aktiengesellschaft anonim sociedad anonima societe anonyme responsabilidad
    """.split()
)
"""A legal form is often omitted or translated: it neither makes nor breaks a match."""

LEGAL_PHRASES: Final = re.compile(
    r"""
    \b(?:
        gesellschaft\ mit\ beschrankter\ haftung
        | societe\ a\ responsabilite\ limitee | societa\ (?:a\ responsabilita\ limitata|per\ azioni)
        | spolka\ (?:z\ ograniczona\ odpowiedzialnoscia|akcyjna) | sp\ z\ oo
        | spolecnost\ s\ rucenim\ omezenym | akciova\ spolecnost
        | spolocnost\ s\ rucenim\ obmedzenym | akciova\ spolocnost
        | druzh?estvo\ s\ ogranichena\ otgovornost | drustvo\ s\ ogranicenom\ odgovornoscu
        | (?:kabushiki|yugen)\ [kg]aisha
    )\b
    """,
    re.VERBOSE,
)
"""Legal forms of several words that mean something else, or nothing, singly."""

INVESTMENT_VEHICLES: Final = frozenset(
    """
    fund funds fonds fondo trust trusts partners partnership lp slp scsp sicav securities notes certificates receivables
    """.split()
)
"""What sponsors set up one after the other, told apart by a number: funds, issues of securities."""

GENERIC: Final = frozenset(
    """
    academy administration agency aircraft airlines association aviation bank branch bureau business capital center
    centre chemical china chinese commerce commercial committee communication communications construction consulting
    council de del department design development distribution division economic education electric electronic
    electronics energy engineering enterprise enterprises equipment establishment export factory federal finance
    financial foundation fund gas general global group holding holdings import import-export industrial industries
    industry information infrastructure institute insurance intelligent international inter investment investments
    iran iranian lab laboratory laboratories line lines logistics machine machinery management manufacturing marine
    maritime market marketing materials media medical metal metals mining ministry national navigation network
    networks office oil optical organization organisation petrochemical petroleum pharma pharmaceutical plant port
    power precision product production products project real estate regional research russia russian science sciences
    scientific security services service shipping ship shop society software solutions solution state steel store
    supply system systems tech technical technologies technology telecom telecommunication telecommunications textile
    tourism trade trading transport transportation travel university venture ventures world zavod nauchno
    proizvodstvennoe predpriyatie predpriyatiye gosudarstvennoe gosudarstvennoye unitarnoe unitarnoye kompaniya
    firma grupo comercial comercializadora inversiones inmobiliaria asociados cia ltda servicios constructora
    distribuidora agropecuaria industria nacional new first united advanced universal modern premier standard
    innovative worldwide integrated professional special
    """.split()
)
"""Words many organisations share. They cannot carry a match alone."""

PARTICLES: Final = frozenset(
    """
    a al an and ibn bin ben bint binti binte bt abu abou umm um e el ul ur as ash ad az at der den des di do dos da
    das du la le les los las of the van von y i und et uz ud o ould ag for in ol wal
    """.split()
)
"""Articles and particles of names, written or left out at will."""

FUNCTION_WORDS: Final = PARTICLES | frozenset(
    """
    and or the to on with by from at its named after imeni im under no number nr n o over aux sous para por con per dlya
    po na pri ve ile baraye val wa fi ila li bi making
    """.split()
)
"""Words that join others in names of organisations, left out of a name and of its acronym at will.
"""

HONORIFICS: Final = frozenset(
    """
    mr mrs ms miss dr prof professor eng engineer sir lord lady sheikh shaikh shaykh sheik cheikh hajji haji hajj
    alhaj hadji mullah mulla maulavi mawlawi maulana mawlana qari ustad ayatollah hojatoleslam imam general gen
    colonel col major maj captain capt lieutenant lt brigadier brig admiral commander cdr sayyid sayyed seyed syed haj
    mufti emir amir don dona
    """.split()
)
"""Titles and forms of address. Some are also given names, so they count a little."""

PLACEHOLDERS: Final = frozenset(
    """
    na nan none null nil unknown undefined unnamed noname anonymous test tester testing tbd tbc tba todo xxx xxxx asdf
    asdfg qwerty dummy example sample placeholder blank empty missing void various misc other name fullname firstname
    lastname surname abc abcd abcde aaa aaaa foo bar foobar unk notapplicable notavailable notknown notprovided
    notgiven notspecified notdisclosed notset nodata noentry desconocido inconnu unbekannt keineangabe sinespecificar
    noaplica neizvestno johndoe janedoe username user customer client company companyname organisation organization
    person individual enduser
    """.split()
)
"""What people type when they have no name to give (spaces removed). Such a party is not screened,
and never clear.
"""

MEANINGS: Final[tuple[tuple[str, str], ...]] = (
    # Chinese and Japanese business words, longest first where one contains another.
    ("股份有限公司", "co ltd"), ("有限责任公司", "co ltd"), ("有限公司", "co ltd"), ("股份公司", "co ltd"),
    ("株式会社", "co ltd"), ("总公司", "corporation"), ("分公司", "branch"), ("公司", "company"), ("集团", "group"),
    ("大学", "university"), ("学院", "institute"), ("研究院", "research institute"), ("研究所", "research institute"),
    ("实验室", "laboratory"), ("科学", "science"), ("科技", "technology"), ("技术", "technology"),
    ("电子", "electronics"),
    ("电气", "electric"), ("信息", "information"), ("通信", "communication"), ("通讯", "communication"),
    ("国际", "international"), ("贸易", "trading"), ("进出口", "import export"), ("实业", "industrial"),
    ("工业", "industry"), ("工程", "engineering"), ("机械", "machinery"), ("设备", "equipment"), ("航空", "aviation"),
    ("航天", "aerospace"), ("船舶", "shipbuilding"), ("重工", "heavy industry"), ("能源", "energy"),
    ("石油", "petroleum"),
    ("化工", "chemical"), ("材料", "materials"), ("投资", "investment"), ("控股", "holding"), ("银行", "bank"),
    ("物流", "logistics"), ("中国", "china"), ("北京", "beijing"), ("上海", "shanghai"), ("深圳", "shenzhen"),
    ("广州", "guangzhou"), ("香港", "hong kong"), ("智能", "intelligent"), ("软件", "software"), ("系统", "systems"),
    # Arabic and Persian business words.
    ("شركة", "company"), ("شرکت", "company"), ("مؤسسة", "foundation"), ("موسسه", "institute"), ("بنك", "bank"),
    ("بانک", "bank"), ("جامعة", "university"), ("دانشگاه", "university"), ("مجموعة", "group"), ("گروه", "group"),
    ("للتجارة", "trading"), ("التجارية", "trading"), ("بازرگانی", "trading"), ("صنایع", "industries"),
    ("للصناعات", "industries"), ("المحدودة", "ltd"), ("الدولية", "international"), ("بین المللی", "international"),
)  # fmt: skip
"""Words of organisation names by meaning, because lists publish the translation and not the sound.
"""

WORD_MEANINGS: Final[Mapping[str, str]] = {
    foreign: meaning
    for meaning, words in (
        ("group", "جماعة جماعه"), ("society", "جمعية جمعيه"), ("organization", "تنظيم منظمة سازمان"),
        ("movement", "حركة حركه"), ("party", "حزب"), ("front", "جبهة جبهه"), ("battalion", "كتيبة كتيبه"),
        ("brigade", "لواء"), ("army", "جيش"), ("exchange", "صرافي صرافة صرافى"), ("islamic", "اسلامية اسلاميه"),
        ("libyan", "ليبية ليبيه"), ("egyptian", "مصرية مصريه"), ("fighting", "مقاتلة مقاتله"),
        ("heritage", "تراث"), ("revival", "احياء"), ("council", "مجلس"), ("committee", "لجنة لجنه"),
        ("international", "دولية دوليه عالمية"), ("general", "عامة"), ("national", "وطنية وطنيه"),
        ("arab", "عربية عربيه"), ("iraqi", "عراقية"), ("syrian", "سورية"), ("charity", "خيرية خيريه"),
        ("company", "شركة شركه شركت"), ("foundation", "مؤسسة موسسة موسسه"), ("office", "مكتب"),
        ("service", "خدمات"), ("trading", "تجارية تجارت بازرگاني"), ("industry", "صناعية صنعتي صنايع"),
        ("oil", "نفط نفت"), ("petrochemical", "پتروشيمي"), ("transport", "نقل"), ("shipping", "كشتيراني"),
        ("university", "جامعة دانشگاه"), ("research", "بحوث پژوهش پژوهشي تحقيقاتي"), ("center", "مركز"),
        ("land", "بلاد"), ("state", "دولة"), ("province", "ولاية"), ("bank", "بنك بانك"), ("money", "پول"),
        ("engineering", "مهندسي هندسية"), ("development", "توسعه تنمية"), ("investment", "سرمايه استثمار"),
    )
    for foreign in words.split()
}  # fmt: skip
"""Whole words of Arabic and Persian organisations. None is part of a man's name: surnames are
masculine adjectives.
"""

GIVEN_NAME_GROUPS: Final[tuple[str, ...]] = tuple(
    """
    william bill billy will liam guillermo
    robert bob bobby rob roberto
    richard dick rick ricky ricardo
    lawrence larry laurence lorenzo
    stephen steven steve stepan esteban stefan
    michael mike mick mikhail misha miguel mykhailo mykhaylo mikhas mikhal
    james jim jimmy jamie jaime
    john johnny jack ivan juan
    joseph joe joey jose pepe iosif yusuf
    thomas tom tommy tomas
    charles charlie chuck carlos
    edward ed eddie ted eduardo eduard
    alexander alex aleksandr aleksander alejandro sasha alexandr sanya oleksandr aliaksandr alyaksandr
    vladimir volodya vova vladimer volodymyr uladzimir
    nicholas nick nikolai nikolay kolya nicolas mykola mikalai
    viktor victor viktar
    vasily vasiliy vasili vasyl vasil basil
    igor ihor
    oleg oleh aleh
    evgeny evgeni yevgeny yevgeniy yevgeni zhenya eugene yauhen yevhen
    dmitry dmitri dmitriy dima mitya dzmitry dmytro
    sergei sergey seryozha serge siarhei serhii serhiy
    andrew andy andrei andrey andres andriy
    peter pete petr pyotr pedro petro piotr
    paul pavel pasha pablo pavlo
    george yuri yury jorge georgy georgiy yuriy heorhiy
    konstantin kostya kanstantsin kostyantyn constantine
    alexei aleksei alexey aleksey alyosha oleksiy aliaksei
    anatoly tolya anatoliy anatoli
    gregory greg grigory grigoriy gregorio hryhoriy
    anthony tony antonio anton
    daniel dan danny danila danylo
    samuel sam sammy
    benjamin ben benny
    francis frank francisco paco pancho francesco
    elizabeth liz beth betty elena isabel elizaveta
    catherine kate katya ekaterina katherine catalina kateryna
    margaret maggie peggy margarita rita
    natalia natasha nataliya natalya natallia
    maria mary masha marie mariya
    galina halina
    helen elena olena alena yelena
    ignacio nacho
    manuel manolo emanuel
    enrique quique
    muhammad mohammed mohamed mohammad muhammed mohamad muhamad mehmet mohd mahomed mamadou
    ahmad ahmed ahmet
    ibrahim abraham avraham ibragim
    ismail ishmael
    suleiman solomon sulayman soleyman
    david dawood dawud daoud davud
    yakub jacob yaqub yaakov
    musa moses moshe moussa
    issa jesus isa eissa
    """.strip().splitlines()
)
"""Given names that stand for one another: short forms, and one name in several languages, a group a
line.
"""
