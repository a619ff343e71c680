"""Given names that stand for one another: short forms, and one name in several languages.

A line is a group; an indented line continues it. To add a name, append its normalised form to its
group, or begin a new line. A name belongs to one group: of two, the last would count. A new name
changes scores, so it needs a new version in `config`.
"""

from typing import Final

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
    alexander alex aleksandr aleksander alejandro sasha alexandr sanya oleksandr aliaksandr
        alyaksandr
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
    """.replace("\n        ", " ")
    .strip()
    .splitlines()
)
