"""What the language tests look at: catalogues, page texts, and the texts that the pages' JavaScript asks for."""

import json
import re
from ast import literal_eval
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_PO_LINE = re.compile(r'(?:(msgctxt|msgid_plural|msgid|msgstr(?:\[\d\])?) )?(".*")$')
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+\}")
_IMPORT = re.compile(r'^\s*(?:import|export)\s[^;]*?["\'](\.[^"\']+)["\']', re.MULTILINE | re.DOTALL)
_ASKED = re.compile(r'\b(?:t|has_text)\(\s*"(\w+)"')
_LITERAL = re.compile(r'"([^"\n]*)"|\'([^\'\n]*)\'|`([^`]*)`')


@dataclass
class Entry:
    """One text of a catalogue; `strings` are its translations, more than one with plural forms."""

    id: str = ""
    context: str = ""
    plural: str = ""
    strings: list[str] = field(default_factory=list)
    fuzzy: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        return self.context, self.id, self.plural


def read_catalogue(text: str) -> list[Entry]:
    """Return the entries of a .po file without its header."""
    entries = []
    for block in text.split("\n\n"):
        entry, keyword = Entry(), ""
        for line in block.splitlines():
            if line.startswith("#"):
                entry.fuzzy |= line.startswith("#,") and "fuzzy" in line
                continue
            match = _PO_LINE.match(line)
            assert match, f"not a line of a catalogue: {line!r}"
            if match[1] and match[1].startswith("msgstr"):
                entry.strings.append("")
            keyword, value = match[1] or keyword, literal_eval(match[2])
            if keyword.startswith("msgstr"):
                entry.strings[-1] += value
            else:
                name = {"msgctxt": "context", "msgid": "id", "msgid_plural": "plural"}[keyword]
                setattr(entry, name, getattr(entry, name) + value)
        if entry.id:
            entries.append(entry)
    return entries


def faults(entry: Entry) -> list[str]:
    """Return what is wrong with a translation, in words."""
    found = ["fuzzy"] if entry.fuzzy else []
    if not all(entry.strings):
        found.append("empty")
    for number, string in enumerate(entry.strings):
        source = entry.plural if number else entry.id
        if string and sorted(_PLACEHOLDER.findall(string)) != sorted(_PLACEHOLDER.findall(source)):
            found.append(f"other placeholders: {string!r}")
        if "!" in string and "!" not in entry.id:
            found.append("exclamation mark")
    return found


class Page(HTMLParser):
    """A rendered page: its visible words, its `texts` block, its modules and its language."""

    WORDS_IN = ("aria-label", "title", "alt", "placeholder")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.language, self.words, self.texts, self.modules = "", [], {}, []
        self._inside: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag in {"button", "option"} and "lang" in values:
            self._inside.append(tag)  # a language's own name for itself
        self.words += [values[name] for name in self.WORDS_IN if values.get(name)]
        if tag == "html":
            self.language = values.get("lang", "")
        if tag == "script" and values.get("type") == "module" and "src" in values:
            self.modules.append(values["src"].partition("/static/")[2])
        if tag in {"script", "style", "svg"}:
            self._inside.append("texts" if values.get("id") == "texts" else tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style", "svg", "button", "option"} and self._inside:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if self._inside[-1:] == ["texts"]:
            self.texts = json.loads(data)
            self.words += self.texts.values()
        elif not self._inside and data.strip():
            self.words.append(" ".join(data.split()))


def english_words(words: list[str], entries: list[Entry]) -> list[str]:
    """Return the words that stand untranslated on a German page: the English text of an entry, placeholders filled in or not."""
    patterns, whole = [], set()
    for entry in entries:
        if entry.id in entry.strings:
            continue
        if _PLACEHOLDER.search(entry.id):
            parts = [re.escape(part) for part in _PLACEHOLDER.split(entry.id)]
            if len(re.sub(r"\W", "", "".join(parts))) > 2:
                patterns.append(re.compile(".+".join(parts)))
        whole.add(entry.id)
    # A word may be the German one for another English text.
    whole -= {string for entry in entries for string in entry.strings}
    return [word for word in words if word in whole or any(pattern.fullmatch(word) for pattern in patterns)]


def without_comments(source: str) -> str:
    return re.sub(r"/\*.*?\*/|^\s*//[^\n]*|(?<=[;{},)\s])//\s[^\n]*", "", source, flags=re.DOTALL | re.MULTILINE)


def module_sources(modules: list[str], static: Path = ROOT / "static") -> dict[str, str]:
    """Return path -> source, comments left out, of the modules and everything they import."""
    sources: dict[str, str] = {}
    waiting = [static / module for module in modules]
    while waiting:
        path = waiting.pop().resolve()
        if str(path) in sources:
            continue
        sources[str(path)] = without_comments(path.read_text(encoding="utf-8"))
        waiting += [path.parent / name for name in _IMPORT.findall(sources[str(path)])]
    return sources


def keys_asked(sources: dict[str, str]) -> set[str]:
    """Return the keys that are asked for by name, t("...")."""
    return {key for source in sources.values() for key in _ASKED.findall(source)}


def keys_never_asked(keys: set[str], sources: dict[str, str]) -> set[str]:
    """Return the keys that no string of the modules can make: neither as a whole nor as `prefix_${...}_suffix`.

    A template that names no part itself, `${a}_${b}`, counts for parts that are strings somewhere.
    """
    strings, patterns = keys_asked(sources), []
    for source in sources.values():
        for quoted, single, template in _LITERAL.findall(source):
            strings |= {quoted, single, template}
            parts = [re.escape(part) for part in re.split(r"\$\{[^}]*\}", template)]
            if len(parts) > 1 and "_" in "".join(parts):
                named = any(re.search("[a-z]", part) for part in parts)
                patterns.append((re.compile(r"(\w+)".join(parts)), named))

    def asked(key: str) -> bool:
        matches = [(pattern.fullmatch(key), named) for pattern, named in patterns]
        return key in strings or any(match and (named or set(match.groups()) <= strings) for match, named in matches)

    return {key for key in keys if not asked(key)}


def prose(source: str) -> list[str]:
    """Return strings of two or more words that a page could show; errors for programmers, selectors and the labels that
    keys are derived with are none."""
    found = []
    for line in without_comments(source).splitlines():
        if re.search(r"Error\(|reject\(", line):
            continue
        for parts in _LITERAL.findall(line):
            text = re.sub(r"\$\{[^}]*\}", "", "".join(parts))
            if re.search(r"[A-Za-z]{2,}[,.:]? [a-z]{2,}", text) and not re.search(
                r"[\[\]=#]|px|^telemed |^SFrame ", text
            ):
                found.append(text)
    return found


def template_prose(source: str) -> list[str]:
    """Return words of a template that are not marked for translation."""
    tag = r"{%%\s*%s\b.*?{%%\s*end%s\s*%%}"
    for name in ("comment", "blocktranslate"):
        source = re.sub(tag % (name, name), "", source, flags=re.DOTALL)
    source = re.sub(r"{%\s*block \w+_class\s*%}[^{]*{%", "{%", source)  # class names
    source = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}", "", source, flags=re.DOTALL)
    page = Page(source)
    return [word for word in page.words if re.search(r"[A-Za-z]{2,}", word) and not re.fullmatch(r"(\w+ =\s*)+", word)]
