#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: build=plain
"""The documents: links lead somewhere, gadget files in them pass `ffsctl check`, and `make html` makes a site of them."""

import glob
import html
import importlib.util
import json
import os
import re
import subprocess
import tempfile

from paths import BUILD, SRC
import tap
import tree
from tree import read

FFSCTL = os.path.join(BUILD, "ffsctl")
DOCUMENTS = tree.files("*.md", "doc/*.md", "*/README.md", "*/*/README.md", "kernel/*.md")
README_SIZE = 6000  # bytes: README is the first page that a user reads


def anchors(path):
    """Returns the anchors of a document's headings, as GitHub makes them."""
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.*)$", read(path), re.M)}


def dead_links(path):
    """Returns the links of a document that lead nowhere."""
    dead = []
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"^```.*?^```", "", read(path), flags=re.M | re.S)):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        target = os.path.normpath(os.path.join(os.path.dirname(path), target)) if target else path
        if not os.path.exists(os.path.join(SRC, target)) or anchor and anchor not in anchors(target):
            dead.append(link)
    return dead


@tap.test("each link of a document leads to a file, and to a heading in it")
def links():
    tap.eq({path: dead_links(path) for path in DOCUMENTS if dead_links(path)}, {})


@tap.test("each gadget file in a document has no error")
def gadget_files():
    blocks = [(path, block) for path in DOCUMENTS for block in re.findall(r"^```conf\n(.*?)^```", read(path), re.M | re.S)]
    tap.ok(len(blocks) > 2, "found %d blocks" % len(blocks))
    with tempfile.TemporaryDirectory() as directory:
        for path, block in blocks:
            name = os.path.join(directory, "gadget.conf")
            with open(name, "w", encoding="utf-8") as f:
                f.write(block)
            got = subprocess.run([FFSCTL, "check", "--format=gcc", name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            tap.eq((path, [line for line in got.stdout.splitlines() if ": error: " in line]), (path, []))


@tap.test("README is short")
def readme_is_short():
    tap.ok(len(read("README.md").encode()) <= README_SIZE, "%d bytes" % len(read("README.md").encode()))


@tap.test("each document is linked from another one")
def each_document_is_linked():
    linked = {"README.md"}
    for path in DOCUMENTS:
        for link in re.findall(r"\]\(([^)#\s]+)", read(path)):
            target = os.path.normpath(os.path.join(os.path.dirname(path), link))
            linked |= {target, os.path.join(target, "README.md")}
    tap.eq([path for path in DOCUMENTS if path not in linked], [])


@tap.test("each command that a document names exists")
def commands_exist():
    usage = subprocess.run([FFSCTL, "--help"], stdout=subprocess.PIPE, text=True).stdout
    known = set(re.findall(r"^  ([a-z]+)", usage, re.M)) | {"version", "help"}
    wrong = {(path, word) for path in DOCUMENTS for word in re.findall(r"(?:^    |`)ffsctl ([a-z]+)\b", read(path), re.M)
             if word not in known}
    tap.eq(sorted(wrong), [])


# How each paragraph of "Does not work yet" in doc/features.md begins, and the test that fails as soon as it works: the path of
# a program below tests/ and the name of its function, or why there can be none
NOT_YET = {
    "It has not been tried on a real UDC": "it is a fact about us, not about the program",
    "Memory limits by cgroups": ("cli/test_documents.py", "limits_of_memory"),
    "On Linux 6.12 without our patches a malicious host": ("lab/kernel/test_stock.py", "set_interface"),
    "On Linux 6.1 and 6.12 without our patches each plugin worker": ("lab/kernel/test_stock.py", "ended_workers"),
    "On a UDC without SuperSpeed, Linux without our patches": ("lab/kernel/test_stock.py", "webusb_version"),
    "The kernel's target for `tcm`": ("lab/configfs/test_bind_errors.py", "tcm_without_target"),
    "Linux 6.1 and 6.12 keep a gadget with an `obex`": ("lab/gadgetfile/test_warnings.py", "obex_stays_off_bus"),
}


@tap.test("each paragraph of what does not work yet has a test that fails as soon as it works")
def what_does_not_work_yet():
    paragraphs = re.findall(r"^- (.*)$", read("doc/features.md").partition("## Does not work yet")[2], re.M)
    tap.eq([p for p in paragraphs if not any(p.startswith(begin) for begin in NOT_YET)], [], "paragraphs without a test")
    tap.eq([begin for begin in NOT_YET if not any(p.startswith(begin) for p in paragraphs)], [], "tests without a paragraph")
    for begin, proof in NOT_YET.items():
        if isinstance(proof, tuple):
            tap.ok(re.search(r"^def %s\(" % proof[1], read("tests/" + proof[0]), re.M), "%s: no test %s in %s" % (begin, *reversed(proof)))


@tap.test("limits of memory are those of address space, in bytes")
def limits_of_memory():
    schema = json.loads(read("schemas/gadget.schema.json"))
    limits = schema["properties"]["functions"]["additionalProperties"]["properties"]["worker"]["properties"]["limits"]["properties"]
    tap.eq((sorted(limits), limits["memory"]["description"].partition(":")[0]), (["cpu", "files", "memory", "tasks"], "Bytes of address space"))
    tap.eq([word for word in ("cgroup", "memory.max") if word in read("schemas/gadget.schema.json")], [])


def help_of(*command):
    return subprocess.run([FFSCTL, "help", *command], stdout=subprocess.PIPE, text=True).stdout


@tap.test("README and doc/features.md have the number of gadget files and the commands with --json as they are")
def facts_of_documents():
    number, = re.findall(r"\[(\d+) gadget files\]", read("README.md"))
    tap.eq(int(number), len(tree.files("gadget.d/*.conf")))
    commands = re.findall(r"^  ([a-z]+) ", help_of(), re.M)
    text = read("doc/features.md").partition("- `--json` for ")[2].partition(".")[0]
    tap.eq(sorted(re.findall(r"`([a-z]+)`", text)), sorted(c for c in commands if re.search(r"^ +--json ", help_of(c), re.M)))


def site_pages():
    """{path: HTML} of the site, and the messages of make-site."""
    with tempfile.TemporaryDirectory() as directory:
        got = subprocess.run([os.path.join(SRC, "doc", "make-site"), directory], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        tap.eq((got.returncode, got.stdout), (0, ""))
        pages = {}
        for path in filter(os.path.isfile, glob.glob(os.path.join(directory, "**", "*"), recursive=True)):
            with open(path, encoding="utf-8") as f:
                pages[os.path.relpath(path, directory)] = f.read()
    return pages


def dead_links_of_site(pages):
    """[(page, link)] of the links that lead to no page, or to no place of one."""
    ids = {path: set(re.findall(r'\bid="([^"]+)"', text)) for path, text in pages.items()}
    dead = []
    for path, text in pages.items():
        for link in map(html.unescape, re.findall(r'(?:href|src)="([^"]+)"', text)):
            target, _, anchor = link.partition("#")
            target = os.path.normpath(os.path.join(os.path.dirname(path), target)) if target else path
            if not re.match(r"[a-z]+:", link) and (target not in pages or anchor and anchor not in ids[target]):
                dead.append((path, link))
    return dead


@tap.test("a planted dead link of a site is found: to a page, to a place of another page, and of its own")
def dead_links_are_found():
    pages = {"a.html": '<a href="b.html">', "x/c.html": '<a href="../a.html#no"> <a href="#no"> <a id="yes" href="#yes"> <a href="https://x/#y">'}
    tap.eq(dead_links_of_site(pages), [("a.html", "b.html"), ("x/c.html", "../a.html#no"), ("x/c.html", "#no")])


@tap.test("make html makes a site of all documents, in which each link leads somewhere, and each manual page has contents")
def site():
    if importlib.util.find_spec("markdown") is None:
        tap.skip("python3-markdown is not installed")
    pages = site_pages()
    tap.ok(len(pages) > 20, "%d pages" % len(pages))
    tap.eq(dead_links_of_site(pages), [])
    tap.eq([path for path in pages if path.endswith(".md.html")], [], "documents that are shown as text")
    tap.eq([path for path in DOCUMENTS if path != "README.md" and path.removesuffix(".md") + ".html" not in pages], [], "documents without a page")
    for path, text in pages.items():
        if text.count('<h1 class="Sh"'):
            listed = re.findall(r'<a href="#([^"]+)">', text.partition("<summary>Contents</summary>")[2].partition("</details>")[0])
            tap.eq((path, listed), (path, re.findall(r'<h[12] class="S[hs]" id="([^"]+)"', text)))


tap.main()
