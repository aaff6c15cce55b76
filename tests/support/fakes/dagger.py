"""A stub of Dagger's GraphQL session. It proves wiring, not containers: nothing is run."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import orjson
from graphql import GraphQLError, build_schema, graphql_sync

from app.inference.providers.demo.http import HttpExchange, HttpServer

TOKEN = "token-of-the-stub"
SDL = """
scalar ContainerID
scalar FileID
enum ReturnType { SUCCESS FAILURE ANY }
type Query { container(platform: String): Container! version: String! }
type File { id: FileID! contents: String! size: Int! }
type Container {
  id: ContainerID!
  from(address: String!): Container!
  withExec(args: [String!]!, stdin: String, expect: ReturnType): Container!
  withEnvVariable(name: String!, value: String!): Container!
  withWorkdir(path: String!): Container!
  withNewFile(path: String!, contents: String!): Container!
  file(path: String!): File!
  stdout: String!
  stderr: String!
  exitCode: Int!
}
"""
SCHEMA = build_schema(SDL)


class FakeDagger(HttpServer):
    """`asked` are the pipelines whose output was wanted; `false` fails, and so does no image.

    `written` are files that commands leave behind, as if they had run.
    """

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.asked: list[tuple[Any, ...]] = []
        self.refused = 0
        self.written: dict[str, str] = {}

    async def _answer(self, exchange: HttpExchange) -> None:
        wanted = "Basic " + base64.b64encode(f"{TOKEN}:".encode()).decode()
        if exchange.request.headers.get("authorization") != wanted:
            self.refused += 1
            await exchange.send(401, b"{}")
            return
        body = json.loads(exchange.request.body)
        root = {
            "container": lambda _, **__: _Container(self, ()),
            "version": lambda _: "v0.21.11",
        }
        done = graphql_sync(
            SCHEMA, body["query"], root_value=root, variable_values=body.get("variables")
        )
        told: dict[str, Any] = {"data": done.data}
        if done.errors:
            told["errors"] = [error.formatted for error in done.errors]
        await exchange.send(200, orjson.dumps(told))


class _Container:
    """What has been asked for so far."""

    def __init__(self, of: FakeDagger, done: tuple[Any, ...]) -> None:
        self._of = of
        self._done = done

    def _with(self, *step: Any) -> "_Container":
        return _Container(self._of, (*self._done, step))

    def withExec(self, _: Any, args: list[str], **more: Any) -> "_Container":  # noqa: N802
        return self._with("exec", tuple(args), more)

    def withEnvVariable(self, _: Any, name: str, value: str) -> "_Container":  # noqa: N802
        return self._with("env", name, value)

    def withWorkdir(self, _: Any, path: str) -> "_Container":  # noqa: N802
        return self._with("workdir", path)

    def withNewFile(self, _: Any, path: str, contents: str) -> "_Container":  # noqa: N802
        return self._with("file", path, contents)

    def file(self, _: Any, path: str) -> Mapping[str, Any]:
        found = {step[1]: step[2] for step in self._done if step[0] == "file"}
        found |= self._of.written
        if path not in found:
            raise GraphQLError(f"lstat {path}: no such file or directory")
        return {"contents": found[path], "size": len(found[path])}

    def stdout(self, _: Any) -> str:
        self._of.asked.append(self._done)
        if ("from", "nothing:latest") in self._done:
            raise GraphQLError("failed to resolve image nothing:latest")
        _, args, more = self._done[-1]
        if args[0] == "false" and more.get("expect") != "ANY":
            raise GraphQLError(
                'process "false" did not complete successfully: exit code: 1',
                extensions={
                    "_type": "EXEC_ERROR",
                    "cmd": list(args),
                    "exitCode": 1,
                    "stdout": "",
                    "stderr": "boom",
                },
            )
        return f"{' '.join(args)}{more.get('stdin', '')}"

    def stderr(self, _: Any) -> str:
        return ""

    def exitCode(self, _: Any) -> int:  # noqa: N802
        return int(self._done[-1][1][0] == "false")


def _from(self: _Container, _: Any, address: str) -> _Container:
    return self._with("from", address)


setattr(_Container, "from", _from)
