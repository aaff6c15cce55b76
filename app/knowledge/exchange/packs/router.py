"""/v1/dictionaries/{id}/pack."""

import hashlib
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from app.core.auth import Access, Permission
from app.core.http.guard import guarded_router, require
from app.core.http.problems import problems
from app.core.http.riding import take_if_none_match
from app.core.http.units import Session
from app.core.versions import parse_etags
from app.knowledge.dictionary.dictionaries import service as dictionaries
from app.knowledge.dictionary.errors import DictionaryNotFound
from app.knowledge.exchange.packs import packing
from app.knowledge.exchange.packs.schemas import PackQuery, PackRead
from app.knowledge.exchange.packs.vendors import FORMS

Reader = Annotated[Access, require(Permission.DICTIONARY_READ)]

router = guarded_router(prefix="/v1/dictionaries", tag="dictionary_packs")


@router.get(
    "/{dictionary_id}/pack",
    operation_id="dictionary_packs_read",
    summary="Read a dictionary as a part of a system prompt, in a vendor's form",
    response_model=PackRead,
    dependencies=[Depends(take_if_none_match)],
    responses=problems(DictionaryNotFound),
)
async def read_pack(
    access: Reader,
    session: Session,
    request: Request,
    response: Response,
    dictionary_id: UUID,
    query: Annotated[PackQuery, Query()],
) -> PackRead | Response:
    pack = await _pack(session, access, dictionary_id, query)
    etag = f'"{pack.sha256[:32]}"'
    if etag in parse_etags(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers={"ETag": etag})
    response.headers["ETag"] = etag
    return pack


async def _pack(
    session: Session, access: Access, dictionary_id: UUID, query: PackQuery
) -> PackRead:
    dictionary = await dictionaries.get(session, access, dictionary_id)
    language = query.language or next(iter(dictionary.languages), "en")
    statuses: list[str] = [*(query.status or ["approved"])]
    items, found = await packing.items_for(
        session, access, dictionary_id, language, statuses, query.max_tokens
    )
    pack = packing.packed(items, found, query.vendor, language, query.max_tokens)
    return PackRead(
        dictionary_id=dictionary_id,
        vendor=query.vendor,
        language=language,
        text=pack.text,
        tokens=pack.tokens,
        entries=pack.entries,
        omitted=pack.omitted,
        sha256=hashlib.sha256(pack.text.encode()).hexdigest(),
        request=FORMS[query.vendor].request(pack.text),
    )
