"""Code blocks: a figure with the language's name and, where it is cheap, Pygments' classes."""

import re
from functools import lru_cache

from markdown_it.common.utils import escapeHtml
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from conversations.inks import ColouredOnly

SIZE_LIMIT = 40_000  # characters
PIECE = 50  # lines; static/css/transcript.css knows their height
# Pygments' lexers take quadratic time over what follows; none of it is usual in code that somebody reads.
LINE_LIMIT = 1000
_COSTLY = re.compile(rf"[^\n]{{{LINE_LIMIT}}}|\s{{200}}")
_WORDS = re.compile(r"(?:[\w.\[\]$<>?@]{1,100}\s+){40}|[\w.\[\]$<>?@]{150}")
_COSTLY_IN = dict.fromkeys(("java", "c#", "cs", "csharp", "groovy"), _WORDS)
_PAIRS = (("/*", "*/"), ("<!--", "-->"), ("=begin", "=end"), ("[", "]"), ("<script", "</script"))
_HEREDOCS = frozenset(("crystal", "hcl", "perl", "pl", "terraform", "tf"))
HEREDOC_LIMIT = 20
UNCLOSED_LIMIT = 50
_LANGUAGE = re.compile(r"[A-Za-z0-9+#._-]{1,40}")
_LANGUAGES = frozenset(
    [
        "apache",
        "arduino",
        "asm",
        "awk",
        "bash",
        "basic",
        "bat",
        "c",
        "c#",
        "c++",
        "cfg",
        "clojure",
        "cmake",
        "coffeescript",
        "console",
        "cpp",
        "crystal",
        "cs",
        "csharp",
        "css",
        "cuda",
        "cython",
        "d",
        "dart",
        "delphi",
        "diff",
        "django",
        "docker",
        "dockerfile",
        "dosbatch",
        "elixir",
        "elm",
        "erlang",
        "f#",
        "fortran",
        "fsharp",
        "gdscript",
        "gherkin",
        "glsl",
        "go",
        "golang",
        "graphql",
        "groovy",
        "haskell",
        "hcl",
        "html",
        "html+jinja",
        "ini",
        "java",
        "javascript",
        "jinja",
        "js",
        "json",
        "json5",
        "jsonnet",
        "jsx",
        "julia",
        "kotlin",
        "latex",
        "less",
        "lisp",
        "llvm",
        "lua",
        "make",
        "makefile",
        "markdown",
        "mathematica",
        "matlab",
        "md",
        "mysql",
        "nasm",
        "nginx",
        "nim",
        "nix",
        "numpy",
        "objc",
        "objective-c",
        "ocaml",
        "octave",
        "openscad",
        "pascal",
        "perl",
        "php",
        "pl",
        "postgres",
        "postgresql",
        "powershell",
        "prolog",
        "proto",
        "protobuf",
        "ps1",
        "pug",
        "puppet",
        "pwsh",
        "py",
        "py3",
        "pycon",
        "pytb",
        "python",
        "python3",
        "qml",
        "r",
        "racket",
        "rb",
        "rego",
        "rest",
        "rs",
        "rst",
        "ruby",
        "rust",
        "sass",
        "scala",
        "scheme",
        "scss",
        "sh",
        "shell",
        "sml",
        "solidity",
        "sparql",
        "sql",
        "sqlite3",
        "swift",
        "systemverilog",
        "tcl",
        "terraform",
        "tex",
        "tf",
        "toml",
        "ts",
        "tsx",
        "twig",
        "typescript",
        "v",
        "vala",
        "vb.net",
        "verilog",
        "vhdl",
        "vim",
        "vue",
        "xml",
        "yaml",
        "yml",
        "zig",
        "zsh",
    ]
)
_formatter: HtmlFormatter[str] = HtmlFormatter(nowrap=True)


def render_code(code: str, info: str) -> str:
    """The figure of a code block; ``info`` is what follows the fence, of which the first word names the language."""
    words = info.split(maxsplit=1)
    language = words[0].lower() if words and _LANGUAGE.fullmatch(words[0]) else "text"
    return (
        f'<figure class="code" data-language="{language}"><figcaption>{language}</figcaption>'
        f'<pre><code class="highlight">{_cut(_paint(code, language))}</code></pre></figure>'
    )


def _cut(html: str) -> str:
    """Long code in pieces, so that a page looks only at those in sight. No element goes over the end of a line."""
    lines = html.split("\n")
    if len(lines) <= 2 * PIECE:
        return html
    ends = [*(f"{line}\n" for line in lines[:-1]), lines[-1]]
    pieces = ("".join(ends[start : start + PIECE]) for start in range(0, len(ends), PIECE))
    return "".join(f'<span class="lines">{piece}</span>' for piece in pieces if piece)


def _paint(code: str, language: str) -> str:
    lexer = _find_lexer(language)
    if lexer is None or _is_costly(code, language):
        return escapeHtml(code)
    return highlight(code, lexer, _formatter)


def _is_costly(code: str, language: str) -> bool:
    if len(code) > SIZE_LIMIT or _COSTLY.search(code):
        return True
    if (pattern := _COSTLY_IN.get(language)) and pattern.search(code):
        return True
    if language in _HEREDOCS and code.count("<<") > HEREDOC_LIMIT:
        return True
    return any(code.count(opening) > code.count(closing) + UNCLOSED_LIMIT for opening, closing in _PAIRS)


@lru_cache(maxsize=256)
def _find_lexer(language: str) -> Lexer | None:
    if language not in _LANGUAGES:
        return None
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
    lexer.add_filter(ColouredOnly())
    return lexer
