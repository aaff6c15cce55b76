"""Second factors of people in tests, set up through the API."""

from dataclasses import dataclass

import httpx2
import pyotp
from sqlalchemy import update

from app.core.clock import now
from app.core.db import SYSTEM
from app.core.kernel import Kernel
from app.identity.factors.models import TotpFactor
from tests.support.authenticator import Authenticator
from tests.support.identity import PASSWORD, Person


@dataclass(frozen=True)
class App:
    """An authenticator app, and the recovery codes that came with it."""

    secret: str
    recovery_codes: list[str]

    def code(self, steps: int = 0) -> str:
        """The code of this moment, or of some steps of thirty seconds away."""
        return pyotp.TOTP(self.secret).at(now(), counter_offset=steps)


async def new_app(http: httpx2.AsyncClient, kernel: Kernel, person: Person) -> App:
    """An authenticator app that is set up, and whose present code was not used yet."""
    made = (await http.post("/v1/me/totp", headers=person.headers)).json()
    body = {"code": pyotp.TOTP(made["secret"]).at(now())}
    confirmed = await http.post("/v1/me/totp/confirm", json=body, headers=person.headers)
    assert confirmed.status_code == 200, confirmed.text
    await forget_codes(kernel, person)
    return App(made["secret"], confirmed.json()["recovery_codes"])


async def forget_codes(kernel: Kernel, person: Person) -> None:
    """Let the codes of this moment be used again, as if time had passed."""
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(TotpFactor).where(TotpFactor.user_id == person.user_id).values(last_step=None)
        )


async def new_passkey(
    http: httpx2.AsyncClient, person: Person, authenticator: Authenticator, name: str = "Phone"
) -> dict:
    begun = await http.post("/v1/me/passkeys/options", headers=person.headers)
    assert begun.status_code == 200, begun.text
    asked = begun.json()
    credential = authenticator.make(asked["options"])
    body = {"name": name, "challenge": asked["challenge"], "credential": credential}
    made = await http.post("/v1/me/passkeys", json=body, headers=person.headers)
    assert made.status_code == 201, made.text
    return made.json()


async def begin_sign_in(http: httpx2.AsyncClient, person: Person, **wishes: str) -> dict:
    """The answer to the right password."""
    body = {"email": person.email, "password": PASSWORD, "refresh_token_in": "body", **wishes}
    answer = await http.post("/v1/auth/login", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def prove(http: httpx2.AsyncClient, challenge: str, **proof: object) -> httpx2.Response:
    body = {"challenge": challenge, "proof": proof}
    return await http.post("/v1/auth/second-factor", json=body)
