"""What can be wrong with a cache."""

from app.core.errors import BadRequest, NotFound


class CacheNotFound(NotFound):
    code = "cache_not_found"
    title = "There is no such cache"


class CacheDirectiveInvalid(BadRequest):
    code = "cache_directive_invalid"
    title = "X-Luminous-Cache is `bypass` or `refresh`"
