"""What templates put into a URL is a part of where it stands, and leads nowhere else."""

import pytest

from app.automation.language.expressions import evaluate
from app.automation.language.faults import StepFault
from app.automation.language.marks import marks_of
from app.automation.language.templates import rendered
from app.automation.nodes.connector import ConnectorConfig
from app.automation.nodes.http import HttpConfig


@pytest.mark.parametrize(
    ("url", "inputs", "asked"),
    [
        ("/users/{{ inputs.id }}/notes", {"id": "7/../../admin?x=1#y"},
         "/users/7%2F..%2F..%2Fadmin%3Fx%3D1%23y/notes"),
        ("/find?q={{ inputs.q }}&n=1", {"q": "a&n=2 ä+%"}, "/find?q=a%26n%3D2%20%C3%A4%2B%25&n=1"),
        ("/items/{{ inputs.id }}", {"id": 7}, "/items/7"),
        ("/a{{ '/b' + inputs.path }}", {"path": "/c?d=1"}, "/a%2Fb%2Fc%3Fd%3D1"),
    ],
)  # fmt: skip
def test_what_templates_put_into_an_address_leads_nowhere_else(url, inputs, asked):
    settings = {"url": f"https://api.example.com{url}"}
    given = rendered(settings, {"inputs": inputs}, marks=marks_of(HttpConfig))
    assert given == {"url": f"https://api.example.com{asked}"}
    # And where rows are read page by page.
    within = {"connector": "http_rows", "operation": "read", "options": settings}
    given = rendered(within, {"inputs": inputs}, marks=marks_of(ConnectorConfig))
    assert given["options"] == {"url": f"https://api.example.com{asked}"}


@pytest.mark.parametrize(
    ("url", "given"),
    [
        ("{{ inputs.whole }}", "https://a.example/x/y?z=1"),
        ("{{ inputs.whole }}&n={{ inputs.odd }}", "https://a.example/x/y?z=1&n=a%2Fb"),
        ("https://{{ inputs.host }}/x", "https://a.example:8443/x"),
        ("https://{{ inputs.odd }}.a.example/x", "https://a%2Fb.a.example/x"),
        ("https://{{ inputs.name }}.example/x", "https://bücher.example/x"),
        ("https://eu-{{ inputs.name }}:{{ inputs.port }}/x", "https://eu-bücher:8443/x"),
        ("https://a.example{{ ':' + string(inputs.port) }}/x", "https://a.example:8443/x"),
        ("https://a.example/{{ url.encode(inputs.odd) }}", "https://a.example/a%252Fb"),
        ("{{ 'https://a.example/' + url.encode(inputs.odd) }}", "https://a.example/a%2Fb"),
    ],
)
def test_a_whole_address_and_its_beginning_stand_as_they_are(url, given):
    whole = "https://a.example/x/y?z=1"
    inputs = {"whole": whole, "host": "a.example:8443", "odd": "a/b"}
    names = {"inputs": {**inputs, "name": "bücher", "port": 8443}}
    assert rendered({"url": url}, names, marks=marks_of(HttpConfig)) == {"url": given}


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example{{ inputs.x }}",
        "{{ inputs.a }}{{ inputs.x }}",
        "https://a.example{{ inputs.minus }}{{ inputs.x }}",
    ],
)
@pytest.mark.parametrize("value", [".evil.example", "evil.example/", "/path", "?q=1"])
def test_a_value_behind_a_host_makes_no_other_of_it(url, value):
    names = {"inputs": {"a": "https://a.example", "minus": "-", "x": value}}
    with pytest.raises(StepFault) as fault:
        rendered({"url": url}, names, marks=marks_of(HttpConfig))
    assert fault.value.code == "url_unfit"


@pytest.mark.parametrize("step", ["..", "."])
def test_a_step_that_leads_out_of_its_place_is_refused(step):
    for url in ("/users/{{ inputs.id }}/delete", "/users/{{ inputs.id }}"):
        settings = {"url": f"https://api.example.com{url}"}
        with pytest.raises(StepFault) as fault:
            rendered(settings, {"inputs": {"id": step}}, marks=marks_of(HttpConfig))
        assert fault.value.code == "url_unfit"


def test_a_value_that_is_encoded_already_is_encoded_once_more():
    settings = {"url": "https://api.example.com/{{ inputs.id }}"}
    given = rendered(settings, {"inputs": {"id": "%2e%2E"}}, marks=marks_of(HttpConfig))
    assert given["url"] == "https://api.example.com/%252e%252E"


def test_encodes_everything_but_what_is_reserved_nowhere():
    encoded = "url.encode(inputs.t)"
    assert evaluate(encoded, {"inputs": {"t": "aZ09-._~"}}) == "aZ09-._~"
    assert evaluate(encoded, {"inputs": {"t": "/?#[]@!$&'()*+,;=: %ä"}}) == (
        "%2F%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D%3A%20%25%C3%A4"
    )
    assert evaluate(encoded, {"inputs": {"t": 7}}) == "7"
    with pytest.raises(StepFault):
        evaluate(encoded, {"inputs": {"t": "x" * 1_000_000}})
