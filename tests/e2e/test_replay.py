"""The replay page in a real browser: what it shows is the run, and it needs nothing but itself."""

import json
import math
import shutil
import time

import gymnasium as gym
import numpy as np
import pytest

from squeezegym import Scenario
from squeezegym.codes import Measure
from squeezegym.view.replay import write_page
from squeezegym.view.runs import record_episode, record_market

NAME = "</title></script><b>bold</b> {{data}}"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,1000",
)


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    from selenium import webdriver

    if not (CHROMIUM and shutil.which("chromedriver")):
        pytest.skip("no browser: install Debian's packages chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    browser = webdriver.Chrome(options=options, service=service)
    yield browser
    browser.quit()


@pytest.fixture(scope="module")
def run():
    """A whole squeeze of five minutes."""
    ignited = {"catalyst.squeeze": 1.0, "catalyst.near_miss": 0.0, "name": NAME}
    return record_market(Scenario.load("short_squeeze", **ignited), 5, 300.0)


@pytest.fixture(scope="module")
def page(driver, run, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    write_page(path, [run])
    assert path.stat().st_size < 1_000_000
    return open_page(driver, path)


def open_page(driver, path):
    driver.get_log("performance")
    driver.get_log("browser")
    driver.get(path.as_uri())
    wait(driver, "return document.body.dataset.ready === 'true'")
    return driver


def wait(driver, script, seconds=20):
    end = time.monotonic() + seconds
    while not driver.execute_script(script):
        assert time.monotonic() < end, f"in vain after {seconds} s: {script}"
        time.sleep(0.05)


def requests(driver):
    """Every address that was asked for since the last look, the page's own aside."""
    messages = [json.loads(row["message"])["message"] for row in driver.get_log("performance")]
    sent = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    addresses = [params["request"]["url"] for params in sent]
    assert any(address.startswith("file:") for address in addresses)
    return [a for a in addresses if not a.startswith(("file:", "data:"))]


def text_of(driver, element):
    return driver.execute_script(
        "return document.getElementById(arguments[0]).textContent", element
    )


def test_the_page_loads_without_errors_and_asks_for_nothing(page):
    assert page.get_log("browser") == []
    assert requests(page) == []
    policy = page.execute_script(
        "return document.querySelector('meta[http-equiv=Content-Security-Policy]').content"
    )
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


def test_the_policy_of_the_page_stops_foreign_scripts(page):
    page.execute_script(
        "const s = document.createElement('script'); s.textContent = 'window.foreign = 1';"
        "document.body.append(s); s.remove()"
    )
    assert page.execute_script("return window.foreign === undefined")
    assert any("Content Security Policy" in row["message"] for row in page.get_log("browser"))


def test_a_name_with_markup_is_text(page):
    assert text_of(page, "title") == NAME
    assert page.title == f"{NAME}: replay"
    assert page.execute_script("return document.querySelectorAll('b').length") == 0


def test_it_plays_thirty_frames_a_second(page):
    page.execute_script("player.seek(0); document.getElementById('speed').value = '10'")
    page.find_element("id", "play").click()
    wait(page, "return player.time > 20")
    page.find_element("id", "play").click()
    stopped = page.execute_script("return player.time")
    said = page.execute_script("return {...document.body.dataset}")
    time.sleep(0.2)

    assert page.execute_script("return player.time") == stopped
    assert int(said["frames"]) > 20
    # Work of a frame, not frames of a busy machine: a thirtieth of a second at the most.
    assert float(said["work"]) < 1000 / 30
    assert text_of(page, "rate").startswith(f"Played at {said['rate']} frames a second")


def test_scrubbing_moves_the_cursor_and_its_values(page, run):
    slider = page.find_element("id", "time")
    page.execute_script(
        "arguments[0].value = 160.04; arguments[0].dispatchEvent(new Event('input'))", slider
    )
    frame = run.frames[np.searchsorted(run.frames["time"], 160.04, "right") - 1]
    assert text_of(page, "clock") == "160.0 of 300 s"
    cells = values(page)
    assert cells["perp mid"] == f"{frame['perp']:,.2f}"
    assert cells["shorts bought back, base"] == f"{frame['liquidated_shorts']:,.3f}"
    assert cells["insurance fund, quote"] == f"{frame['fund']:,.2f}"
    assert slider.get_attribute("aria-valuetext") == "160.0 seconds"


def values(driver):
    script = (
        "return [...document.querySelectorAll('#values tbody tr')]"
        ".map(r => [...r.children].map(c => c.textContent))"
    )
    return {row[0]: row[1] for row in driver.execute_script(script)}


def test_events_jump(page, run):
    buttons = page.find_elements("css selector", "#events button")
    assert len(buttons) == len(run.events)
    which = next(k for k, e in enumerate(run.events) if e["kind"] == "ignition")
    page.execute_script("arguments[0].click()", buttons[which])
    assert page.execute_script("return player.time") == pytest.approx(run.events[which]["t"])
    assert buttons[which].get_attribute("aria-current") == "true"
    assert run.events[which]["text"] in text_of(page, "status")


def test_keys_play_step_jump_and_zoom(page, run):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    page.execute_script("document.activeElement.blur(); player.seek(100)")
    press = lambda keys: ActionChains(page).send_keys(keys).perform()  # noqa: E731
    press(Keys.ARROW_RIGHT)
    assert page.execute_script("return player.time") == pytest.approx(101)
    press("n")
    assert page.execute_script("return player.time") == pytest.approx(run.events[0]["t"])
    press("+")
    assert page.execute_script("return player.window[1] - player.window[0]") == pytest.approx(150)
    press("0")
    assert page.execute_script("return player.window") == [0, 300]
    press(" ")
    assert page.execute_script("return player.playing")
    press(" ")
    assert not page.execute_script("return player.playing")


@pytest.mark.parametrize("panel", ["perp", "forced", "basis", "interest", "queue"])
def test_hover_text_is_the_data(page, run, panel):
    lines = hover(page, panel, 0.53)
    moment = float(lines[0].removesuffix(" s"))
    frame = run.frames[np.argmin(np.abs(run.frames["time"] - moment))]
    expected = {
        "perp": {"mid": ("perp", 1, 2), "mark": ("mark", 1, 2), "last": ("last_perp", 1, 2)},
        "forced": {"shorts bought back": ("liquidated_shorts", 1, 3)},
        "basis": {"premium": ("premium", 1e4, 2), "funding rate": ("funding_rate", 1e4, 2)},
        "interest": {"open interest": ("open_interest", 1, 3), "insurance fund": ("fund", 1, 2)},
        "queue": {
            "waiting time": ("queue_s", 1e3, 2),
            "in line": ("waiting", 1, 0),
            "feed age": ("feed_age_s", 1e3, 2),
        },
    }[panel]
    for label, (field, factor, decimals) in expected.items():
        said = next(line for line in lines if line.startswith(label)).removeprefix(label)
        found = float(said.replace(",", ""))
        assert found == pytest.approx(factor * frame[field], abs=0.6 * 10**-decimals)


def hover(driver, panel, share):
    """Move the pointer over a panel and return the lines that it shows."""
    from selenium.webdriver.common.action_chains import ActionChains

    x, y = driver.execute_script(
        "const v = player.views[0], p = v.panels.find(p => p.id === arguments[0]);"
        "v.canvas.scrollIntoView();"
        "return [LEFT + arguments[1] * (v.width - LEFT - RIGHT), p.top + p.height / 2]",
        panel,
        share,
    )
    canvas = driver.find_element("css selector", "canvas")
    size = canvas.size
    ActionChains(driver).move_to_element_with_offset(
        canvas, round(x - size["width"] / 2), round(y - size["height"] / 2)
    ).perform()
    assert driver.execute_script("return document.getElementById('hover').dataset.panel") == panel
    return text_of(driver, "hover").split("\n")


def test_every_decoded_series_is_the_recorded_one(page, run):
    kept = page.execute_script(
        "const d = player.runs[0].data; return Object.fromEntries("
        "Object.entries(d).map(([k, v]) => [k, [v.length, v[0], v[v.length - 1]]]))"
    )
    for name in run.frames.dtype.names:
        n, first, last = kept[name]
        values = run.frames[name]
        assert n == len(values)
        resolution = max(0.05, 1e-7 * float(np.abs(values).max()))
        assert first == pytest.approx(values[0], abs=resolution)
        assert last == pytest.approx(values[-1], abs=resolution)
    assert kept["trade_base"][0] == len(run.trades)
    cells = page.execute_script(
        "const g = player.runs[0].grids.perp_book; return [g.bins, [...g.cells.slice(-g.bins)]]"
    )
    assert cells == [run.books.shape[2], run.books[0, -1].tolist()]


def test_theme_follows_the_system_and_the_switch(page):
    assert page.execute_script("return document.documentElement.dataset.theme") == "light"
    before = page.execute_script("return getComputedStyle(document.body).backgroundColor")
    page.find_element("id", "theme").click()
    assert page.execute_script("return document.documentElement.dataset.theme") == "dark"
    assert page.execute_script("return getComputedStyle(document.body).backgroundColor") != before
    page.find_element("id", "theme").click()

    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    try:
        wanted = page.execute_script("return player.wantedTheme()")
    finally:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert wanted == "dark"


def test_everything_has_a_name_for_a_screen_reader(page, run):
    label = page.execute_script("return document.querySelector('canvas').ariaLabel")
    assert f"{run.frames['perp'][0]:,.2f}" in label
    nameless = page.execute_script(
        "return [...document.querySelectorAll('button, select, input')]"
        ".filter(e => !(e.ariaLabel || e.textContent.trim() || e.labels?.length)).length"
    )
    assert nameless == 0


def test_an_agent_stands_beside_another_run(driver, tmp_path):
    """Position, orders and PnL of a policy, and the same market under another rule."""
    scenario = Scenario.load("short_squeeze", **{"episode.horizon_s": 20.0})
    env = gym.make("squeezegym/ShortSqueeze-v0", scenario=scenario)
    played = record_episode(env, lambda _: np.array([1.0, 1.0], np.float32), 3, title="buys")
    other = record_episode(env, lambda _: np.array([-1.0, -1.0], np.float32), 3, title="sells")
    env.close()
    write_page(tmp_path / "two.html", [played, other])
    open_page(driver, tmp_path / "two.html")

    assert driver.get_log("browser") == []
    assert len(driver.find_elements("css selector", "canvas")) == 2
    driver.execute_script("player.seek(20)")
    rows = driver.execute_script(
        "return [...document.querySelectorAll('#values tbody tr')]"
        ".map(r => [...r.children].map(c => c.textContent))"
    )
    found = {label: (a, b) for label, a, b in rows}
    last = [replay.frames[-1] for replay in (played, other)]
    assert found["PnL, quote"] == tuple(
        f"{f['equity'] - r.frames['equity'][0]:,.2f}"
        for f, r in zip(last, (played, other), strict=True)
    )
    assert played.frames["position"].max() > 0 > other.frames["position"].min()
    assert math.isclose(played.frames["bought"][-1], played.frames["sold"][-1])


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["equity_halt", "thin_alt", "round_number", "long_flush"])
def test_every_scenario_has_its_page(driver, tmp_path, scenario):
    """A stock without a perp, a coin of small ticks, half an hour: none of it is an error."""
    ignited = {"catalyst.squeeze": 1.0, "catalyst.near_miss": 0.0}
    loaded = Scenario.load(scenario, **ignited)
    run = record_market(loaded, 6, loaded.episode.horizon_s)
    write_page(tmp_path / "page.html", [run])
    assert (tmp_path / "page.html").stat().st_size < 1_000_000
    open_page(driver, tmp_path / "page.html")

    assert driver.get_log("browser") == []
    assert requests(driver) == []
    panels = driver.execute_script("return player.views[0].panels.map(p => p.id)")
    assert ("perp" in panels) == loaded.contract.perp
    assert ("protection" in panels) == bool(run.frames["measures"].any())
    assert len(driver.find_elements("css selector", "#events button")) == len(run.events)
    if "protection" in panels:
        paused = run.frames["time"][run.frames["measures"].astype(int) & Measure.PAUSE > 0][5]
        assert "pause" in hover(driver, "protection", paused / run.frames["time"][-1])[1]
