#!/usr/bin/env python3
"""The report page as a reader meets it, in headless Chromium from file://.

  browser_test.py --writer PROGRAM     the pages that tests/browser/page.cpp writes of the sample model
  browser_test.py REPORT.html ...      any report of "sipana report": only what holds for all of them

Exit status: 0 all well, 1 something is wrong, 77 no Chromium here.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import traceback

sys.dont_write_bytecode = True
import chromium  # noqa: E402

failures = []


def check(holds, claim, seen=""):
    if not holds:
        failures.append(claim)
    print(("ok    " if holds else "FAIL  ") + claim + (f" (seen: {seen!r})" if not holds and seen != "" else ""))


def quiet(browser, path, claim):
    """Nothing was said on the console and nothing was asked of any address but the page itself."""
    other = [url for url in browser.requests if url != pathlib.Path(path).as_uri()]
    check(other == [], claim + ": no request to anywhere", other)
    check(browser.console == [], claim + ": no console message", browser.console)


def text(browser, selector):
    return browser.run("(document.querySelector(%r) || {}).textContent" % selector)


def shown_rows(browser):
    return browser.run("[...document.querySelectorAll('#list tbody tr')].filter((r) => !r.hidden).length")


def any_report(browser, path):
    """What holds for every report."""
    browser.size(1280, 900)
    browser.open(pathlib.Path(path).as_uri())
    browser.settle()
    if browser.run("document.querySelectorAll('#list tbody tr').length") > 0:
        check(browser.run("!!document.querySelector('#call .drawing svg')"), "the first call's ladder is drawn")
        if browser.run("!!document.querySelector('.arrow')"):
            browser.click(".arrow")
            label = text(browser, ".arrow .label")
            check(browser.run("!document.querySelector('#message').hidden"), "a click on an arrow opens its message")
            check(browser.run("document.querySelectorAll('#message .line').length") > 0, "the message has its lines", label)
            browser.key("Escape")
    for width in (1280, 390):
        browser.size(width, 844, mobile=width < 500)
        browser.settle()
        over = browser.run("document.documentElement.scrollWidth - innerWidth")
        check(over <= 0, f"the page is no wider than the window at {width} px", over)
    quiet(browser, path, os.path.basename(path))


def messages(browser, path):
    browser.open(pathlib.Path(path).as_uri())
    browser.size(1280, 900)
    check(text(browser, "#call h2") == "alice → bob", "the first call is shown", text(browser, "#call h2"))
    check("answered after" in text(browser, ".outcome"), "its outcome is said in words", text(browser, ".outcome"))
    browser.click('[data-message="1.4"]')
    check(text(browser, "#message h2") == "200 OK", "a click on an arrow shows its message", text(browser, "#message h2"))
    lines = browser.run("[...document.querySelectorAll('#message .line')].map((l) => l.textContent)")
    check(any("Via" in line and "transaction 776asdhds" in line and "RFC 3261 20.42" in line for line in lines),
          "a header line has its meaning and its clause", lines[1:3])
    check(any("m=audio 10000" in line and "PCMU, PCMA, telephone-event" in line for line in lines),
          "an SDP line has its meaning", lines[-8:])
    check(browser.run("location.hash") == "#message-1.4", "the message has an address of its own")
    browser.click("#message .bar button:nth-child(3)")
    check(browser.run("getComputedStyle(document.querySelector('#message .words')).display") == "none",
          "the raw text can be seen alone")
    browser.click("#message .bar button:nth-child(3)")
    browser.key("Escape")
    check(browser.run("document.querySelector('#message').hidden"), "Esc closes the message")
    check(browser.run("document.activeElement.dataset.message") == "1.4", "and the focus is back at the arrow")
    quiet(browser, path, "messages")


def list_of_calls(browser):
    total = shown_rows(browser)
    check(total == 7, "all calls are listed", total)
    browser.click("#filter")
    browser.type("busy-1")
    check(shown_rows(browser) == 1, "the filter finds a Call-ID", shown_rows(browser))
    check(text(browser, "#shown") == "1 of 7", "and says how many it shows", text(browser, "#shown"))
    browser.key("Escape")
    check(shown_rows(browser) == total, "Esc empties the filter")
    browser.type("486")
    check(shown_rows(browser) == 1, "the filter finds a code")
    browser.key("Escape")
    browser.click('.chips [data-value="register"]')
    check(shown_rows(browser) == 1, "a chip shows one kind only")
    browser.click('.chips [data-value="register"]')
    browser.click("th.from button")
    names = browser.run("[...document.querySelectorAll('#list td.from')].map((c) => c.textContent.toLowerCase())")
    check(names == sorted(names), "a click on a column's head sorts by it", names)
    check(browser.run("document.querySelector('th.from').getAttribute('aria-sort')") == "ascending",
          "and the head says so")
    browser.click("th.n button")


def keyboard(browser):
    browser.click('#list tr[data-call="1"]')
    browser.key("ArrowDown")
    check(text(browser, "#call h2") == "900 → 100", "the arrow keys move in the call list", text(browser, "#call h2"))
    check(browser.run("document.activeElement.dataset.call") == "2", "and the focus goes with them")
    check("Busy: 100 answered 486 Busy Here" in text(browser, ".outcome"), "a busy call says so", text(browser, ".outcome"))
    browser.run("document.querySelector('.drawing [tabindex=\"0\"]').focus()")
    browser.key("ArrowDown")
    browser.key("Enter")
    check(text(browser, "#message h2") == "401 Unauthorized", "Enter on an arrow shows its message",
          text(browser, "#message h2"))
    browser.key("ArrowDown")
    check(text(browser, "#message h2") == "ACK", "the arrow keys move on to the next message", text(browser, "#message h2"))
    check(browser.run("getComputedStyle(document.activeElement.querySelector('.hit')).stroke") != "none",
          "the focus can be seen")
    browser.key("Escape")
    browser.key("/")
    check(browser.run("document.activeElement.id") == "filter", "a slash goes to the filter")
    # Every stop of the Tab key can be seen and does something.
    browser.run("document.activeElement.blur()")
    stops = []
    for _ in range(12):
        browser.key("Tab")
        stops.append(browser.run("document.activeElement.tagName + '.' + (document.activeElement.id || "
                                 "document.activeElement.className || document.activeElement.textContent.slice(0, 20))"))
    check(len(set(stops)) > 6, "Tab goes through the page", stops)


def hostile(browser, path):
    """trap 78: header text that carries script and markup is shown as text."""
    browser.open(pathlib.Path(path).as_uri())
    browser.click('#list tr[data-call="7"]')
    browser.click('.arrow')
    seen = browser.run("document.querySelector('#message').textContent")
    check("<script>alert(1)</script>" in seen, "trap 78: markup in a header is shown as text", seen[:200])
    check("\x1b" not in browser.run("document.documentElement.textContent"), "trap 77: no control reaches the page")
    check(browser.run("document.querySelectorAll('img, iframe, object, embed, #call script, #list script, #message script').length")
          == 0, "trap 78: and has made no element")
    check(browser.run("document.scripts.length - document.querySelectorAll('script[type]').length") == 1,
          "trap 78: the page has one script, its own")
    quiet(browser, path, "a hostile report")


def themes(browser, path):
    def paper():
        return browser.run("getComputedStyle(document.documentElement).backgroundColor")
    browser.scheme("light")
    browser.open(pathlib.Path(path).as_uri())
    light = paper()
    browser.scheme("dark")
    dark = paper()
    check(light != dark, "light and dark follow the reader's system")
    browser.click("#theme")
    check(paper() == light, "the button changes it", paper())
    browser.scheme("light")
    browser.open(pathlib.Path(path).as_uri())
    check(paper() == light, "and forgets")


def paper(browser, path):
    """Print is dark on light, whatever the screen shows."""
    browser.size(1280, 900)
    for scheme, clicks in (("dark", 0), ("light", 1)):
        browser.scheme(scheme)
        browser.open(pathlib.Path(path).as_uri())
        for _ in range(clicks):
            browser.click("#theme")
        browser.scheme(scheme, media="print")
        browser.settle()
        ink, ground = (browser.run(f"getComputedStyle(document.documentElement).{name}")
                       for name in ("color", "backgroundColor"))
        check(ground == "rgb(255, 255, 255)" and ink == "rgb(26, 30, 36)",
              f"print is dark on white, from a {scheme} system after {clicks} clicks", (ink, ground))
        check(browser.run("getComputedStyle(document.querySelector('.figure .head rect')).fill") == "rgb(245, 246, 248)",
              "and so are its figures")
    browser.scheme("light")


def phone(browser, path):
    """At 390 pixels the page scrolls one way only, and what does not fit scrolls within itself."""
    browser.size(390, 844, mobile=True)
    browser.open(pathlib.Path(path).as_uri())
    for number in range(1, 8):
        browser.run(f"location.hash = '#call-{number}'")
        browser.settle()
        over = browser.run("document.documentElement.scrollWidth - innerWidth")
        check(over <= 0, f"call {number} is no wider than a phone", over)
    browser.run("location.hash = '#call-1'")
    browser.settle()
    fits = browser.run("(() => { const d = document.querySelector('.drawing'); return d.scrollWidth - d.clientWidth; })()")
    check(fits <= 0, "a ladder of two columns is seen whole on a phone", fits)
    unreachable = browser.run("[...document.querySelectorAll('.scroll, .drawing')].filter((b) => b.scrollWidth > b.clientWidth"
                              " && b.tabIndex < 0 && !b.querySelector('[tabindex=\"0\"], a, button')).length")
    check(unreachable == 0, "what scrolls sideways can be reached with the keyboard", unreachable)
    browser.click(".arrow")
    covered = browser.run("(() => { const m = document.querySelector('#message').getBoundingClientRect();"
                          " return [m.left, m.right]; })()")
    check(covered == [0, 390], "a message covers a phone's screen", covered)
    check(browser.run("document.documentElement.scrollWidth <= innerWidth"), "and is no wider")
    browser.key("Escape")
    browser.size(1280, 900)


def beside(browser, path):
    """With the message beside it, the list still shows what was found."""
    browser.size(1280, 900)
    browser.open(pathlib.Path(path).as_uri())
    browser.click(".arrow")
    edges = browser.run("['.list', 'td.found .badge'].map((s) => document.querySelector(s).getBoundingClientRect().right)")
    check(edges[1] <= edges[0], "beside a message the list is cut nowhere", edges)
    browser.key("Escape")


def flow(browser, path):
    browser.open(pathlib.Path(path).as_uri())
    check(browser.run("!!document.querySelector('.drawing svg.rows')"), "a page of one call has its ladder")
    browser.click('[data-message="1.0"]')
    check(text(browser, "#message h2") == "INVITE", "and its messages", text(browser, "#message h2"))
    browser.key("Escape")
    quiet(browser, path, "one call")


def legs(browser, path):
    browser.size(1280, 900)
    browser.open(pathlib.Path(path).as_uri())
    check(browser.run("document.querySelectorAll('.drawing').length") == 1, "the legs of a call share one ladder")
    check(browser.run("document.querySelectorAll('article.call').length") == 2, "and each has its facts")
    browser.click('.facts a[href="#call-4"]')
    check(browser.run("document.activeElement.id") == "call-title-4", "a link leads from leg to leg",
          browser.run("document.activeElement.id"))
    browser.click('[data-message="4.0"]')
    check(text(browser, "#message h2") == "INVITE", "a message of the other leg is there", text(browser, "#message h2"))
    quiet(browser, path, "two legs")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--writer")
    parser.add_argument("reports", nargs="*")
    arguments = parser.parse_args()
    if chromium.find() is None:
        print("skipped: there is no Chromium here (Debian: apt-get install chromium)")
        return 77
    folder = tempfile.mkdtemp(prefix="sipana-pages-")
    try:
        with chromium.Browser() as browser:
            browser.scheme("light")
            if arguments.writer:
                subprocess.run([arguments.writer, folder], check=True)
                report, one = folder + "/report.html", folder + "/flow.html"
                for test in (messages, hostile, themes, paper, phone, beside):
                    test(browser, report)
                browser.open(pathlib.Path(report).as_uri())
                list_of_calls(browser)
                keyboard(browser)
                flow(browser, one)
                legs(browser, folder + "/legs.html")
                any_report(browser, report)
            for path in arguments.reports:
                any_report(browser, os.path.abspath(path))
    except (RuntimeError, TimeoutError, EOFError, subprocess.CalledProcessError):
        traceback.print_exc()
        failures.append("the test ran to its end")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
