# SPDX-License-Identifier: GPL-2.0-or-later
"""The commands that documents, gadget files and manual pages print, as a user would copy them.

A command is a line of an indented block of a document, of a gadget file's comment or of a manual page, or a code span in
a document or comment that begins with one of PROGRAMS. What is no command stands in a fenced block that names its
language. A block whose lines begin with a prompt ("# ", "$ ") has output, too. A block that begins with `import` is a
Python program. A line with words in capitals that stand for something, such as NAME, is a form of commands, and a span
that only names a command, such as `ffsctl up`, is none.
"""

import re
import typing

import tree

DOCUMENTS = ("*.md", "doc/*.md", "*/README.md", "*/*/README.md", "kernel/*.md")
WITHOUT = ("NEWS",)
FILES = ("gadget.d/*.conf", "examples/**/*.conf", "examples/*.sh")
MANUALS = ("man/*.[1-9]",)
# A code span that begins with one of them, and goes on, is a command
PROGRAMS = re.compile(r"(?:\w+=\S+ )*(?:ffsctl|ffsbench|make|(?:\.ci|lab|packaging)/[\w-]+|\./[\w.-]+|/etc/init\.d/\w+|aplay|amidi|apt|apt-get|cat|cc|"
                      r"dfu-util|echo|ffplay|git|grep|iio_info|insmod|ip|journalctl|ls|lsblk|lsusb|mkdir|modprobe|mount|mtp-files|nc|ping|"
                      r"printf|pydoc3|python3|rm|screen|setsid|ssh|sv|systemctl|systemd-analyze|udevadm|umount|usbip|zgrep|rc-service|rc-update|s6-\w+|truncate) \S")
MENTION = re.compile(r"(?:ffsctl|make|systemctl|sv|git|usbip|systemd-analyze) [a-z-]+$")
SETTING = re.compile(r"[\w.]+ ?[:=] .*;$")  # of a gadget file
COMMENT = re.compile(r"(?:^|\s{2,})#(?: .*|$)")
PROMPT = re.compile(r"(?:host)?[#$] ")
# What stands for something: NAME, FILE.scheme, --udc=UDC, path/NAME.conf, ...
PLACEHOLDER = re.compile(r"(?<![\w$\"{/.-])(?:--?[\w-]+=)?<?(?!NULL)[A-Z]{2,}>?(?:\.\w+)?(?![\w=*/-])|(?<![\w.])\.\.\.|/[A-Z]{2,}\b|-[A-Z]{3,}\b|\bPLUGIN\.so")
UNFINISHED = re.compile(r"(?:\\|&&|\|\|?|\bdo|\{)$")


class Printed(typing.NamedTuple):
    path: str
    line: int
    text: str
    is_program: bool = False  # a Python program of several lines

    @property
    def is_form(self):
        return not self.is_program and bool(PLACEHOLDER.search(re.sub(r"'[^']*'", "''", self.text)))


def without_comment(line):
    return COMMENT.sub("", line).rstrip()


def is_unfinished(text):
    return UNFINISHED.search(text) or text.count("'") % 2 or text.count('"') % 2 or \
        len(re.findall(r"(?:^|; |\n)\s*for ", text)) > len(re.findall(r"\bdone\b", text))


def commands_of_block(lines):
    """(line, command or program, whether it is a program) of a block's [(line, text)]."""
    if re.match(r"(?:import|from) ", lines[0][1]):
        yield lines[0][0], "\n".join(text for _, text in lines), True
        return
    is_console = re.match(r"[#$] \S", lines[0][1])
    start, text = 0, ""
    for number, line in lines:
        if is_console:
            if not PROMPT.match(line):
                continue
            line = PROMPT.sub("", line, 1)
        line = without_comment(line)
        if not line.strip() or SETTING.match(line):
            continue
        start, text = (start, text + "\n" + line) if text else (number, line)
        if not is_unfinished(text):
            yield start, re.sub(r"\\\n\s*", "", text), False
            text = ""
    if text:
        yield start, text, False


def spans(path, number, text):
    """The code spans of a text that are commands."""
    for match in re.finditer(r"`([^`]+)`", text):
        words = " ".join(match.group(1).split())
        if PROGRAMS.match(words) and not MENTION.match(words):
            yield Printed(path, number + text.count("\n", 0, match.start()), words)


def of_lines(path, lines):
    """The commands of [(line, text, whether it is of a block)]."""
    block, prose = [], []

    def end():
        if block:
            yield from (Printed(path, *found) for found in commands_of_block(block))
        if prose:
            yield from spans(path, prose[0][0], "\n".join(text for _, text in prose))
        block.clear()
        prose.clear()

    last = None
    for number, text, is_of_block in lines:
        if is_of_block != last or not text.strip():
            yield from end()
        last = is_of_block
        if text.strip():
            (block if is_of_block else prose).append((number, text))
    yield from end()


def of_document(path):
    lines, fence = [], None
    for number, text in enumerate(tree.read(path).splitlines(), 1):
        if text.lstrip().startswith("```"):
            fence = None if fence is not None else text.strip("` ")
            lines.append((number, "", False))
        elif fence is None:
            lines.append((number, text[4:] if text.startswith("    ") else text, text.startswith("    ") and bool(text.strip())))
    return of_lines(path, lines)


def of_file(path):
    lines = []
    for number, text in enumerate(tree.read(path).splitlines(), 1):
        match = re.match(r"\s*#(   ?)?(.*)", text)
        lines.append((number, (match.group(2) if match.group(1) else match.group(2).removeprefix(" ")) if match else "", bool(match and match.group(1))))
    return of_lines(path, lines)


def of_manual(path):
    """Of a manual page only the displays whose first line is a command, and what has a prompt."""
    lines, display, is_shell = [], False, False
    for number, line in enumerate(tree.read(path).splitlines(), 1):
        starts = line.startswith((".Bd ", ".Dl "))
        display = starts or display and not line.startswith(".Ed")
        text = line[4:] if line.startswith(".Dl ") else line if display and not line.startswith(".") else ""
        text = text.replace("\\e", "\\").replace("\\-", "-").replace("\\(dq", '"').replace("\\&", "")
        if text and (not lines or not lines[-1][1]):
            is_shell = PROGRAMS.match(text) or PROMPT.match(text) and not re.fullmatch(r"# \S+\.conf", text)
        lines.append((number, text if is_shell else "", bool(text and is_shell)))
        display = display and not line.startswith(".Dl ")
    return of_lines(path, lines)


def one_line(text):
    """The text of a command as the table of what is run has it."""
    return " ".join(text.split())


def commands():
    """Returns what all files print, each text of a file once."""
    found = {}
    for patterns, read in ((DOCUMENTS, of_document), (FILES, of_file), (MANUALS, of_manual)):
        for path in tree.files(*patterns):
            for command in read(path):
                found.setdefault((path, command.text), command)
    return list(found.values())
