"""Signing in through a provider of somebody else's making, by hand and in a real browser."""

import asyncio
import shutil
import sys
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4

import httpx2
import pytest
import pytest_asyncio
from playwright.async_api import async_playwright
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from app.main import announce_stop, create_app
from tests.cli.test_up import free_port
from tests.conftest import serve
from tests.support.identity import bearer

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

# What a frontend does: begin, go away, come back, finish. It shows who is signed in.
PAGE = """<!doctype html><title>frontend</title><button id="go">Sign in</button><p id="out"></p>
<script>
const api = "API", out = document.getElementById("out");
const post = (path, body) => fetch(api + path, {
  method: "POST", credentials: "include",
  headers: {"Content-Type": "application/json"}, body: JSON.stringify(body),
}).then(answer => answer.json());
document.getElementById("go").onclick = async () => {
  const begun = await post("/v1/auth/sso/start",
    {provider: "oidc", redirect_to: location.origin + "/signed-in"});
  sessionStorage.setItem("verifier", begun.verifier);
  location.href = begun.authorization_url;
};
(async () => {
  const found = new URLSearchParams(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
  if (found.has("error")) { out.textContent = "error: " + found.get("error"); return; }
  if (!found.has("code")) return;
  const tokens = await post("/v1/auth/sso/complete",
    {code: found.get("code"), verifier: sessionStorage.getItem("verifier")});
  if (!tokens.access_token) { out.textContent = "error: " + tokens.code; return; }
  const me = await fetch(api + "/v1/me",
    {headers: {Authorization: "Bearer " + tokens.access_token}}).then(a => a.json());
  out.textContent = "signed in as " + me.user.email;
})();
</script>"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def issuer():
    """The provider of the package oidc-provider-mock, in a process of its own."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", "-m", "oidc_provider_mock"),
        *("--host", "127.0.0.1", "--port", str(port)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    async with httpx2.AsyncClient() as probe:
        for _ in range(300):
            try:
                found = await probe.get(f"{url}/.well-known/openid-configuration")
                break
            except httpx2.HTTPError:
                await asyncio.sleep(0.1)
    yield found.json()["issuer"]
    process.terminate()
    await process.wait()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def frontend():
    """A page of another origin, and the means to tell it where the service is."""
    where = {}

    async def page(_):
        return HTMLResponse(PAGE.replace("API", where["api"]))

    server, task, url = await serve(Starlette(routes=[Route("/{path:path}", page)]))
    yield url, where
    server.should_exit = True
    await task


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def service(apart, issuer, frontend):
    url, where = frontend
    app = create_app(
        apart("browser").model_copy(
            update={
                "oidc_issuer": issuer,
                "oidc_client_id": "luminous",
                "oidc_client_secret": SecretStr("a secret"),
                "cors_origins": (url,),
            }
        )
    )
    server, task, where["api"] = await serve(app)
    yield where["api"]
    announce_stop(app)
    server.should_exit = True
    await task


async def someone_at(issuer: str) -> tuple[str, str]:
    """Someone with an account at the provider: their subject and their address."""
    subject, email = uuid4().hex, f"{uuid4().hex}@example.com"
    async with httpx2.AsyncClient() as http:
        claims = {"email": email, "email_verified": True}
        told = await http.put(f"{issuer}/users/{subject}", json=claims)
        assert told.status_code == 204, told.text
    return subject, email


async def test_a_library_made_provider_signs_someone_in(service, issuer, frontend):
    subject, email = await someone_at(issuer)
    async with httpx2.AsyncClient(base_url=service) as http:
        begun = await http.post(
            "/v1/auth/sso/start", json={"provider": "oidc", "redirect_to": frontend[0] + "/in"}
        )
        assert begun.status_code == 200, begun.text
        url = begun.json()["authorization_url"]
        back = await http.post(
            url,
            content=urlencode({"sub": subject}),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        cookie = begun.headers["set-cookie"].split(";")[0]
        gone_on = await http.get(back.headers["location"], headers={"Cookie": cookie})
        found = dict(parse_qsl(urlsplit(gone_on.headers["location"]).fragment))
        assert "code" in found, found
        body = {"code": found["code"], "verifier": begun.json()["verifier"]}
        tokens = (await http.post("/v1/auth/sso/complete", json=body)).json()
        me = await http.get("/v1/me", headers=bearer(tokens["access_token"]))
    assert me.json()["user"]["email"] == email


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed on this machine")
async def test_a_real_browser_signs_in(service, issuer, frontend):
    subject, email = await someone_at(issuer)
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page()
        # The provider's page asks for its style sheet on the internet.
        await page.route(lambda url: "127.0.0.1" not in url, lambda route: route.abort())
        await page.goto(frontend[0])
        await page.click("#go")
        await page.fill("input[name=sub]", subject)
        await page.click("button[type=submit]")
        await page.wait_for_function("document.getElementById('out')?.textContent", timeout=30_000)
        assert await page.text_content("#out") == f"signed in as {email}"
        cookies = {each["name"]: each for each in await page.context.cookies(service)}
        assert [name for name in cookies if name.startswith("__Host-luminous_sso_")] == []
        assert cookies["__Host-luminous_refresh"]["httpOnly"] is True
        assert "code" not in page.url
        await browser.close()
