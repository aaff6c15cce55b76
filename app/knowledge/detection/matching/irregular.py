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
album alben; antibiotikum antibiotika; archiv archive; atlas atlanten; basis basen; bonus boni;
datum daten; dogma dogmen; drama dramen; firma firmen; forum foren; gremium gremien;
index indizes indices; kaktus kakteen; komma kommata; konto konten; lexikon lexika; matrix matrizen;
medium medien; ministerium ministerien; modus modi; museum museen; praktikum praktika;
prinzip prinzipien; risiko risiken; schema schemata schemen; skonto skonti; stadium stadien;
studium studien; thema themen; universum universen; virus viren; visum visa; zentrum zentren
"""


def _bases(table: str) -> dict[str, str]:
    rows = (row.split() for row in table.split(";"))
    return {form: base for base, *forms in rows for form in forms}


# By the name of the stemmer of the language.
BASES: Final = {"english": _bases(_ENGLISH), "german": _bases(_GERMAN)}
