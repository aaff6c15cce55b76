"""What keeps a workflow from being made of a template is told in the API's description."""

from app.identity.versioned import keeping
from app.main import create_app


async def test_one_workflow_too_many_is_refused_as_the_description_says(
    studio, monkeypatch, settings
):
    template_id = await studio.template("workflows", "booking-saga")
    monkeypatch.setattr(keeping, "MOST_LIVING", 0)
    path = f"/v1/templates/{template_id}/instantiate"
    answer = await studio.talker.call("POST", path, json={"name": "One too many"})
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_workflows")
    described = create_app(settings).openapi()["paths"]["/v1/templates/{template_id}/instantiate"]
    assert "`too_many_workflows`" in described["post"]["responses"]["409"]["description"]
