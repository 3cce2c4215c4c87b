"""Who is let in, and what pages may do: Host × Origin × token over every route."""

import itertools
import re

import pytest

from evocircuits.browser import open_site
from evocircuits.browser.access import Access
from evocircuits.browser.app import PAGES
from evocircuits.errors import InputError
from tests.browser.asgi import Client
from tests.browser.shelves import FINISHED, filled

READING = (
    "/",
    "/pulse",
    "/runs",
    f"/runs/{FINISHED}",
    f"/runs/{FINISHED}/charts.json",
    f"/compare-runs?run={FINISHED}&run=burst",
    "/compare-runs/charts.json",
    "/motifs",
    "/motifs/best:order",
    "/motifs/best:order/thumbnail.svg",
    "/motifs/best:order/circuit.json",
    "/motifs/best:order/trials.json?task=order",
    "/motifs/best:order/voltage.json?task=order&window=0&neuron=0",
    "/motifs/best:order/download/motif.json",
    "/compare",
    "/networks",
    "/networks/x/charts.json",
    "/static/app.js",
    "/nowhere",
)
WRITING = ("/motifs/best:order/tags", "/motifs/best:order/notes", f"/runs/{FINISHED}/notes")
HOSTS = (
    "evil.example",
    "evil.example:8765",
    "127.0.0.1.evil.example:8765",
    "localhost@evil.example",
    "",
    "[::1",
)
ORIGINS = ("http://evil.example", "http://127.0.0.1:9", "http://localhost:8765", "null", "", None)
TOKENS = (None, "", "evocircuits-8765=", "evocircuits-8765=guessed", "evocircuits-1=the-token")


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> Client:
    """Pages of a library that tests may try to change."""
    return Client(filled(tmp_path_factory.mktemp("own") / "library.db"))


def test_every_route_is_in_these_lists():
    def pattern(path: str) -> str:
        return re.sub(r"\{[^}]*:path\}", ".+", re.sub(r"\{\w+\}", "[^/]+", path))

    tried = [address.partition("?")[0] for address in (*READING, *WRITING)]
    routes = [route.path for pages in PAGES for route in pages.router.routes]
    assert len(routes) > 15
    for route in routes:
        assert any(re.fullmatch(pattern(route), address) for address in tried), route


@pytest.mark.parametrize("address", READING)
def test_nobody_reads_from_another_host_or_without_the_token(client, address):
    for host in HOSTS:
        assert client.get(address, host=host).status == 421
    for cookie in TOKENS:
        refused = client.get(address, cookie=cookie)
        assert refused.status == 403
        assert "evocircuits browse" in refused.text
    assert client.get(address).status in (200, 302, 400, 404)


@pytest.mark.parametrize("address", WRITING)
def test_nobody_writes_from_elsewhere(own, address):
    client, before = own, state(own)
    fields = {"add": "forged", "text": "forged", "remove": "kept"}
    hosts, origins, tokens = (client.host, *HOSTS), (f"http://{client.host}", *ORIGINS), ("right", *TOKENS)
    for host, origin, token in itertools.product(hosts, origins, tokens):
        if (host, origin, token) == (client.host, f"http://{client.host}", "right"):
            continue
        cookie = f"{client.access.cookie}={client.access.token}" if token == "right" else token
        assert 400 <= client.post(address, fields, host=host, origin=origin, cookie=cookie).status < 500
    assert state(client) == before
    assert client.post(address, {"add": "own", "text": f"own, to {address}"}).status == 303
    assert state(client) != before


def state(client: Client) -> tuple:
    id = client.library.best("order").id
    return client.library.tags(id), client.library.notes(id), client.library.notes(FINISHED)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(client, method):
    for address in (*READING, *WRITING):
        assert client.send(method, address, origin=f"http://{client.host}").status == 405


def test_what_is_read_is_not_written(client):
    for address in READING:
        assert client.post(address).status in (404, 405)


def test_pages_of_other_servers_of_this_machine_read_nothing(client):
    for site, mode in itertools.product(("cross-site", "same-site"), ("no-cors", "cors")):
        assert client.get("/motifs", sec_fetch_site=site, sec_fetch_mode=mode).status == 403
    assert client.get("/motifs", sec_fetch_site="cross-site", sec_fetch_mode="navigate").status == 200
    assert client.get("/motifs", sec_fetch_site="same-origin", sec_fetch_mode="cors").status == 200


@pytest.mark.parametrize("address", READING)
def test_every_answer_says_what_pages_may_do(client, address):
    for answer in (
        client.get(address),
        client.get(address, cookie=None),
        client.get(address, host="evil.example"),
    ):
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "default-src 'none'" in policy
        script = re.search(r"script-src([^;]*)", policy)[1]
        assert "unsafe" not in script
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "access-control-allow-origin" not in answer.headers


def test_the_link_lets_in_once_and_leaves_the_token_out_of_the_address(client):
    answer = client.get(f"/motifs?task=order&token={client.access.token}", cookie=None)
    assert (answer.status, answer.headers["location"]) == (303, "/motifs?task=order")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert client.get("/motifs", cookie=answer.headers["set-cookie"].partition(";")[0]).status == 200


def test_a_wrong_token_sets_no_cookie(client):
    answer = client.get("/motifs?token=guessed", cookie=None)
    assert (answer.status, "set-cookie" in answer.headers) == (403, False)


def test_the_link_leads_to_no_other_server(client):
    answer = client.get(f"//evil.example/?token={client.access.token}")
    assert answer.headers["location"] == "/evil.example/"


def test_two_hosts_in_one_request_are_refused(client):
    access = client.access
    assert access.refusal("GET", {"host": "localhost"}) is None
    assert access.refusal("GET", {"host": "localhost, evil.example"}) is not None


def test_tokens_are_random_and_the_cookies_of_ports_apart():
    one, other = Access(1), Access(2)
    assert len({one.token, other.token, Access(1).token}) == 3
    assert len(one.token) >= 32
    assert one.cookie != other.cookie


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::", "example.org"])
def test_a_public_address_without_a_token_is_refused(library, host):
    with pytest.raises(InputError, match=r"expected a token of your own in \$EVOCIRCUITS_TOKEN"):
        open_site(library, host=host)


def test_a_short_token_is_refused(library):
    with pytest.raises(InputError, match="expected at least 16 letters; got 5"):
        open_site(library, token="short")


def test_all_addresses_at_once_are_refused(library):
    with pytest.raises(InputError, match="expected the address by which others reach this machine"):
        open_site(library, host="0.0.0.0", token="a-token-of-my-own")


def test_it_listens_on_this_machine_only(library):
    site = open_site(library)
    with site.listener:
        assert site.listener.getsockname()[0] == "127.0.0.1"
        assert site.access.link.startswith(f"http://127.0.0.1:{site.access.port}/?token=")


def test_a_taken_port_is_one_line_with_a_remedy(library):
    first = open_site(library)
    with (
        first.listener,
        pytest.raises(InputError, match=r"expected an address that is free; .* \(try --port 0\)"),
    ):
        open_site(library, port=first.access.port)
