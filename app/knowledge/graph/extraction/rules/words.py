"""The words that begin sentences, join names, and tell what a name is of."""

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words that are capitalised for where they stand, not for what they name: function words, and
# what sentences often begin with, in English, German, French and Spanish.
OPENERS: Final = _words("""
    a about above according additionally after afterwards again against all almost along already
    also although always among an and another any apart are as at away back be because been
    before behind being below beside besides between both but by can case certainly chapter
    clearly consequently could currently dear despite did do does during each early either else
    especially even eventually ever every example except fig figure finally first five following
    for formerly four from further furthermore generally given had has have having he hello
    hence her here hereby his how however i if in including indeed initially inside instead into
    is it its just last late lately later latter least less let like likewise long mainly many
    may meanwhile might more moreover most mostly much must my namely near nearly neither never
    nevertheless new next no none nonetheless nor not note nothing now of off often on once one
    only onto or originally other others otherwise our out outside over overall page part
    particularly per perhaps please plus possibly presumably previously probably rather recently
    regarding see section several shall she should similarly simply since six so some something
    sometimes soon still subsequently such suddenly ten than thanks that the their them then
    there thereby therefore these they thing third this those though three through throughout
    thus to today together tomorrow too toward towards traditionally two typically under
    unfortunately unless unlike until up upon us use used using usually very via was we were
    what when where whereas whether which while who whom whose why will with within without
    would yes yesterday yet you your aber alle allerdings als am andere auch auf aus außerdem
    bei beim bereits bis da dabei dadurch dafür dagegen daher dahin damals damit danach daneben
    dann daran darauf daraus darin darum darunter das dass davon davor dazu dein dem demnach den
    denn dennoch der deren des deshalb dessen deswegen die dies diese diesem diesen dieser
    dieses doch dort durch ein eine einem einen einer eines einige er es etwa für ganz gegen
    gemäß genau gestern hat heute hier hierbei hinter ich ihm ihr ihre im immer indem ist ja
    jede jeder jedes jedoch jetzt kann kein keine laut mal man manche mehr mein mit morgen nach
    nachdem neben nein nicht nie noch nun nur ob obwohl oder oft ohne seit sein seine sich sie
    sind sobald sofern sogar somit sondern sonst sowie statt trotz trotzdem über um und uns
    unser unter viele vom von vor während wann war warum wegen weil weiter welche wenn wer wie
    wieder wir wird wo zu zudem zuerst zum zur zurzeit zwar zwischen ainsi alors après au aussi
    aux avant avec car ce cela ces cet cette chez comme d'abord dans de depuis donc du elle
    elles en enfin ensuite entre et eux il ils je la le les leur lors lorsque mais même mes mon
    ne nos notre nous ou où par parce pendant pour pourtant puis quand que quel quelle qui sa
    sans selon ses si son sous sur ton tous tout toute très tu un une vers voici voilà vos votre
    vous además ahora al algunos ante antes aquí así aunque bajo cada como con contra cual
    cuando cuál del desde después donde durante el ella ellas ellos entonces era esa ese eso
    esta este esto estos fue ha hacia hasta hay las lo los luego mientras muy más ni nosotros
    nuestra nuestro o para pero por porque pues quien se según ser sin sobre su sus también tan
    tanto todo todos tras una unas uno unos usted y ya yo
""")
MONTHS_AND_DAYS: Final = _words("""
    january february march april may june july august september october november december monday
    tuesday wednesday thursday friday saturday sunday januar februar märz mai juni juli oktober
    dezember montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag janvier
    février mars avril juin juillet août septembre octobre novembre décembre lundi mardi
    mercredi jeudi vendredi samedi dimanche enero febrero marzo abril mayo junio julio agosto
    septiembre octubre noviembre diciembre lunes martes miércoles jueves viernes sábado domingo
""")
# What may stand in small letters inside a name: `Bank of England`, `Ludwig van Beethoven`.
CONNECTORS: Final = frozenset(
    ("of", "de", "del", "della", "der", "den", "des", "di", "du", "la", "van", "von", "vom", "zu")
)
# These go on with a name after any word, the other ones after a single one.
PREPOSITIONS: Final = frozenset(("de", "del", "della", "di", "du", "van", "von", "zu"))
TITLES: Final = frozenset(
    ("mr", "mrs", "ms", "dr", "prof", "professor", "sir", "herr", "herrn", "frau", "hr", "fr",
     "madame", "monsieur", "mme", "señor", "señora")
)  # fmt: skip
ORGANISATIONS: Final = frozenset(
    ("ag", "association", "authority", "bank", "bv", "college", "commission", "committee",
     "company", "corp", "corporation", "council", "department", "foundation", "gmbh", "group",
     "holding", "inc", "institut", "institute", "kg", "limited", "llc", "ltd", "ministry", "nv",
     "plc", "sarl", "university", "universität", "stiftung", "verein", "verband")
)  # fmt: skip
NO_ACRONYMS: Final = frozenset(
    ("AM", "PM", "AD", "BC", "OK", "USD", "EUR", "GBP", "CHF", "TODO", "NOTE", "TBD", "FYI", "NB",
     "PS", "CEO", "CFO", "CTO", "COO", "FAQ", "ID", "NO", "YES", "II", "III", "IV", "VI", "VII",
     "VIII", "IX", "XI", "XII", "XIII", "XIV", "XV", "XVI", "XX", "XXI", "AND", "OR", "NOT", "THE")
)  # fmt: skip
# Dots after these end no sentence.
ABBREVIATIONS: Final = frozenset(
    ("mr", "mrs", "ms", "dr", "prof", "st", "vs", "etc", "inc", "ltd", "co", "corp", "fig", "no",
     "nr", "vol", "pp", "ca", "bzw", "z.b", "d.h", "u.a", "e.g", "i.e", "approx", "dept", "jr",
     "sr", "hr", "fr", "str", "abs", "art", "usw", "vgl", "jan", "feb", "aug", "sept", "okt", "dez")
)  # fmt: skip
