"""What the audit trail tells of sign-ins and second factors: in the person's own workspace."""

from tests.support.factors import begin_sign_in, new_app, prove
from tests.support.identity import PASSWORD, new_person, sign_in, until


async def trail(client, person):
    answer = await client.get("/v1/audit-logs", headers=person.headers)
    assert answer.status_code == 200, answer.text
    return [(e["action"], e["outcome"], e["detail"], e["address"]) for e in answer.json()["data"]]


async def test_a_persons_sign_ins_and_factors_are_noted(client, kernel):
    person = await new_person(client)
    other = await sign_in(client, person.email)
    await client.post("/v1/auth/logout", json={"refresh_token": other["refresh_token"]})
    app = await new_app(client, kernel, person)
    begun = await begin_sign_in(client, person)
    await prove(client, begun["challenge"], type="totp", code="000000")
    await prove(client, begun["challenge"], type="totp", code=app.code())
    await client.post(
        "/v1/auth/login", json={"email": person.email, "password": "not the password"}
    )
    await client.delete("/v1/me/totp", headers=person.headers)
    body = {"proof": {"type": "password", "password": PASSWORD}}
    await client.post("/v1/auth/step-up", json=body, headers=person.headers)
    expected = [
        ("session.created", "success", {"method": "password"}),
        ("session.created", "success", {"method": "totp"}),
        ("session.revoked", "success", {"reason": "signed_out"}),
        ("second_factor.added", "success", {"kind": "totp"}),
        ("session.refused", "refused", {"method": "totp"}),
        ("session.refused", "refused", {"method": "password"}),
        ("second_factor.removed", "success", {"kind": "totp"}),
        ("session.proved", "success", {"method": "password"}),
    ]

    async def all_noted():
        noted = [entry[:3] for entry in await trail(client, person)]
        return all(each in noted for each in expected)

    await until(all_noted)
    entries = await trail(client, person)
    assert {address for *_, address in entries if address} == {"127.0.0.1"}
    answer = await client.get("/v1/audit-logs", headers=person.headers)
    for secret in (app.secret, *app.recovery_codes, begun["challenge"], PASSWORD):
        assert secret not in answer.text
