"""Forms that no stemmer brings together, by language: each with the form it is found by."""

from typing import Final

_ENGLISH: Final = """
alumnus alumni; analysis analyses; antenna antennae; appendix appendices; axis axes;
bacterium bacteria; basis bases; begin began begun; break broke broken; bring brought;
build built; buy bought; calf calves; child children; choose chose chosen; come came;
corpus corpora; crisis crises; criterion criteria; curriculum curricula; diagnosis diagnoses;
die dice; draw drew drawn; drive drove driven; eat ate eaten; ellipsis ellipses; fall fell fallen;
feed fed; find found; foot feet; forget forgot forgotten; formula formulae; fungus fungi;
genus genera; get got gotten; give gave given; go went gone; goose geese; grow grew grown;
half halves; hold held; hypothesis hypotheses; index indices; keep kept; knife knives;
know knew known; larva larvae; leaf leaves; lead led; leave left; life lives; lose lost; louse lice;
make made; man men; matrix matrices; mean meant; medium media; meet met; mouse mice;
nebula nebulae; nucleus nuclei; oasis oases; ovum ova; ox oxen; parenthesis parentheses; pay paid;
person people; phenomenon phenomena; radius radii; ride rode ridden; rise rose risen;
run ran; say said; schema schemata; see saw seen; sell sold; send sent; shelf shelves;
shoot shot; sing sang sung; speak spoke spoken; spend spent; spectrum spectra; stand stood;
stimulus stimuli; stratum strata; swim swam swum; synopsis synopses; synthesis syntheses;
take took taken; teach taught; tell told; thesis theses; thief thieves; think thought; tooth teeth;
understand understood; vertebra vertebrae; vertex vertices; vortex vortices; wake woke woken;
wear wore worn; win won; wolf wolves; woman women; write wrote written
"""
_GERMAN: Final = """
album alben; antibiotikum antibiotika; archiv archive; atlas atlanten; auto autos; basis basen;
bau bauten; bonus boni; büro büros; datum daten; demo demos; dogma dogmen; drama dramen;
firma firmen; forum foren; foto fotos; gremium gremien; handy handys; hobby hobbys;
index indizes indices; info infos; kaktus kakteen; kamera kameras; komma kommata kommas;
konto konten kontos; lexikon lexika; lobby lobbys; logo logos; matrix matrizen;
medium medien; ministerium ministerien; modus modi; motto mottos; museum museen; niveau niveaus;
party partys; porto portos; portfolio portfolios; praktikum praktika; prinzip prinzipien;
radio radios; risiko risiken risikos; schema schemata schemen schemas; silo silos;
skonto skonti skontos; stadium stadien; studio studios; studium studien; szenario szenarios;
taxi taxis; thema themen themas; universum universen; video videos; virus viren;
visum visa; zentrum zentren
"""
_FRENCH: Final = """
aïeul aïeux; bail baux; ciel cieux; corail coraux; émail émaux; madame mesdames;
monsieur messieurs; œil yeux; soupirail soupiraux; travail travaux; vitrail vitraux
"""
_SPANISH: Final = """
capaz capaces; carácter caracteres; crimen crímenes; cruz cruces; dictamen dictámenes;
directriz directrices; eficaz eficaces; espécimen especímenes; examen exámenes; faz faces;
gravamen gravámenes; imagen imágenes; joven jóvenes; juez jueces; lápiz lápices; luz luces;
margen márgenes; matriz matrices; nariz narices; origen orígenes; paz paces; pez peces; raíz raíces;
régimen regímenes; resumen resúmenes; veloz veloces; vez veces; volumen volúmenes; voz voces
"""


def _bases(table: str) -> dict[str, str]:
    rows = (row.split() for row in table.split(";"))
    return {form: base for base, *forms in rows for form in forms}


# By the name of the stemmer of the language.
BASES: Final = {
    "english": _bases(_ENGLISH),
    "french": _bases(_FRENCH),
    "german": _bases(_GERMAN),
    "spanish": _bases(_SPANISH),
}
