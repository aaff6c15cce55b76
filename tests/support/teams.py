"""Teams for tests, made through the API."""

from dataclasses import dataclass

import httpx2

from tests.support.identity import Person


@dataclass(frozen=True)
class Team:
    """A workspace, and calls in it."""

    http: httpx2.AsyncClient
    id: str

    def headers(self, person: Person) -> dict[str, str]:
        return {**person.headers, "X-Workspace-Id": self.id}

    async def call(
        self, person: Person, method: str, path: str, body: object = None, **more: object
    ) -> httpx2.Response:
        return await self.http.request(
            method, path, json=body, headers=self.headers(person), **more
        )

    async def take_in(self, host: Person, person: Person, role: str = "editor", **more) -> str:
        """Invite someone, have them accept, and give the id of their membership."""
        invited = await self.call(host, "POST", "/v1/invitations/links", {"role": role, **more})
        assert invited.status_code == 201, invited.text
        accepted = await self.http.post(
            "/v1/invitations/accept",
            json={"token": invited.json()["token"]},
            headers=person.headers,
        )
        assert accepted.status_code == 200, accepted.text
        return accepted.json()["member"]["id"]

    async def member_of(self, host: Person, person: Person) -> dict:
        listed = await self.call(host, "GET", "/v1/members?limit=200")
        return next(m for m in listed.json()["data"] if m["user_id"] == person.user_id)


async def new_team(http: httpx2.AsyncClient, owner: Person, name: str = "Team") -> Team:
    made = await http.post("/v1/workspaces", json={"name": name}, headers=owner.headers)
    assert made.status_code == 201, made.text
    return Team(http, made.json()["id"])


def code(answer: httpx2.Response) -> tuple[int, str]:
    """The status and the code of a refusal."""
    return answer.status_code, answer.json()["code"]
