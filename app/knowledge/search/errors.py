"""What can go wrong with a search."""

from app.core.errors import Unavailable, Unprocessable, UpstreamFailed


class SearchUnavailable(Unavailable):
    """The store of vectors, or the model that embeds, is away; `mode: lexical` works without."""

    code = "search_unavailable"
    title = "Searching by meaning is not possible at the moment"


class RerankerUnknown(Unprocessable):
    code = "reranker_unknown"
    title = "There is no such reranker"


class RerankingFailed(UpstreamFailed):
    code = "reranking_failed"
    title = "The reranker's answer cannot be read"
