# SPDX-License-Identifier: GPL-2.0-or-later
"""The prose of the tree: comments, messages and documents, as (path, line, text) for each piece."""

import ast
import io
import re
import tokenize

import tree

SOURCES = ("src/**/*.[ch]", "include/**/*.h", "tests/**/*.[ch]")
SCRIPTS = ("tests/**/*.py",)
# The table of kernel/README.md lists the subjects of the patches
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "doc/*.md", "man/*.[1-9]", "lab/README.md", "tests/README.md", "kernel/*.md")

COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def of_source(text):
    """(line, "comment" or "string", text) of C: a comment as one line, adjacent strings as one."""
    pieces, end = [], None
    for match in COMMENT_OR_STRING.finditer(text):
        token, line = match.group(), text.count("\n", 0, match.start()) + 1
        if token[0] == "'":
            continue
        if token[0] == "/":
            words = token[2:].removesuffix("*/")
            pieces.append([line, "comment", re.sub(r"\s*\n\s*\*?\s*", " ", words).strip(" *-")])
        elif end is not None and pieces and not text[end:match.start()].strip(" \t\n\\"):
            pieces[-1][2] += token[1:-1]
        else:
            pieces.append([line, "string", token[1:-1]])
        end = match.end() if token[0] == '"' else None
    return pieces


def of_script(text):
    """The same of Python: comments, docstrings and names of tests."""
    pieces, block = [], None
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            words = token.string.lstrip("#! ")
            alone = token.line.lstrip().startswith("#")  # not behind code
            if alone and block and block[0] == token.start[0] - 1:
                block[0] += 1
                pieces[-1][2] += " " + words
            else:
                pieces.append([token.start[0], "comment", words])
                block = [token.start[0]] if alone else None
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node):
            pieces.append([node.body[0].lineno, "comment", " ".join(ast.get_docstring(node).split())])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "test" and node.args and \
                isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
            pieces.append([node.lineno, "string", node.args[0].value])
    return pieces


def of_document(text, is_manual, tables=True):
    """The paragraphs of a document, without examples, and without `tables`."""
    pieces, paragraph, start, example = [], [], 0, False

    def end():
        if paragraph:
            pieces.append([start, "document", " ".join(paragraph)])
        paragraph.clear()

    for number, line in enumerate(text.split("\n"), 1):
        if is_manual:
            if line.startswith((".Bd -literal", ".Bd -unfilled")) or line.startswith(".nf"):
                example = True
            elif line.startswith((".Ed", ".fi")):
                example = False
            breaks = line.startswith((".Pp", ".It", ".Sh", ".Ss", ".Bl", ".El", ".Bd", ".Ed", '.\\"')) or not line
            # Words of a macro line count, its name does not
            words = re.sub(r"^\.\w+\s*", "", line) if line.startswith(".") else line
        else:
            if line.startswith("```"):
                example = not example
            breaks = not line.strip() or line.startswith(("#", "```", "|", "- ", "* ", "    ", "<!--"))
            words = "" if line.startswith(("    ", "```", "<!--")) or (line.startswith("|") and not tables) else line.strip("#|-* ")
        if breaks:
            end()
        if example or not words.strip():
            continue
        if not paragraph:
            start = number
        paragraph.append(words.strip())
    end()
    return pieces


def pieces():
    """(path, line, kind, text) of all of it. The table of words itself is none of it."""
    for path in tree.files(*SOURCES):
        yield from ((path, *piece) for piece in of_source(tree.read(path)))
    for path in tree.files(*SCRIPTS):
        yield from ((path, *piece) for piece in of_script(tree.read(path)))
    for path in tree.files(*DOCUMENTS):
        yield from ((path, *piece) for piece in of_document(tree.read(path), path.startswith("man/"),
                                                         path != "kernel/README.md"))
