"""Reads the figures of a report page, clicks its controls, looks at it wide and narrow, light and dark.

usage: drive.py REPORT-DIRECTORY PROFILE-DIRECTORY SCREENSHOT-DIRECTORY
"""

import json
import os
import statistics
import sys

from browser import Browser

PHONE, WIDE = 390, 1000


def check(holds, words):
    if not holds:
        raise AssertionError(words)
    print("ok   " + words)


def rows_of(results):
    """(topology, peers) -> its runs, in the page's order."""
    settings = results["settings"]
    wanted = [(topology, peers) for topology in settings["topologies"] for peers in settings["peers"]]
    found = {}
    for key in wanted:
        runs = [run for run in results["runs"] if (run["topology"], run["peers"]) == key]
        if runs:
            found[key] = runs
    return found


def figures_are_those_of_the_file(page, results):
    rows = rows_of(results)
    cells = page.evaluate(
        "[...document.querySelectorAll('#summary tbody tr')].map(r => [...r.cells].map(c => c.textContent))"
    )
    check(len(cells) == len(rows), f"{len(rows)} rows in the table")
    for shown, ((topology, peers), runs) in zip(cells, rows.items()):
        seconds = [run["seconds"] for run in runs]
        right = sum(run["right"] for run in runs)
        check(
            shown[:3] == [str(peers), topology, f"{statistics.median(seconds):.2f} s"]
            and shown[3] == f"{min(seconds):.2f} to {max(seconds):.2f}"
            and shown[-1] == f"{right} of {len(runs)}",
            f"{peers} peers, {topology}: {shown[2]}, efficiency {shown[5]}",
        )
    check(len(page.evaluate("document.querySelector('#answer').textContent")) > 20, "the question is answered")
    count = "document.querySelectorAll('#{} {}').length"
    check(page.evaluate(count.format("time", ".dot")) == len(results["runs"]), "a dot for each run")
    check(page.evaluate(count.format("lines", ".curve")) == len(rows), "a curve for each row")
    check(page.evaluate("document.querySelector('#command').textContent") == results["command"], "the command")


def curves_can_be_hidden(page, results):
    curves = len(rows_of(results))
    shown = "document.querySelectorAll('#lines .curve').length"
    button = "#lines button[data-curve='0']"
    page.click(button)
    page.wait_for(f"{shown} === {curves - 1}")
    check(page.evaluate(f"document.querySelector(\"{button}\").ariaPressed") == "false", "a curve is hidden")
    page.click(button)
    page.wait_for(f"{shown} === {curves}")
    check(True, "and shown again")


def axes_change(page):
    axis = "[...document.querySelectorAll('#time text')].map(t => t.textContent).join()"
    before = page.evaluate(axis)
    page.click("#scale")
    page.wait_for("document.querySelector('#time').dataset.scale === 'doubling'")
    check(page.evaluate(axis) != before, "both axes by doubling")
    page.click("#scale")
    page.wait_for("document.querySelector('#time').dataset.scale === 'plain'")
    check(page.evaluate(axis) == before, "and plain again")


def values_are_shown_under_the_pointer(page, results):
    (topology, peers), runs = list(rows_of(results).items())[0]
    median = statistics.median(run["seconds"] for run in runs)
    page.place("#time .chart")
    x, y = page.evaluate(
        "(() => { const b = document.querySelector('#time .dot').getBoundingClientRect();"
        "return [b.x + b.width / 2, b.y + b.height / 2]; })()"
    )
    page.mouse("mouseMoved", x, y)
    page.wait_for("!document.querySelector('#time .tip').hidden")
    tip = page.evaluate("document.querySelector('#time .tip').textContent")
    check(f"{peers} peer" in tip and topology in tip and f"{median:.2f} s" in tip, f"under the pointer: {tip}")
    page.mouse("mouseMoved", 2, 2)
    page.wait_for("document.querySelector('#time .tip').hidden")
    check(True, "and gone with it")


def light_and_dark(page, shots):
    ground = "getComputedStyle(document.body).backgroundColor"
    for scheme in ("light", "dark"):
        page.prefer(scheme)
        page.wait_for(f"matchMedia('(prefers-color-scheme: {scheme})').matches")
        page.screenshot(os.path.join(shots, scheme + ".png"))
    dark = page.evaluate(ground)
    page.click("#theme")
    check(page.evaluate(ground) != dark, "the other theme by a button, against what the system prefers")
    page.click("#theme")
    check(page.evaluate(ground) == dark, "and back")
    page.prefer("light")
    page.evaluate("delete document.documentElement.dataset.theme")
    check(page.evaluate(ground) != dark, "light and dark as the system prefers")


def readable_on_a_phone(page, shots):
    page.size(PHONE, 844)
    page.wait_for(f"document.documentElement.clientWidth === {PHONE}")
    page.wait_for(f"document.querySelector('#time svg').getBoundingClientRect().width < {PHONE}")
    check(page.evaluate("document.documentElement.scrollWidth") <= PHONE, f"nothing is wider than {PHONE} px")
    smallest = page.evaluate(
        "Math.min(...[...document.querySelectorAll('p, li, dd, dt, td, th, button, svg text')]"
        ".filter(e => e.textContent.trim())"
        ".map(e => parseFloat(getComputedStyle(e).fontSize)"
        " * (e.ownerSVGElement ? e.ownerSVGElement.getBoundingClientRect().width / e.ownerSVGElement.viewBox.baseVal.width : 1)))"
    )
    check(smallest >= 11.5, f"the smallest text has {smallest:.1f} px")
    page.screenshot(os.path.join(shots, "phone.png"))


def main():
    report, profile, shots = (os.path.abspath(path) for path in sys.argv[1:4])
    with open(os.path.join(report, "results.json"), encoding="utf-8") as file:
        results = json.load(file)
    page = Browser(profile)
    try:
        page.size(WIDE, 900)
        page.open("file://" + os.path.join(report, "report.html"))
        page.wait_for("document.querySelector('#lines svg')")
        figures_are_those_of_the_file(page, results)
        curves_can_be_hidden(page, results)
        axes_change(page)
        values_are_shown_under_the_pointer(page, results)
        page.click("details summary")
        page.wait_for("document.querySelector('details').open")
        check(True, "every run can be looked at")
        page.click("#copy")
        page.wait_for("['copied', 'selected'].includes(document.querySelector('#copy').textContent)")
        check(True, "the command can be taken along")
        light_and_dark(page, shots)
        readable_on_a_phone(page, shots)
        troubles = page.troubles()
        check(not troubles, "no error, no warning, nothing fetched" if not troubles else f"troubles: {troubles}")
    finally:
        page.close()


main()
