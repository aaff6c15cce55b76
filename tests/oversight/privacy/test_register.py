"""The register of processing: in the documentation and at the API."""

from pathlib import Path

from app.oversight.privacy.register.service import page
from app.tables import Base

PAGE = Path(__file__).parents[3] / "docs" / "compliance" / "data-register.md"


def test_the_page_in_the_documentation_is_current():
    assert page().strip() == PAGE.read_text().strip(), "run scripts/data-register"


async def test_the_register_tells_policy_and_recipients_of_the_workspace(client, person):
    await client.put("/v1/privacy/retention", json={"runs": 30}, headers=person.headers)
    await client.post(
        "/v1/integrations",
        json={"kind": "openai", "slug": "ours", "name": "Ours", "api_key": "sk-canary-register"},
        headers=person.headers,
    )
    answer = await client.get("/v1/privacy/register", headers=person.headers)
    assert answer.status_code == 200, answer.text
    entries = {entry["table"]: entry for entry in answer.json()["processing"]}
    assert set(entries) == set(Base.metadata.tables)
    assert entries["runs"]["retention_days"] == 30
    assert entries["conversations"]["retention_days"] is None
    assert entries["users"]["categories"] == ["identity", "preference"]
    assert (entries["users"]["subjects"], entries["users"]["has_secrets"]) == ("person", True)
    assert (entries["signing_keys"]["subjects"], entries["signing_keys"]["basis"]) == ("none", None)
    assert entries["audit_logs"]["erasure"] == "keep"
    of_customers = [name for name, entry in entries.items() if entry["subjects"] == "customer"]
    assert of_customers == ["budget_alerts", "budget_carries", "budgets", "customers"]
    assert entries["customers"]["erased_by"] == "customers_erase"
    recipients = {recipient["name"]: recipient for recipient in answer.json()["recipients"]}
    assert recipients["OpenAI"]["place"] == "api.openai.com"
    assert "canary-register" not in answer.text
