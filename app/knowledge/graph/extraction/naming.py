"""What models name, told of as the concepts of the dictionaries where it is one."""

from dataclasses import replace

from app.knowledge.graph.extraction.terms import Terms
from app.knowledge.graph.findings import Findings, Gathering


async def as_concepts(terms: Terms, findings: Findings) -> Findings:
    """The same, with the keys of concepts for names that are terms."""
    keys: dict[str, str] = {}
    gathering = Gathering(dropped=findings.dropped)
    for mention in findings.mentions:
        found = await terms.named(mention.name)
        if found is None:
            keys[mention.key] = mention.key
            gathering.mention(mention)
        else:
            keys[mention.key] = found.key
            gathering.mention(replace(mention, key=found.key, name=found.name))
    for tie in findings.ties:
        gathering.tie(replace(tie, source=keys[tie.source], target=keys[tie.target]))
    return gathering.whole()
