"""The service starts on real stores and says so."""


async def test_every_store_is_up(client):
    answer = await client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "stores": {"postgres": "up", "valkey": "up", "qdrant": "up"},
    }
