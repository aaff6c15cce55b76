"""A store that speaks S3 as far as files need it: objects, ranges, lists, and parts."""

import hashlib
from xml.sax.saxutils import escape

from aiohttp import web

KEY_ID, SECRET = "the-key-id", "the-secret-of-the-store"
_XML = '<?xml version="1.0" encoding="UTF-8"?>'


class FakeS3:
    """One bucket; `answer` gives a status with which everything is refused for a while."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.refusal: int | None = None
        self.page = 1000
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> None:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{bucket}", self._answer)
        app.router.add_route("*", "/{bucket}/{key:.*}", self._answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        if self.refusal is not None:
            return _error(self.refusal, "SlowDown")
        signed = request.headers.get("Authorization", "")
        if not signed.startswith(f"AWS4-HMAC-SHA256 Credential={KEY_ID}/"):
            return _error(403, "AccessDenied")
        if request.match_info["bucket"] != self.bucket:
            return _error(404, "NoSuchBucket")
        key = request.match_info.get("key", "")
        if not key:
            return self._list(request)
        answers = {"PUT": self._put, "POST": self._post, "GET": self._get, "HEAD": self._get}
        if request.method in answers:
            return await answers[request.method](request, key)
        self.uploads.pop(request.query.get("uploadId", ""), None)
        if "uploadId" not in request.query:
            self.objects.pop(key, None)
        return web.Response(status=204)

    async def _put(self, request: web.Request, key: str) -> web.Response:
        body = await request.read()
        if "uploadId" in request.query:
            self.uploads[request.query["uploadId"]][int(request.query["partNumber"])] = body
        else:
            self.objects[key] = body
        return web.Response(headers={"ETag": _tag(body)})

    async def _post(self, request: web.Request, key: str) -> web.Response:
        if "uploads" in request.query:
            name = f"upload-{len(self.uploads) + 1}"
            self.uploads[name] = {}
            return _xml(
                "InitiateMultipartUploadResult",
                f"<Bucket>{self.bucket}</Bucket><Key>{escape(key)}</Key><UploadId>{name}</UploadId>",
            )
        parts = self.uploads.pop(request.query["uploadId"])
        self.objects[key] = b"".join(parts[number] for number in sorted(parts))
        tag = escape(_tag(self.objects[key]))
        return _xml("CompleteMultipartUploadResult", f"<Key>{escape(key)}</Key><ETag>{tag}</ETag>")

    async def _get(self, request: web.Request, key: str) -> web.Response:
        if key not in self.objects:
            return _error(404, "NoSuchKey")
        body = self.objects[key]
        headers = {"ETag": _tag(body), "Last-Modified": "Sat, 21 Nov 2026 10:00:00 GMT"}
        if request.method == "HEAD":
            return web.Response(headers={**headers, "Content-Length": str(len(body))})
        span = request.http_range
        if span.start is None:
            return web.Response(body=body, headers=headers)
        stop = min(len(body), span.stop if span.stop is not None else len(body))
        headers["Content-Range"] = f"bytes {span.start}-{stop - 1}/{len(body)}"
        return web.Response(status=206, body=body[span.start : stop], headers=headers)

    def _list(self, request: web.Request) -> web.Response:
        after = request.query.get("continuation-token", "")
        found = sorted(
            key for key in self.objects if key.startswith(request.query.get("prefix", ""))
        )
        page = [key for key in found if key > after][: self.page]
        more = bool(page) and page[-1] != found[-1]
        listed = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self.objects[key])}</Size>"
            f"<ETag>{escape(_tag(self.objects[key]))}</ETag>"
            "<LastModified>2026-11-21T10:00:00.000Z</LastModified></Contents>"
            for key in page
        )
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        truncated = f"<IsTruncated>{str(more).lower()}</IsTruncated>"
        return _xml("ListBucketResult", f"<Name>{self.bucket}</Name>{truncated}{token}{listed}")


def _tag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


def _xml(root: str, content: str, status: int = 200) -> web.Response:
    text = f"{_XML}<{root}>{content}</{root}>"
    return web.Response(status=status, text=text, content_type="application/xml")


def _error(status: int, code: str) -> web.Response:
    return _xml("Error", f"<Code>{code}</Code><Message>{code}</Message>", status)
