"""The page in a real browser: keys, clicks, addresses, themes, paper; no request, no complaint, nothing that axe finds.

One browser for all of them, on one worker. Nothing waits for a clock: the page's own is turned by hand.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from connections import CONNECTIONS, of_library, violated
from playwright.sync_api import Browser, Page, expect, sync_playwright
from test_web import HOSTILE, data, hostile

from tcpviz import draw
from tcpviz.exchange import library
from tcpviz.exchange.exchange import Exchange
from tcpviz.exchange.simulate import simulate
from tcpviz.language import LANGUAGES
from tcpviz.value import replace

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no browser: apt install chromium"),
    pytest.mark.xdist_group("chromium"),
]
PATIENCE = 60_000
"""Milliseconds that a condition may take on a busy machine."""
PACE = 1600
"""Milliseconds that a step is shown while it plays."""
expect.set_options(timeout=PATIENCE)
Open = Callable[..., Page]

PAGES = {
    "normal": draw.html(Exchange("Normal", (of_library("normal"),))),
    "violating": draw.html(Exchange("Violating", (violated(of_library("normal"), 4),), clocks=1)),
    "zh": draw.html(simulate(library.load("normal")), words=draw.words_in(LANGUAGES["zh"])),
    "two": draw.html(Exchange("Two", (of_library("normal"), CONNECTIONS["lost SYN"]))),
    "long": draw.html(Exchange("Long", (CONNECTIONS["long with losses"],)), pages=2),
    "udp": draw.html(simulate(library.load("tutorial-udp-both-ways"))),
    "mixed": draw.html(
        replace(simulate(library.load("two-connections")), flows=simulate(library.load("tutorial-udp-both-ways")).flows)
    ),
    "print theme": draw.html(Exchange("Normal", (of_library("normal"),)), theme=draw.PRINT),
    "options": draw.html(Exchange("Options", (of_library("all-options"),))),
    "hostile": draw.html(hostile(), show=draw.DETAILS),
}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, timeout=2 * PATIENCE)
        yield launched
        launched.close()


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """`visit(name, "#7")`: a page of its own, which has asked for nothing and complained of nothing at the end."""
    complaints: list[str] = []
    requests: list[str] = []
    contexts = []

    def opened(name: str, at: str = "", *, width: int = 1280, height: int = 720, **options: object) -> Page:
        file = tmp_path / f"{name}.html"
        file.write_bytes(PAGES[name])
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, **options))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.clock.install()
        page.goto(f"{file.as_uri()}{at}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith(tmp_path.as_uri())] == []
    assert len(requests) == len(contexts), "each page is one request, for itself"


def steps(name: str) -> int:
    return len(data(PAGES[name].decode())["connections"][0]["steps"])


def at(page: Page, step: int, name: str = "normal") -> None:
    """The page shows this step, says so, and has it in its address."""
    expect(page.get_by_role("status")).to_contain_text(f"Step {step} of {steps(name)}")
    assert page.url.endswith(f"#{step}")


def test_keys(visit: Open) -> None:
    page, last = visit("normal"), steps("normal")
    expect(page.get_by_role("status")).to_contain_text(f"Step 0 of {last}")
    for key, step in [
        ("ArrowRight", 1), ("PageDown", 2), ("ArrowRight", 3), ("ArrowLeft", 2), ("PageUp", 1), ("End", last),
        ("PageUp", last - 1), ("PageDown", last), ("ArrowRight", last), ("Home", 0), ("ArrowLeft", 0),
    ]:  # fmt: skip
        page.keyboard.press(key)
        at(page, step)


def test_keys_that_come_fast_all_count(visit: Open) -> None:
    page = visit("normal")
    for _ in range(9):
        page.keyboard.press("PageDown")
    at(page, 9)


def test_space_plays_and_pauses(visit: Open) -> None:
    page, last = visit("normal"), steps("normal")
    play = page.locator("#play")
    page.keyboard.press("Space")
    expect(play).to_have_attribute("aria-label", "Pause")
    page.clock.run_for(3 * PACE)
    at(page, 3)
    page.keyboard.press("Space")
    page.clock.run_for(3 * PACE)
    at(page, 3)
    page.keyboard.press("Space")
    page.clock.run_for((last + 1) * PACE)
    at(page, last)
    expect(play).to_have_attribute("aria-label", "Play")


def test_buttons_and_slider(visit: Open) -> None:
    page, last = visit("normal"), steps("normal")
    for name, step in [
        ("Next step", 1),
        ("Next step", 2),
        ("Previous step", 1),
        ("Last step", last),
        ("First step", 0),
    ]:
        page.get_by_role("button", name=name).click()
        at(page, step)
    page.get_by_role("slider").fill("5")
    at(page, 5)


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_a_step_shows_what_has_happened_and_no_more(visit: Open, motion: str) -> None:
    page = visit("normal", "#3", reduced_motion=motion)
    arrows = page.locator(".shown .arrow")
    expect(arrows.nth(0)).to_be_visible()
    expect(arrows.nth(1)).to_be_hidden()
    page.keyboard.press("ArrowRight")
    expect(arrows.nth(1)).to_be_visible()
    # on its way it is half as long, from the server to the left
    clipped = re.compile(r" 50%\)")
    expect(page.locator(".shown .arrow").nth(1)).to_have_css("clip-path", clipped)
    line, head = (
        arrows.nth(1).locator(f"path:not(.reach){which}").bounding_box() for which in ("[fill=none]", ":last-child")
    )
    assert line
    assert head
    assert head["x"] == pytest.approx(line["x"] + line["width"] / 2, abs=2), "its head is where the line ends"
    page.keyboard.press("ArrowRight")
    expect(page.locator(".shown .arrow").nth(1)).not_to_have_css("clip-path", clipped)


def test_the_state_machine_lights_up_the_row_that_fires(visit: Open) -> None:
    page = visit("normal", "#3")
    fires = page.locator("#machine [data-part='edge-LISTEN-SYN-RECEIVED']").first
    expect(fires).to_have_class(re.compile(r"\bnow\b.*\bserver\b"))
    machine = page.get_by_role("img")
    expect(machine).to_have_attribute("aria-label", "State machine: Client SYN-SENT, Server SYN-RECEIVED")
    here = page.locator("#machine .here")
    assert {part.get_attribute("data-part") for part in here.all()} == {"state-SYN-SENT", "state-SYN-RECEIVED"}
    page.keyboard.press("ArrowRight")
    expect(fires).not_to_have_class(re.compile(r"\bnow\b"))
    expect(fires).to_have_class(re.compile(r"\bbeen\b"))


def test_a_click_on_a_segment_explains_its_header(visit: Open) -> None:
    page = visit("normal", f"#{steps('normal')}")
    page.get_by_text("SYN,ACK", exact=True).first.click()
    told = page.locator("#segment")
    expect(told).to_contain_text("Segment 2: SYN,ACK seq=0 ack=1")
    expect(told.get_by_role("row", name="Acknowledgment number")).to_contain_text("1001 = 1000 ISN + 1 SYN")
    link = told.get_by_role("link").first
    expect(link).to_have_attribute("href", "https://www.rfc-editor.org/rfc/rfc9293#section-3.10.7.2")
    at(page, steps("normal"))


def test_segments_are_reached_and_chosen_with_the_keyboard(visit: Open) -> None:
    page = visit("normal", "#5")
    segment = page.get_by_role("button", name=re.compile("^Segment 1"))
    segment.focus()
    expect(segment).to_be_focused()
    page.keyboard.press("Enter")
    expect(segment).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("region", name=re.compile("^Segment 1: SYN"))).to_be_focused()
    page.keyboard.press("ArrowRight")
    at(page, 6)
    # those that have not happened cannot be reached
    expect(page.get_by_role("button", name=re.compile("^Segment 9"))).to_have_count(0)


def test_a_datagram_is_explained_too(visit: Open) -> None:
    page = visit("udp", "#5")
    page.get_by_role("button", name=re.compile("Datagram 1")).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Datagram 1")).to_contain_text("“hello”")


def test_a_violation_shows_the_field_that_differs(visit: Open) -> None:
    told = data(PAGES["violating"].decode())["connections"][0]["steps"]
    page = visit("violating", f"#{[step['segment'] for step in told].index(4) + 1}")
    expect(page.locator("#segment .differs")).to_contain_text("expected ack=6")
    expect(page.get_by_role("status")).to_contain_text("not allowed: expected ack=6, observed 7")


@pytest.mark.parametrize("width", [360, 500, 1600])
def test_reasons_have_room_beside_long_values(visit: Open, width: int) -> None:
    """Every capture of our days has timestamps."""
    page = visit("options", "#2", width=width)
    for row in page.locator("#header tr").all():
        for cell in row.locator("th, td").all():
            box, around = cell.bounding_box(), page.locator("#segment").bounding_box()
            assert box
            assert around
            assert box["width"] > 0.2 * around["width"]
            assert box["x"] + box["width"] <= around["x"] + around["width"]


def test_deep_links_and_the_way_back(visit: Open) -> None:
    page = visit("normal", "#7")
    at(page, 7)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("End")
    at(page, steps("normal"))
    page.go_back()
    at(page, 8)
    page.go_back()
    at(page, 7)
    page.go_forward()
    at(page, 8)
    page.evaluate("location.hash = '#3'")
    at(page, 3)
    page.get_by_role("listitem").nth(9).get_by_role("link").click()
    at(page, 10)
    page.evaluate("location.hash = '#99999'")
    expect(page.get_by_role("status")).to_contain_text(f"Step {steps('normal')} of")
    page.evaluate("location.hash = '#<img>'")
    expect(page.get_by_role("status")).to_contain_text("Step 0 of")


def test_another_connection_is_chosen_and_linked(visit: Open) -> None:
    page = visit("two", "#2")
    at(page, 2, "two")
    page.get_by_role("combobox").select_option(index=1)
    expect(page.get_by_role("status")).to_contain_text("Step 0 of")
    page.get_by_role("button", name="Next step").click()
    page.get_by_role("button", name="Next step").click()
    expect(page.get_by_role("status")).to_contain_text("Step 2 of")
    assert page.url.endswith("#2.2")
    expect(page.locator(".slide.shown")).to_have_attribute("data-connection", "1")
    again = visit("two", "#2.2")
    expect(again.locator(".slide.shown")).to_have_attribute("data-connection", "1")
    expect(again.get_by_role("combobox")).to_have_value(re.compile("^TCP 2:"))


def test_a_flow_beside_connections_is_chosen_and_linked(visit: Open) -> None:
    page = visit("mixed", "#3")
    machine = page.get_by_role("region", name="State machine")
    expect(machine).to_be_visible()
    chosen = page.get_by_role("combobox", name="Conversation")
    chosen.focus()
    page.keyboard.press("End")
    expect(chosen).to_have_value(re.compile("^UDP 1:"))
    expect(page.locator(".slide.shown")).to_have_attribute("data-connection", "2")
    # UDP has no states
    expect(machine).to_be_hidden()
    page.emulate_media(media="print")
    expect(chosen).to_be_visible()
    page.emulate_media(media="screen")
    page.get_by_role("button", name="Next step").click()
    expect(page.get_by_role("status")).to_contain_text("10.0.0.1:8888: bind()")
    assert page.url.endswith("#3.1")
    for _ in range(2):
        page.get_by_role("button", name="Next step").click()
    expect(page.get_by_role("status")).to_contain_text("sends 5 octets")
    expect(page.get_by_role("region", name="Datagram 1")).to_contain_text("“hello”")
    again = visit("mixed", "#3.5")
    expect(again.get_by_role("region", name="Datagram 2")).to_contain_text("“你好”")
    again.get_by_role("combobox").select_option(index=1)
    expect(again.get_by_role("region", name="State machine")).to_be_visible()


def test_further_slides_turn_by_themselves(visit: Open) -> None:
    page = visit("long")
    expect(page.locator(".slide.shown")).to_have_attribute("data-slide", "0")
    page.keyboard.press("End")
    expect(page.locator(".slide.shown")).to_have_attribute("data-slide", "1")


@pytest.mark.parametrize(("scheme", "background"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(20, 24, 29)")])
def test_the_page_is_as_dark_as_its_reader_wants(visit: Open, scheme: str, background: str) -> None:
    page = visit("normal", "#3", color_scheme=scheme)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == background
    fill = page.evaluate("getComputedStyle(document.querySelector('.band rect')).fill")
    assert fill == {"light": "rgb(240, 240, 240)", "dark": "rgb(58, 63, 69)"}[scheme]


@pytest.mark.parametrize(("wish", "length"), [("no-preference", "0.4s"), ("reduce", "0s")])
def test_nothing_moves_for_who_wants_no_motion(visit: Open, wish: str, length: str) -> None:
    page = visit("normal", "#3", reduced_motion=wish)
    for what in (".shown .arrow", ".token"):
        took = page.locator(what).first.evaluate("element => getComputedStyle(element).transitionDuration")
        assert took.split(", ")[0] == length


@pytest.mark.parametrize("width", [320, 390, 640, 1280, 1920])
def test_no_window_is_too_narrow(visit: Open, width: int) -> None:
    """640 is half of 1280: a zoom of 200 %."""
    page = visit("normal", "#9", width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.keyboard.press("ArrowRight")
    at(page, 10)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(visit: Open, name: str, scheme: str) -> None:
    page = visit(name, "#5", color_scheme=scheme, reduced_motion="reduce")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_axe_finds_nothing_in_a_narrow_window(visit: Open) -> None:
    page = visit("violating", "#5", width=390, height=844, reduced_motion="reduce")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_hostile_words_are_shown_and_do_nothing(visit: Open) -> None:
    page = visit("hostile")
    told = data(PAGES["hostile"].decode())["connections"][0]
    for step in range(1, len(told["steps"]) + 1):
        page.keyboard.press("PageDown")
        expect(page.get_by_role("status")).to_contain_text(f"Step {step} of")
    assert page.evaluate("window.pwned") is None
    assert page.locator("img").count() == 0
    plain = HOSTILE.partition("\u202e")[0]
    assert page.title().startswith(plain)
    expect(page.locator("#segment")).to_contain_text(plain)


def test_the_policy_stops_a_script_that_is_not_ours(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "normal.html"
    text = PAGES["normal"].decode()
    file.write_text(
        text.replace("</main>", "<script>window.pwned = 1</script><b onclick='window.pwned = 1'>b</b></main>")
    )
    page = browser.new_page()
    page.goto(file.as_uri())
    page.locator("b").click()
    assert page.evaluate("window.pwned") is None
    page.close()


@pytest.mark.skipif(not shutil.which("pdftotext"), reason="no pdftotext: apt install poppler-utils")
def test_on_paper_all_steps_are_a_list_and_nothing_is_a_control(visit: Open, tmp_path: Path) -> None:
    page = visit("normal", "#2", color_scheme="dark")
    file = tmp_path / "page.pdf"
    page.pdf(path=file, format="A4")
    text = subprocess.run(["pdftotext", "-raw", str(file), "-"], check=True, capture_output=True, text=True).stdout
    said = " ".join(text.split())
    for step in data(PAGES["normal"].decode())["connections"][0]["steps"]:
        for line in step["told"]:
            assert " ".join(line.split()) in said
    # the whole picture, not only its first two steps
    assert "TIME-WAIT" in said.partition("All steps")[0]
    page.emulate_media(media="print")
    for control in ("#controls", "#told", "#segment", "select"):
        expect(page.locator(control)).to_be_hidden()
    for arrow in page.locator(".arrow").all():
        expect(arrow).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@pytest.mark.skipif(not shutil.which("pdftotext"), reason="no pdftotext: apt install poppler-utils")
@pytest.mark.parametrize(("where", "chosen"), [("#2.1", 1), ("#3.4", 2)])
def test_on_paper_there_is_the_chosen_conversation_alone(visit: Open, tmp_path: Path, where: str, chosen: int) -> None:
    page = visit("mixed", where)
    file = tmp_path / "page.pdf"
    page.pdf(path=file, format="A4")
    text = subprocess.run(["pdftotext", "-raw", str(file), "-"], check=True, capture_output=True, text=True).stdout
    said, told = " ".join(text.split()), data(PAGES["mixed"].decode())["connections"]
    assert " ".join(told[chosen]["name"].split()) in said
    for number, conversation in enumerate(told):
        for step in conversation["steps"] if number == chosen else ():
            assert all(" ".join(line.split()) in said for line in step["told"])
        assert number == chosen or conversation["name"] not in said
    page.emulate_media(media="print")
    for number, slide in enumerate(page.locator(".slide").all()):
        expect(slide).to_be_visible(visible=number == chosen)


def test_without_script_the_pictures_stand_with_their_words(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "normal.html"
    file.write_bytes(PAGES["normal"])
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(file.as_uri())
    expect(page.locator("#without")).to_contain_text("1. Client → Server, 0 s: SYN seq=0")
    expect(page.locator(".arrow").last).to_be_visible()
    expect(page.locator("#controls")).to_be_hidden()
    page.context.close()
