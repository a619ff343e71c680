"""Stop words: words that say little or nothing about whose name it is.

All words are normalised: lower case, Latin letters, no accents (`normalisation.normalise`). To add
a word, append it to its table; order does not matter. A word that is also part of a person's name
weakens that name. Every table changes scores, so a new word needs a new version in `config`.
"""

# ruff: noqa: SIM905  a table of words is easiest to read as text

import re
from typing import Final

LEGAL_FORMS: Final = frozenset(
    """
    ab ag ao aps as asa bhd bv bvba ca cjsc co coltd company corp corporation cv doo ead eirl eood
    fze fzc fzco fzllc gmbh inc incorporated jsc kg kk kft limited limitada llc llp lp ltd ltda ltee
    nv oao ojsc ooo oy oyj pao pjs pjsc plc pt pte pty pvt pcl psc private public joint stock sa sab
    saa sac sae sagl sal sapi sarl sas sdn sirketi slu sl snc spa spol sprl srl sro sti tov ug ulc
    uab vof zao zat otkrytoe zakrytoe publichnoe aktsionernoe obshchestvo ogranichennoi
    otvetstvennostyu ogranichennoy otvetstvennost otkrytogo aktsionernogo obshchestva iooo
    ogranichennoj otvetstvennostiu obschestvo otkrytoye zakrytoye publichnoye aktsionernoye
    beschrankter haftung ztaa fllc tdv gesellschaft aktiengesellschaft anonim sociedad anonima
    societe anonyme responsabilidad
    """.split()
)
"""Legal forms of one word. They are often omitted or translated, so they hardly count for or
against a match.
"""

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
"""Legal forms of several words. Each word alone means something else, or nothing."""

INVESTMENT_VEHICLES: Final = frozenset(
    """
    fund funds fonds fondo trust trusts partners partnership lp slp scsp sicav securities notes
    certificates receivables
    """.split()
)
"""Words for what one sponsor sets up in series, told apart by a number: funds, issues of
securities.
"""

GENERIC: Final = frozenset(
    """
    academy administration agency aircraft airlines association aviation bank branch bureau business
    capital center centre chemical china chinese commerce commercial committee communication
    communications construction consulting council de del department design development distribution
    division economic education electric electronic electronics energy engineering enterprise
    enterprises equipment establishment export factory federal finance financial foundation fund gas
    general global group holding holdings import import-export industrial industries industry
    information infrastructure institute insurance intelligent international inter investment
    investments iran iranian lab laboratory laboratories line lines logistics machine machinery
    management manufacturing marine maritime market marketing materials media medical metal metals
    mining ministry national navigation network networks office oil optical organization
    organisation petrochemical petroleum pharma pharmaceutical plant port power precision product
    production products project real estate regional research russia russian science sciences
    scientific security services service shipping ship shop society software solutions solution
    state steel store supply system systems tech technical technologies technology telecom
    telecommunication telecommunications textile tourism trade trading transport transportation
    travel university venture ventures world zavod nauchno proizvodstvennoe predpriyatie
    predpriyatiye gosudarstvennoe gosudarstvennoye unitarnoe unitarnoye kompaniya firma grupo
    comercial comercializadora inversiones inmobiliaria asociados cia ltda servicios constructora
    distribuidora agropecuaria industria nacional new first united advanced universal modern premier
    standard innovative worldwide integrated professional special
    """.split()
)
"""Words that many organisations share. They cannot carry a match alone."""

PARTICLES: Final = frozenset(
    """
    a al an and ibn bin ben bint binti binte bt abu abou umm um e el ul ur as ash ad az at der den
    des di do dos da das du la le les los las of the van von y i und et uz ud o ould ag for in ol
    wal
    """.split()
)
"""Articles and particles of names, written or omitted at will."""

FUNCTION_WORDS: Final = PARTICLES | frozenset(
    """
    and or the to on with by from at its named after imeni im under no number nr n o over aux sous
    para por con per dlya po na pri ve ile baraye val wa fi ila li bi making
    """.split()
)
"""Words that join others in names of organisations. A name and its acronym may omit them."""

HONORIFICS: Final = frozenset(
    """
    mr mrs ms miss dr prof professor eng engineer sir lord lady sheikh shaikh shaykh sheik cheikh
    hajji haji hajj alhaj hadji mullah mulla maulavi mawlawi maulana mawlana qari ustad ayatollah
    hojatoleslam imam general gen colonel col major maj captain capt lieutenant lt brigadier brig
    admiral commander cdr sayyid sayyed seyed syed haj mufti emir amir don dona
    """.split()
)
"""Titles and forms of address. Some are also given names, so they count a little."""

PLACEHOLDERS: Final = frozenset(
    """
    na nan none null nil unknown undefined unnamed noname anonymous test tester testing tbd tbc tba
    todo xxx xxxx asdf asdfg qwerty dummy example sample placeholder blank empty missing void
    various misc other name fullname firstname lastname surname abc abcd abcde aaa aaaa foo bar
    foobar unk notapplicable notavailable notknown notprovided notgiven notspecified notdisclosed
    notset nodata noentry desconocido inconnu unbekannt keineangabe sinespecificar noaplica
    neizvestno johndoe janedoe username user customer client company companyname organisation
    organization person individual enduser
    """.split()
)
"""Texts that people enter for want of a name, without spaces. Such a party is not screened and
never CLEAR.
"""
